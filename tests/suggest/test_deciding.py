"""The bound: no prior task has a say in a cold trial, and none can close a region for good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from autometa.meta import MetaLearner, MetaModel
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.suggest.policy import Policy
from autometa.task import State, Task, TaskHistory
from autometa.testing.families import Bowls

Spoil = Callable[[TaskHistory, np.random.Generator], TaskHistory]


def flipped(history: TaskHistory, rng: np.random.Generator) -> TaskHistory:
    return replace(history, values=-history.values)


def shuffled(history: TaskHistory, rng: np.random.Generator) -> TaskHistory:
    return replace(history, values=rng.permutation(history.values))


def scaled(history: TaskHistory, rng: np.random.Generator) -> TaskHistory:
    return replace(history, values=1e9 * history.values)


def crashing(history: TaskHistory, rng: np.random.Generator) -> TaskHistory:
    """Fails wherever the first parameter is in its upper half, which is where the best is."""
    column = history.task.space.encode_raw(history.raw)[:, 0]
    failed = column > 0.5
    return replace(
        history,
        values=np.where(failed, np.nan, history.values),
        states=np.where(failed, State.FAILED, history.states).astype(np.int8),
    )


def one_corner(history: TaskHistory, rng: np.random.Generator) -> TaskHistory:
    return history.take(np.argsort(history.raw[:, 0])[:8])


SPOILT: list[Spoil] = [flipped, shuffled, scaled, crashing, one_corner]


def learned(spoil: Spoil | None = None) -> MetaModel:
    rng = np.random.default_rng(0)
    histories = Bowls().portfolio(8, 30).histories
    return MetaLearner(seed=0, steps=80).fit(
        Portfolio(h if spoil is None else spoil(h, rng) for h in histories)
    )


def trials_of(space: SearchSpace, n: int) -> list[optuna.trial.FrozenTrial]:
    """Trials, of which three stand for the start and every fifth failed."""
    rng = np.random.default_rng(1)
    objective = Bowls().objective(101)
    made = []
    for i, config in enumerate(space.from_raw(space.sample_raw(n, rng))):
        failed = i % 5 == 4
        made.append(
            create_trial(
                state=TrialState.FAIL if failed else TrialState.COMPLETE,
                value=None if failed else objective(config),
                params=config,
                distributions={n: space.distributions[n] for n in config},
                user_attrs={"autometa:slot": i} if i < 3 else {},
            )
        )
    return made


def next_config(model: MetaModel, trials: list[optuna.trial.FrozenTrial]) -> tuple[str, Any]:
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=7))
    study.add_trials(trials)
    study.ask()
    attributes = study.trials[-1].user_attrs
    return attributes["autometa:rule"], attributes["autometa:config"]


@pytest.fixture(scope="module")
def right() -> MetaModel:
    return learned()


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_cold_trial_is_the_same_whatever_the_prior_tasks_were(
    right: MetaModel, spoil: Spoil
) -> None:
    wrong = learned(spoil)
    policy = Policy()
    turn = policy.cold_from + policy.cold_every
    for model in (right, wrong):
        assert next_config(model, trials_of(model.space, turn))[0] == "cold"
    trials = trials_of(right.space, turn)
    assert next_config(right, trials) == next_config(wrong, trials)
    # The next trial is not cold, and there the prior tasks have their say.
    trials = trials_of(right.space, turn + 1)
    assert next_config(right, trials)[0] == "transfer"
    assert next_config(right, trials)[1] != next_config(wrong, trials)[1]


def test_a_prior_of_another_task_altogether_has_no_say_in_a_cold_trial(right: MetaModel) -> None:
    """Its space is narrower and has another parameter; the trials have shown the study's."""
    space = SearchSpace(
        {
            "learning_rate": FloatDistribution(1e-4, 1e-3, log=True),
            "other": FloatDistribution(0.0, 1.0),
        }
    )
    rng = np.random.default_rng(0)
    histories = []
    for name in "abc":
        raw = space.sample_raw(20, rng)
        task = Task(name=name, space=space, direction="maximize")
        histories.append(TaskHistory(task=task, raw=raw, values=rng.standard_normal(20)))
    strange = MetaLearner(seed=0, steps=50).fit(Portfolio(histories))
    policy = Policy()
    trials = trials_of(right.space, policy.cold_from + policy.cold_every)
    rule, config = next_config(strange, trials)
    assert rule == "cold"
    assert {"learning_rate", "depth", "dropout", "optimiser"} <= config.keys()
    assert "other" not in config


def test_failures_of_prior_tasks_never_close_a_region_for_good() -> None:
    """Prior tasks crash where x > 1/2, this one does not, and its best lies there."""
    space = SearchSpace({n: FloatDistribution(0.0, 1.0) for n in "xyz"})
    rng = np.random.default_rng(0)
    histories = []
    for i in range(8):
        raw = space.sample_raw(40, rng)
        x = raw[:, 0]
        failed = x > 0.5
        values = np.where(failed, np.nan, -((x - 0.15 - 0.01 * i) ** 2))
        histories.append(
            TaskHistory(
                task=Task(name=f"t{i}", space=space, direction="maximize"),
                raw=raw,
                values=values,
                states=np.where(failed, State.FAILED, State.COMPLETE).astype(np.int8),
            )
        )
    model = MetaLearner(seed=0, steps=150).fit(Portfolio(histories))

    def objective(trial: optuna.Trial) -> float:
        x, y, z = (trial.suggest_float(n, 0.0, 1.0) for n in "xyz")
        best = max(0.8 * np.exp(-(((x - 0.2) / 0.12) ** 2)), np.exp(-(((x - 0.9) / 0.1) ** 2)))
        return float(best) - 0.1 * (y - 0.5) ** 2 - 0.1 * (z - 0.5) ** 2

    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0))
    study.optimize(objective, n_trials=40)
    assert study.best_value > 0.95
    assert study.best_params["x"] > 0.5
