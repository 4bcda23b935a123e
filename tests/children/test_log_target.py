"""Targets that models learn by their logarithm: ratios, means, bounds, and every way to a fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression

import autometa
from autometa import children
from autometa.children.evaluation.evaluate import run
from autometa.children.evaluation.isolated import Evaluator
from autometa.children.log_target import LogTarget, on_scale
from autometa.tables import Table
from autometa.tuning.scoring import Scoring

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(120, 3)), columns=list("abc"))
Y = pd.Series(np.exp(2.0 * X["a"] + 0.1 * RNG.normal(size=120)), name="price")
COUNTS = pd.Series(RNG.poisson(np.exp(0.5 * X["a"])), name="count")
TABLE = Table(name="t", X=X, y=Y, kind="regression")


@pytest.fixture(scope="module")
def evaluator() -> Iterator[Evaluator]:
    with Evaluator() as found:
        yield found


def test_logarithms_are_learned_and_undone() -> None:
    rows = X.to_numpy()
    model = LogTarget(LinearRegression()).fit(rows, Y)
    plain = LinearRegression().fit(rows, np.log1p(Y))
    np.testing.assert_allclose(model.predict(rows), np.maximum(np.expm1(plain.predict(rows)), 0))


def test_what_lies_far_out_is_neither_below_zero_nor_infinite() -> None:
    for balanced in (False, True):
        model = LogTarget(LinearRegression(), balanced=balanced).fit(X.to_numpy(), Y)
        low, high = model.predict(np.array([[-1e6, 0.0, 0.0], [1e6, 0.0, 0.0]]))
        assert low == (pytest.approx(Y.mean() / 100) if balanced else 0.0)
        assert high == pytest.approx(10 * Y.max() * model.factor_)


@given(st.lists(st.floats(1.0, 100.0), min_size=3, max_size=20), st.integers(0, 9))
def test_a_balanced_model_has_the_mean_of_its_target(values: list[float], seed: int) -> None:
    y, weight = np.array(values), np.random.default_rng(seed).uniform(0.5, 2.0, len(values))
    rows = np.zeros((len(y), 1))
    said = LogTarget(DummyRegressor(), balanced=True).fit(rows, y, weight).predict(rows)
    assert np.average(said, weights=weight) == pytest.approx(np.average(y, weights=weight))


def test_rows_that_weigh_more_are_learned_more() -> None:
    rows, y = np.zeros((2, 1)), np.array([1.0, 100.0])
    light = LogTarget(DummyRegressor()).fit(rows, y, np.array([9.0, 1.0])).predict(rows)[0]
    heavy = LogTarget(DummyRegressor()).fit(rows, y, np.array([1.0, 9.0])).predict(rows)[0]
    assert light < 2 < 60 < heavy


def test_a_child_on_no_scale_is_itself() -> None:
    child = children.get("svm", "regression")
    assert on_scale(child, "") is child


@pytest.mark.parametrize("name", children.names())
def test_every_family_learns_logarithms(name: str, evaluator: Evaluator) -> None:
    child = children.get(name, "regression")
    config: dict[str, Any] = dict(child.space.defaults)
    config |= {k: 40 for k in ("n_estimators", "max_iter") if k in config}
    table = TABLE.on_scale("log")
    direct = run(child, config, table, folds=3, seed=0)
    plain = run(child, config, TABLE, folds=3, seed=0)
    assert direct.metrics["rmsle"] != plain.metrics["rmsle"]
    assert min(p.labels.min() for p in direct.predictions) >= 0
    apart = evaluator.run(child, config, table, folds=3, seed=0, timeout=60)
    assert apart.metrics["rmsle"] == pytest.approx(direct.metrics["rmsle"])


def test_the_same_table_in_a_helper_on_another_scale(evaluator: Evaluator) -> None:
    child = children.get("linear", "regression")
    values = [
        evaluator.run(child, child.space.defaults, t, folds=3, seed=0, timeout=60).metrics["rmsle"]
        for t in (TABLE, TABLE.on_scale("log"), TABLE)
    ]
    assert values[0] == values[2] != values[1]


@pytest.mark.parametrize(
    ("metric", "scale"),
    [
        ("rmsle", "log"),
        ("neg_mean_squared_log_error", "log"),
        ("mape", "log"),
        ("neg_mean_poisson_deviance", "balanced log"),
        ("neg_mean_gamma_deviance", "balanced log"),
        ("rmse", ""),
        ("mae", ""),
        (None, ""),
    ],
)
def test_the_metric_decides(metric: Any, scale: str) -> None:
    assert Scoring.of(metric, "regression", 0).scale(TABLE) == scale


def test_a_function_of_ratios_is_known_by_its_name() -> None:
    def rmsle(true: Any, said: Any) -> float:
        return -float(np.sqrt(np.mean((np.log1p(true) - np.log1p(np.maximum(said, 0))) ** 2)))

    assert Scoring.of(rmsle, "regression", 0).scale(TABLE) == "log"


def test_targets_below_zero_and_classes_stay_as_they_are() -> None:
    below = Table(name="b", X=X, y=Y - 1.0, kind="regression")
    classes = Table(name="c", X=X, y=(Y > 1).astype(str))
    assert Scoring.of("mape", "regression", 0).scale(below) == ""
    assert Scoring.of(None, "classification").scale(classes) == ""


@pytest.mark.parametrize("metric", ["mape", "neg_mean_poisson_deviance"])
def test_a_search_and_its_model(metric: str, tmp_path: Path) -> None:
    result = autometa.tune(
        X[:90],
        COUNTS[:90],
        metric=metric,
        kind="regression",
        families=["linear", "svm"],
        n_trials=6,
    )
    assert not [trial for trial in result.warm.trials if trial.value is None]
    assert any("log(1 + target)" in note for note in result.notes)
    said = result.predict(X[90:])
    assert said.min() >= 0
    file = result.save(tmp_path / "model.skops")
    np.testing.assert_allclose(autometa.load_model(file).predict(X[90:]), said)


def test_another_metric_says_nothing_of_logarithms() -> None:
    result = autometa.tune(X, Y, metric="rmse", families=["linear"], n_trials=1)
    assert not any("log(1 + target)" in note for note in result.notes)
