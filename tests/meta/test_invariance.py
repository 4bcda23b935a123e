"""What is learned and suggested does not depend on units, signs and names of what was measured."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import optuna
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from autometa.encoding import Floats
from autometa.meta import MetaLearner
from autometa.portfolio import Portfolio
from autometa.samplers.sampler import MetaSampler
from autometa.space import Config, SearchSpace
from autometa.task import Direction, Task, TaskHistory

Measure = Callable[[float], float]

TASKS, TRIALS = 4, 12
KIND = CategoricalDistribution(["a", "b", "c"])


def _space(name: str, unit: float) -> SearchSpace:
    distributions: dict[str, BaseDistribution] = {
        name: FloatDistribution(0.0, unit),
        "rate": FloatDistribution(1e-4 * unit, unit, log=True),
        "kind": KIND,
    }
    return SearchSpace(distributions)


def _loss(place: float, rate: float, kind: int, best: float) -> float:
    return 4.0 * (place - best) ** 2 + 0.3 * (math.log10(rate) + 2.0) ** 2 + 0.2 * kind


def _searched(
    measure: Measure = float,
    direction: Direction = "minimize",
    *,
    of_tasks: Measure | None = None,
    prefix: str = "t",
    name: str = "x",
    unit: float = 1.0,
) -> Floats:
    """What a study tries after a few prior tasks: places of the parameters, (TRIALS, 3)."""
    space, places = _space(name, unit), np.random.default_rng(0).random((TASKS, 20, 3))
    histories = []
    for i, points in enumerate(places):
        raw = space.place_raw(points)
        values = [
            (of_tasks or measure)(_loss(*_plain(row, unit), 0.3 + 0.05 * i)) for row in raw.tolist()
        ]
        task = Task(name=f"{prefix}{i}", space=space, direction=direction)
        histories.append(TaskHistory(task=task, raw=raw, values=np.array(values)))
    model = MetaLearner(seed=0, steps=30).fit(Portfolio(histories))
    tried = []

    def objective(trial: optuna.Trial) -> float:
        config: Config = {n: trial._suggest(n, d) for n, d in space.distributions.items()}
        tried.append(_plain(space.to_raw([config])[0].tolist(), unit))
        return measure(_loss(*tried[-1], 0.42))

    study = optuna.create_study(direction=direction, sampler=MetaSampler(model, seed=0))
    study.optimize(objective, n_trials=TRIALS)
    return np.array(tried)


def _plain(row: list[float], unit: float) -> tuple[float, float, int]:
    return row[0] / unit, row[1] / unit, int(row[2])


@pytest.fixture(scope="module")
def plain() -> Floats:
    return _searched()


@settings(max_examples=6, deadline=None)
@given(st.floats(-140.0, 140.0))
@example(-12.0)  # farads, residuals of a solver
@example(-20.0)
@example(12.0)
@example(2.0)  # per cent
def test_the_unit_of_the_values_does_not_matter(plain: Floats, exponent: float) -> None:
    unit = 10.0**exponent
    np.testing.assert_allclose(_searched(lambda v: v * unit), plain, rtol=1e-6)


@settings(max_examples=4, deadline=None)
@given(st.floats(-100.0, 100.0))
@example(100.0)
def test_nor_where_they_begin(plain: Floats, zero: float) -> None:
    np.testing.assert_allclose(_searched(lambda v: v + zero), plain, rtol=1e-6)


def test_nor_which_way_is_better(plain: Floats) -> None:
    np.testing.assert_allclose(_searched(lambda v: -v, "maximize"), plain, rtol=1e-6)


def test_nor_what_tasks_and_parameters_are_called(plain: Floats) -> None:
    np.testing.assert_allclose(_searched(prefix="z", name="place"), plain, rtol=1e-6)


@pytest.mark.parametrize("unit", [1000.0, 1e-9])
def test_nor_the_units_of_the_parameters(plain: Floats, unit: float) -> None:
    np.testing.assert_allclose(_searched(unit=unit), plain, rtol=1e-6)


def test_the_start_knows_only_what_is_better_and_by_how_much(plain: Floats) -> None:
    """Prior tasks that were scored in another unit start a study alike; scale is evidence later."""
    found = _searched(of_tasks=lambda v: 1000.0 * v + 5.0)
    np.testing.assert_allclose(found[:3], plain[:3], rtol=1e-6)
    assert not np.allclose(found, plain)
