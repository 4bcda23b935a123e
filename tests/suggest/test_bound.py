"""The bound: no prior task has a say in a cold trial, and none can close a region for good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from optuna.distributions import FloatDistribution

from autometa.meta import MetaLearner, MetaModel
from autometa.meta.spaces.study_space import ObservedSpace, StudySpace, study_space
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.suggest import Observations, Policy, Setup, Situation, Suggestion, suggest
from autometa.task import State, Task, TaskHistory
from tests.suggest.conftest import BOWLS, drawn, encoded, observed, situation

Spoil = Callable[[TaskHistory, np.random.Generator], TaskHistory]

POLICY = Policy()
TURN = POLICY.cold_from + POLICY.cold_every


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
    histories = BOWLS.portfolio(8, 30).histories
    return MetaLearner(seed=0, steps=60).fit(
        Portfolio(h if spoil is None else spoil(h, rng) for h in histories)
    )


def seen(n: int) -> Observations:
    """Of n trials, every fifth of which failed."""
    configs = drawn(n)
    failed = configs[4::5]
    return observed([c for c in configs if c not in failed], failed=encoded(failed))


def suggested(model: MetaModel, number: int) -> Suggestion:
    return suggest(Setup.of(model, seed=7), situation(number, seen(number)))


@pytest.fixture(scope="module")
def right() -> MetaModel:
    return learned()


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_cold_trial_is_the_same_whatever_the_prior_tasks_were(
    right: MetaModel, spoil: Spoil
) -> None:
    wrong = learned(spoil)
    cold, next_one = suggested(right, TURN), suggested(right, TURN + 1)
    assert cold.rule == "cold"
    assert cold.config == suggested(wrong, TURN).config
    # The next trial is not cold, and there the prior tasks have their say.
    assert next_one.rule == "transfer"
    assert next_one.config != suggested(wrong, TURN + 1).config


def test_a_prior_of_another_task_altogether_has_no_say_in_a_cold_trial() -> None:
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
    shown = dict(BOWLS.space.distributions)
    own = study_space(
        space,
        ObservedSpace(latest=shown, widest=shown, lacked=frozenset({"other", "momentum"})),
    )
    unit = np.array([own.project(config) for config in drawn(TURN)])
    seen = Observations.of(unit, [*map(BOWLS.objective(101), drawn(TURN))])
    found = suggest(Setup.of(strange, seed=7), situation(TURN, seen, space=own))
    assert found.rule == "cold"
    assert {"learning_rate", "depth", "dropout", "optimiser"} <= found.config.keys()
    assert "other" not in found.config


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
    setup = Setup.of(MetaLearner(seed=0, steps=150).fit(Portfolio(histories)), seed=0)
    unit, scores, places = np.zeros((0, 3)), list[float](), frozenset[int]()
    for number in range(40):
        now = Situation(
            number=number,
            space=StudySpace(space),
            observed=Observations.of(unit, scores),
            places=places,
        )
        found = suggest(setup, now)
        if "slot" in found.notes:
            places |= {found.notes["slot"]}
        config = {n: float(found.config[n]) for n in "xyz"}  # type: ignore[arg-type]
        best = max(
            0.8 * np.exp(-(((config["x"] - 0.2) / 0.12) ** 2)),
            np.exp(-(((config["x"] - 0.9) / 0.1) ** 2)),
        )
        unit = np.concatenate([unit, space.encode(found.config)[None]])
        scores.append(float(best) - 0.1 * (config["y"] - 0.5) ** 2 - 0.1 * (config["z"] - 0.5) ** 2)
    assert max(scores) > 0.95
    assert unit[np.argmax(scores), 0] > 0.5
