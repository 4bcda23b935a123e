"""Searches that count the time of their trials."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution

import autometa
from autometa.errors import InputError
from autometa.meta import MetaLearner
from autometa.meta.cost_model import CostModel
from autometa.meta.parts.zero_shot import greedy_portfolio
from autometa.meta.spaces.study_space import StudySpace
from autometa.portfolio import Portfolio
from autometa.priors.cost import cost_model_of
from autometa.priors.knowing import Wish
from autometa.samplers.explanation import explain_study
from autometa.space import SearchSpace
from autometa.storages import attributes
from autometa.suggest import Policy
from autometa.suggest.acquisitions.expected_improvement import EXPECTED_IMPROVEMENT
from autometa.suggest.cost import log_seconds, per_second, timed_trials
from autometa.task import Task, TaskHistory

QUICK = MetaLearner(seed=0, steps=20, basis_size=12)
SPACE = SearchSpace({"x": FloatDistribution(0.0, 1.0), "size": FloatDistribution(0.0, 1.0)})


def value(x: Any, size: Any, best: float = 0.5) -> Any:
    """A little better where it is dear."""
    return -((x - best) ** 2) + 0.02 * size


def took(size: Any) -> Any:
    return 10.0 ** (2.0 * size)


def past(tasks: int = 6, trials: int = 30, *, timed: bool = True) -> Portfolio:
    rng = np.random.default_rng(0)
    histories = []
    for k, best in enumerate(np.linspace(0.4, 0.6, tasks)):
        raw = SPACE.sample_raw(trials, rng)
        seconds = (k + 1.0) * took(raw[:, 1]) if timed else np.full(trials, np.nan)
        task = Task(name=f"{best:.3f}", space=SPACE, direction="maximize")
        values = value(raw[:, 0], raw[:, 1], best)
        histories.append(TaskHistory(task=task, raw=raw, values=values, seconds=seconds))
    return Portfolio(histories)


@pytest.fixture(scope="module")
def costed() -> CostModel:
    return cost_model_of(past(), Wish(), 0, QUICK)


def searched(sampler: optuna.samplers.BaseSampler, n: int) -> optuna.Study:
    study = optuna.create_study(direction="maximize", sampler=sampler)
    run(study, n)
    return study


def run(study: optuna.Study, n: int) -> None:
    for _ in range(n):
        trial = study.ask()
        x, size = trial.suggest_float("x", 0.0, 1.0), trial.suggest_float("size", 0.0, 1.0)
        trial.set_user_attr(attributes.SECONDS, 3.0 * took(size))
        study.tell(trial, value(x, size))


def clock(study: optuna.Study) -> float:
    return float(sum(t.user_attrs[attributes.SECONDS] for t in study.trials))


def test_what_costs_less_is_tried_first_and_more_often(costed: CostModel) -> None:
    aware = searched(autometa.MetaSampler(costed, seed=0), 10)
    blind = searched(autometa.MetaSampler(costed.quality, seed=0), 10)
    assert clock(aware) < 0.85 * clock(blind)
    assert aware.best_value > -0.01
    assert {e.rule for e in explain_study(aware)} == {"portfolio", "transfer", "cold"}


def test_the_power_says_how_much_seconds_count(costed: CostModel) -> None:
    clocks = []
    for power in (0.0, 1.0):
        sampler = autometa.MetaSampler(costed, seed=0, policy=Policy(cost_power=power))
        clocks.append(clock(searched(sampler, 8)))
    assert clocks[1] < clocks[0]
    with pytest.raises(InputError):
        per_second(EXPECTED_IMPROVEMENT, lambda unit: unit[:, 0], -1.0)


def test_the_studys_own_seconds_correct_what_prior_tasks_expect(costed: CostModel) -> None:
    setup = vars(autometa.MetaSampler(costed, seed=0))["_setup"]
    unit = np.array([[0.5, 0.2], [0.4, 0.5], [0.6, 0.6]])
    hypotheses = Policy().hypotheses
    for scale in (1.0, 100.0):
        timed = timed_trials(unit, scale * took(unit[:, 1]))
        expected = log_seconds(setup.cost, StudySpace(SPACE), timed, hypotheses)
        assert expected is not None
        found = expected(np.array([[0.5, 0.4], [0.5, 1.0]]))
        assert found[0] == pytest.approx(np.log(scale * took(0.4)), abs=0.6)
        assert found[1] > found[0] + 0.5
    assert (
        log_seconds(setup.cost, StudySpace(SPACE), timed_trials(unit[:0], unit[:0, 0]), hypotheses)
        is None
    )


def test_the_start_is_the_list_that_gains_most_for_its_cost(costed: CostModel) -> None:
    dear = [float(c.config["size"] or 0.0) for c in costed.quality.warm_start(3)]
    cheap = [float(c.config["size"] or 0.0) for c in costed.warm_start(3)]
    assert max(cheap) < max(dear)
    regret = np.array([[0.0, 0.0], [0.1, 0.1], [0.9, 0.9]])
    equal = np.full(2, 0.5)
    assert greedy_portfolio(regret, 3, equal).tolist()[0] == 0
    for_cost = greedy_portfolio(regret, 3, equal, np.array([100.0, 1.0, 1.0]))
    assert for_cost.tolist() == [1, 0, 2]


def test_doors_and_mistakes() -> None:
    study = autometa.create_study("maximize", prior=past(), cost="seconds", learner=QUICK)
    run(study, 4)
    assert [e.rule for e in explain_study(study)] == ["portfolio"] * 3 + ["transfer"]
    plain = optuna.create_study(direction="maximize")
    warm = autometa.warm_start(plain, past(timed=False), cost="seconds", learner=QUICK)
    run(warm, 5)
    assert [e.rule for e in explain_study(warm)][4] == "transfer"
    for options, match in (
        ({"cost": "euros"}, "'seconds'"),
        ({"cost": "seconds", "prior": QUICK.fit(past())}, "portfolio"),
        ({"cost": "seconds", "task": ["maximize", "minimize"]}, "one of them"),
    ):
        given: dict[str, Any] = {"task": "maximize", "prior": past(), **options}
        with pytest.raises(InputError, match=match):
            autometa.create_study(**given)
    with pytest.raises(InputError, match="several objectives"):
        autometa.MetaSampler(past(), cost="seconds", metric=["a", "b"])


def test_stopped_pickled_and_resumed_it_is_the_same_search(costed: CostModel) -> None:
    whole = searched(autometa.MetaSampler(costed, seed=1), 8)
    parts = searched(autometa.MetaSampler(costed, seed=1), 3)
    parts.sampler = pickle.loads(pickle.dumps(parts.sampler))  # our own sampler
    run(parts, 5)
    assert [t.params for t in parts.trials] == [t.params for t in whole.trials]


def test_times_that_are_none_do_not_count() -> None:
    study = optuna.create_study()
    for said in (None, "long", -1.0, 0.0, float("nan"), 5):
        trial = study.ask()
        trial.set_user_attr(attributes.SECONDS, said)
        study.tell(trial, 1.0)
    found = [attributes.seconds(t) for t in study.trials]
    assert found[-1] == 5.0
    assert all(not t > 1.0 for t in found[:-1])  # their own times, or unknown
