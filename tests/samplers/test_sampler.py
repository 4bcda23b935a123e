from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)
from optuna.trial import TrialState

from autometa.meta import MetaLearner, MetaModel
from autometa.meta.parts.inner_rate import narrowed
from autometa.portfolio import Portfolio
from autometa.samplers.asking import suggest
from autometa.samplers.explanation import explain_study
from autometa.samplers.sampler import MetaSampler
from autometa.space import SearchSpace
from autometa.suggest import candidate_search
from autometa.suggest.policy import Policy
from autometa.suggest.suggestion import GOING_COLD, SEVERAL
from autometa.task import Task, TaskHistory
from autometa.testing.families import Bowls


@pytest.fixture(scope="module")
def model() -> MetaModel:
    return MetaLearner(seed=0, steps=200).fit(Bowls().portfolio(10, 40))


@pytest.fixture(scope="module")
def plane() -> MetaModel:
    """A model of a space that shares names and ranges with Optuna's conformance tests."""
    space = SearchSpace({"x": FloatDistribution(-1.0, 1.0), "y": IntDistribution(-1, 1)})
    rng = np.random.default_rng(0)
    histories = []
    for name in ("a", "b"):
        raw = space.sample_raw(12, rng)
        task = Task(name=name, space=space, direction="minimize")
        histories.append(TaskHistory(task=task, raw=raw, values=np.nansum(raw**2, axis=1)))
    return MetaLearner(seed=0, steps=30).fit(Portfolio(histories))


def run(
    study: optuna.Study, family: Bowls, task: int, trials: int, sign: float = 1.0
) -> optuna.Study:
    objective = family.objective(task)
    study.optimize(lambda t: sign * objective(suggest(t, family.space)), n_trials=trials)
    return study


class TestBasics(BasicSamplerTestCase, MultiObjectiveSamplerTestCase):
    """Optuna's own suites, about parameters of the names that the model knows."""

    @pytest.fixture
    def sampler(self, plane: MetaModel) -> Callable[[], BaseSampler]:
        return lambda: plane.sampler(seed=0)


class TestRelative(RelativeSamplerTestCase):
    """Parameters are sampled together, also where the model knows them in other ranges."""

    @pytest.fixture
    def sampler(self, plane: MetaModel) -> Callable[[], BaseSampler]:
        return lambda: plane.sampler(seed=0)


class TestBase(BasicSamplerTestCase, RelativeSamplerTestCase):
    """The same with a base sampler of the user's own."""

    @pytest.fixture
    def sampler(self, plane: MetaModel) -> Callable[[], BaseSampler]:
        return lambda: plane.sampler(
            seed=0,
            base=optuna.samplers.TPESampler(seed=0, n_startup_trials=0, multivariate=True),
        )


def test_a_warm_study_beats_random_search_on_new_tasks(model: MetaModel) -> None:
    family, gains = Bowls(), []
    for task in (101, 102, 103, 104):
        warm = run(
            optuna.create_study(direction="maximize", sampler=model.sampler(seed=1)),
            family,
            task,
            12,
        )
        cold = run(
            optuna.create_study(
                direction="maximize", sampler=optuna.samplers.RandomSampler(seed=1)
            ),
            family,
            task,
            12,
        )
        gains.append(warm.best_value - cold.best_value)
    assert np.mean(gains) > 0.0
    assert min(gains) > -0.05


def test_the_direction_is_the_studys_own(model: MetaModel) -> None:
    family = Bowls()
    up = run(
        optuna.create_study(direction="maximize", sampler=model.sampler(seed=1)), family, 101, 6
    )
    down = run(
        optuna.create_study(direction="minimize", sampler=model.sampler(seed=1)),
        family,
        101,
        6,
        sign=-1.0,
    )
    assert [t.params for t in up.trials] == [t.params for t in down.trials]


def test_every_trial_says_which_rule_decided_it(model: MetaModel) -> None:
    policy = Policy()
    study = run(
        optuna.create_study(direction="maximize", sampler=model.sampler(seed=1)),
        Bowls(),
        101,
        policy.cold_from + policy.cold_every + 1,
    )
    rules = [t.user_attrs["autometa:rule"] for t in study.trials]
    assert rules[: policy.warm_trials] == ["portfolio"] * policy.warm_trials
    assert rules[policy.warm_trials] == "transfer"
    by_turn = [policy.cold_from, policy.cold_from + policy.cold_every]
    assert [i for i in range(len(rules)) if policy.cold_by_turn(i)] == by_turn
    assert all(rules[i] == "cold" for i in by_turn)
    for trial in study.trials[policy.warm_trials :]:
        if trial.user_attrs["autometa:rule"] == "cold" and trial.number not in by_turn:
            assert trial.user_attrs["autometa:reason"] == GOING_COLD
    weights = study.trials[policy.warm_trials].user_attrs["autometa:weights"]
    assert set(weights) <= set(model.tasks)
    assert all(len(json.dumps(v)) < 2000 for t in study.trials for v in t.user_attrs.values())


@pytest.mark.parametrize("name", ["TPESampler", "CmaEsSampler", "NSGAIISampler", "RandomSampler"])
def test_any_optuna_sampler_can_be_the_cold_arm(model: MetaModel, name: str) -> None:
    """Cold trials are the base sampler's, and nothing else is."""
    base = getattr(optuna.samplers, name)(seed=0)
    asked: list[int] = []
    sample = base.sample_independent

    def spy(study: Any, trial: Any, *rest: Any) -> Any:
        asked.append(trial.number)
        return sample(study, trial, *rest)

    relative = base.sample_relative

    def relative_spy(study: Any, trial: Any, space: Any) -> Any:
        asked.append(trial.number)
        return relative(study, trial, space)

    base.sample_independent, base.sample_relative = spy, relative_spy
    study = run(
        optuna.create_study(direction="maximize", sampler=model.sampler(seed=0, base=base)),
        Bowls(),
        101,
        13,
    )
    cold = {t.number for t in study.trials if t.user_attrs["autometa:rule"] == "cold"}
    assert set(asked) == cold
    assert {8, 12} <= cold


def test_six_trials_a_restart_and_six_more_equal_twelve(model: MetaModel, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    for _ in range(2):
        study = optuna.create_study(
            storage=storage,
            study_name="s",
            direction="maximize",
            load_if_exists=True,
            sampler=model.sampler(seed=3),
        )
        run(study, Bowls(), 101, 6)
    whole = run(
        optuna.create_study(direction="maximize", sampler=model.sampler(seed=3)), Bowls(), 101, 12
    )
    assert [t.params for t in study.trials] == [t.params for t in whole.trials]


def test_threads_never_get_the_same_suggestion(model: MetaModel) -> None:
    family = Bowls()
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=3))
    objective = family.objective(101)

    def work(_: int) -> None:
        trial = study.ask()
        study.tell(trial, objective(suggest(trial, family.space)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(16)))
    configs = [json.dumps(t.params, sort_keys=True) for t in study.trials]
    assert len(set(configs)) == 16


def test_a_batch_asked_at_once_has_no_duplicates(model: MetaModel) -> None:
    family = Bowls()
    study = run(
        optuna.create_study(direction="maximize", sampler=model.sampler(seed=3)), family, 101, 5
    )
    batch = [suggest(study.ask(), family.space) for _ in range(6)]
    assert len({json.dumps(c, sort_keys=True) for c in batch}) == 6


def test_parameters_unknown_to_the_prior_are_searched_too(model: MetaModel) -> None:
    family = Bowls()
    objective = family.objective(101)
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0))

    def with_more(trial: optuna.Trial) -> float:
        extra = trial.suggest_float("extra", 0.0, 1.0)
        return objective(suggest(trial, family.space)) - 4.0 * (extra - 0.8) ** 2

    study.optimize(with_more, n_trials=16)
    assert study.trials[0].params["learning_rate"] == model.warm_start(1)[0].config["learning_rate"]
    rules = [t.user_attrs["autometa:rule"] for t in study.trials]
    assert rules[:3] == ["portfolio"] * 3
    assert rules.count("transfer") >= 8
    assert all("extra" in t.user_attrs["autometa:config"] for t in study.trials[1:])
    assert abs(study.best_params["extra"] - 0.8) < 0.1
    assert study.best_value > 0.75


def test_a_study_with_other_ranges_gets_the_nearest_values_and_says_so(model: MetaModel) -> None:
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0))

    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("learning_rate", 1e-8, 1e-6, log=True)
        depth = trial.suggest_float("depth", 1.5, 4.5)
        kind = trial.suggest_categorical("optimiser", ["lion", "muon"])
        trial.suggest_float("dropout", 0.0, 0.9)
        return rate + depth + len(kind)

    study.optimize(objective, n_trials=6)
    assert all(t.state == TrialState.COMPLETE for t in study.trials)
    assert "learning_rate" in study.trials[0].user_attrs["autometa:moved"]
    assert study.trials[0].params["learning_rate"] == pytest.approx(1e-6)


def test_an_empty_portfolio_is_the_base_sampler_and_the_default_comes_first() -> None:
    family = Bowls()
    empty = MetaLearner(seed=0).fit(Portfolio(), space=family.space)
    study = run(
        optuna.create_study(
            direction="maximize",
            sampler=empty.sampler(seed=0, base=optuna.samplers.TPESampler(seed=0)),
        ),
        family,
        101,
        5,
    )
    assert study.trials[0].params == family.space.defaults
    assert study.trials[0].user_attrs["autometa:rule"] == "default"
    assert len({json.dumps(t.params) for t in study.trials}) == 5


def test_failures_are_avoided_later(model: MetaModel) -> None:
    family = Bowls()
    objective = family.objective(101)
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0))

    def fragile(trial: optuna.Trial) -> float:
        config = suggest(trial, family.space)
        if config["optimiser"] == "sgd":
            raise MemoryError
        return objective(config)

    study.optimize(fragile, n_trials=20, catch=(MemoryError,))
    late = study.trials[10:]
    assert sum(t.state == TrialState.FAIL for t in late) <= len(late) / 2


def test_enqueued_trials_come_first_and_are_learned_from(model: MetaModel) -> None:
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0))
    wanted = {"learning_rate": 0.5, "depth": 8, "dropout": 0.9, "optimiser": "adam"}
    study.enqueue_trial(wanted)
    run(study, Bowls(), 101, 5)
    assert study.trials[0].params == wanted
    assert len(study.trials) == 5


def test_several_objectives_are_the_base_samplers_and_say_so(model: MetaModel) -> None:
    family = Bowls()
    objective = family.objective(101)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=model.sampler(seed=0))

    def both(trial: optuna.Trial) -> tuple[float, float]:
        config = suggest(trial, family.space)
        return objective(config), float(config["depth"] or 0)

    study.optimize(both, n_trials=6)
    assert len(study.best_trials) >= 1
    assert {e.rule for e in explain_study(study)} == {"base"}
    assert {e.reason for e in explain_study(study)} == {SEVERAL}
    assert len({t.params["learning_rate"] for t in study.trials}) == 6


def test_no_foreign_trial_enters_the_study(model: MetaModel) -> None:
    study = run(
        optuna.create_study(direction="maximize", sampler=model.sampler(seed=0)), Bowls(), 101, 4
    )
    assert len(study.get_trials()) == 4


def test_a_hostile_portfolio_is_noticed_and_said_so() -> None:
    family = Bowls()
    model = MetaLearner(seed=0, steps=300).fit(family.portfolio(10, 40, sign=-1.0))
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0))
    run(study, family, 103, 26)
    late = [t.user_attrs for t in study.trials[20:]]
    assert any(a.get("autometa:reason") == GOING_COLD for a in late)
    assert study.best_value > 0.85


def test_without_its_guard_the_sampler_never_goes_cold(model: MetaModel) -> None:
    policy = Policy(
        cold_every=0, hypotheses=tuple(h for h in Policy().hypotheses if h.arm == "transfer")
    )
    sampler = MetaSampler(model, seed=0, policy=policy)
    study = run(optuna.create_study(direction="maximize", sampler=sampler), Bowls(), 104, 14)
    rules = [t.user_attrs["autometa:rule"] for t in study.trials]
    assert rules == ["portfolio"] * 3 + ["transfer"] * 11


def test_fifty_parameters_of_every_kind() -> None:
    space = SearchSpace(
        {
            **{f"x{i}": FloatDistribution(0.0, 1.0) for i in range(20)},
            **{f"l{i}": FloatDistribution(1e-4, 1.0, log=True) for i in range(10)},
            **{f"n{i}": IntDistribution(1, 9) for i in range(10)},
            **{f"c{i}": CategoricalDistribution(["a", "b", "c"]) for i in range(10)},
        },
        conditions={f"x{i}": (f"c{i}", ["a", "b"]) for i in range(5)},
    )
    rng = np.random.default_rng(0)
    histories = []
    for name in "abc":
        raw = space.sample_raw(30, rng)
        task = Task(name=name, space=space, direction="maximize")
        histories.append(TaskHistory(task=task, raw=raw, values=-space.encode_raw(raw).sum(axis=1)))
    model = MetaLearner(seed=0, steps=100).fit(Portfolio(histories))
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0))
    study.optimize(lambda t: -float(space.encode(suggest(t, space)).sum()), n_trials=15)
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 15
    random = -space.encode_raw(space.sample_raw(200, rng)).sum(axis=1)
    assert study.best_value > np.quantile(random, 0.9)


def test_random_candidates_take_their_rates_from_the_interval_where_the_policy_says_so(
    model: MetaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def noted(*arguments: Any) -> Any:
        asked.append(arguments[2].mean)
        return narrowed(*arguments)

    monkeypatch.setattr(candidate_search, "narrowed", noted)
    expected = model.predict_inner_lr().mean
    for policy, times in ((Policy(), 0), (Policy(narrowed=True), 6), (Policy(narrowed=True), 12)):
        sampler = MetaSampler(model, seed=0, policy=policy)
        run(optuna.create_study(direction="maximize", sampler=sampler), Bowls(), 30, 10)
        assert len(asked) == times  # three trials of the start and one cold of ten
    assert set(asked) == {expected}


def test_reseeding_reaches_the_users_base_sampler(model: MetaModel) -> None:
    """Optuna reseeds the samplers of its threads and processes, or all would draw alike."""

    class Counting(optuna.samplers.RandomSampler):
        reseeded = 0

        def reseed_rng(self) -> None:
            self.reseeded += 1

    base = Counting()
    MetaSampler(model, base=base).reseed_rng()
    assert base.reseeded == 1
    MetaSampler(model).reseed_rng()  # nothing to reseed: each trial's seed is its own
