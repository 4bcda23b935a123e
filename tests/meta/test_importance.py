from __future__ import annotations

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from autometa.errors import ModelError
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.inspect.importance import param_importances
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory

SPACE = SearchSpace(
    {
        "idle": FloatDistribution(0.0, 1.0),
        "weak": FloatDistribution(0.0, 1.0),
        "strong": FloatDistribution(1e-4, 1.0, log=True),
        "switch": CategoricalDistribution(["on", "off"]),
        "below": FloatDistribution(0.0, 1.0),
    },
    conditions={"below": ("switch", ["on"])},
)


def fitted(tasks: int = 4, trials: int = 150) -> MetaModel:
    """Tasks whose score is 3 strong + weak + (below, where it is active), in unit columns."""
    rng = np.random.default_rng(0)
    histories = []
    for i in range(tasks):
        raw = SPACE.sample_raw(trials, rng)
        unit = np.nan_to_num(raw[:, [1, 4]])
        strong = np.log10(raw[:, 2]) / 4.0 + 1.0
        task = Task(name=f"t{i}", space=SPACE, direction="maximize")
        histories.append(TaskHistory(task=task, raw=raw, values=3 * strong + unit.sum(axis=1)))
    return MetaLearner(seed=0, steps=400).fit(Portfolio(histories))


def test_shares_are_those_of_the_function() -> None:
    shares = {name: float(s.mean()) for name, s in param_importances(fitted()).items()}
    assert next(iter(shares)) == "strong"
    # Var(3u) = 9/12, Var(u) = 1/12, Var(below) = E[v^2]/2 - E[v]^2/4 with v uniform = 5/48.
    whole = 9 / 12 + 1 / 12 + 5 / 48
    assert shares["strong"] == pytest.approx(9 / 12 / whole, abs=0.08)
    assert shares["weak"] == pytest.approx(1 / 12 / whole, abs=0.05)
    assert shares["idle"] < 0.04
    # A change of the parent switches the child: half of the time, E[v^2] = 1/3 is at stake.
    assert shares["switch"] == pytest.approx(0.5 * 0.5 / 3 / whole, abs=0.05)
    assert shares["below"] == pytest.approx(0.5 / 12 / whole, abs=0.04)


def test_shares_have_a_row_a_task_and_repeat() -> None:
    model = fitted(tasks=3, trials=30)
    first, again = param_importances(model), param_importances(model)
    assert all(s.shape == (3,) and (s >= 0).all() for s in first.values())
    assert all((first[name] == again[name]).all() for name in SPACE.names)


def test_a_model_without_tasks_has_none() -> None:
    with pytest.raises(ModelError, match="learned nothing"):
        param_importances(MetaLearner(seed=0).fit(Portfolio(), space=SPACE))
