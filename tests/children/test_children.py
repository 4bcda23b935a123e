from __future__ import annotations

import math
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from autometa import children
from autometa.children.folds import assign, prepared
from autometa.errors import InputError, SpaceError
from autometa.tables import Table, load_table
from autometa.task import State


def _mixed(kind: str, rows: int = 120) -> Table:
    """Numbers, categories and missing values; the target follows from both."""
    rng = np.random.default_rng(0)
    size, colour = rng.normal(size=rows), rng.choice(["red", "green", "blue"], rows)
    signal = size + (colour == "red") + 0.1 * rng.normal(size=rows)
    X = pd.DataFrame({"size": size, "noise": rng.normal(size=rows), "colour": colour})
    X.loc[rng.random(rows) < 0.1, "noise"] = np.nan
    X.loc[rng.random(rows) < 0.1, "colour"] = None
    y = pd.Series(signal * 1000 if kind == "regression" else np.where(signal > 0.3, "yes", "no"))
    return Table(name=kind, X=X, y=y)


@pytest.mark.parametrize("name", children.names())
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_defaults_learn_a_mixed_table_and_seeds_repeat(name: str, kind: str) -> None:
    child, table = children.get(name), _mixed(kind)
    child = child.on(table.kind)
    config = {**child.space.defaults}
    if name == "mlp":
        config["learning_rate"] = 0.03
    first, again = (children.evaluate(child, config, table, folds=3, seed=5) for _ in range(2))
    assert first.state is State.COMPLETE
    assert first.value is not None
    assert first.value > 0.6
    assert first.value == pytest.approx(np.mean(first.fold_scores))
    assert len(first.fold_scores) == 3
    assert (first.value, first.fold_scores, first.curve) == (
        again.value,
        again.fold_scores,
        again.curve,
    )


@pytest.mark.parametrize("name", children.names())
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_random_configs_end_as_records(name: str, kind: str) -> None:
    table = _mixed(kind, rows=60)
    child = children.get(name, table.kind)
    rng = np.random.default_rng(1)
    complete = 0
    for config in child.space.from_raw(child.space.sample_raw(6, rng)):
        outcome = children.run(child, config, table, folds=2, seed=0)
        if outcome.trial.state is State.COMPLETE:
            complete += 1
            assert outcome.trial.value is not None
            assert math.isfinite(outcome.trial.value)
            assert len(outcome.trial.fold_scores) == 2
        else:
            # Only divergence is an excuse.
            assert "nan" in outcome.error or "inf" in outcome.error.lower(), outcome
    assert complete >= 4


@pytest.mark.parametrize("name", children.names())
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_built_pipelines_fit_predict_and_clone(name: str, kind: str) -> None:
    table = _mixed(kind)
    child = children.get(name, table.kind)
    model = clone(child.build(child.space.defaults, table.schema, seed=0))
    predicted = model.fit(table.X, table.y).predict(table.X)
    assert set(predicted) <= {"yes", "no"} if kind == "classification" else predicted.std() > 0
    unseen = table.X.assign(colour="violet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # scikit-learn tells of unseen categories
        assert len(model.predict(unseen)) == len(table)


_OWNERS = (
    "autometa.",
    "sklearn.",
    "numpy.",
    "lightgbm.",
    "xgboost.",
    "catboost.",
    "collections.",
    "functools.",
)


@pytest.mark.parametrize("name", children.names())
def test_fitted_pipelines_survive_a_file_without_pickle(name: str, tmp_path: Path) -> None:
    io = pytest.importorskip("skops.io", reason="needs the extra autometa[models]")
    table = _mixed("regression", rows=40)
    child = children.get(name, table.kind)
    model = child.build(child.space.defaults, table.schema, seed=0).fit(table.X, table.y)
    io.dump(model, tmp_path / "model.skops")
    foreign = io.get_untrusted_types(file=tmp_path / "model.skops")
    assert all(t.startswith(_OWNERS) for t in foreign), foreign
    again = io.load(tmp_path / "model.skops", trusted=foreign)
    assert again.predict(table.X) == pytest.approx(model.predict(table.X))


@pytest.mark.parametrize("name", children.names())
def test_spaces_say_what_the_child_is(name: str) -> None:
    child = children.get(name)
    space = child.space
    assert space.name == name
    assert 3 <= len(space.names) <= 11
    assert space.check(space.defaults) == dict(space.defaults)  # complete, and inside the space
    assert space.check(child.tuned) == dict(child.tuned)
    assert dict(child.tuned) != dict(space.defaults)


def test_inner_learning_rates() -> None:
    rates = {n: children.get(n).space.inner_lr for n in children.names()}
    boosting = ("lightgbm", "xgboost", "catboost", "hist_gradient_boosting")
    assert rates == dict.fromkeys((*boosting, "mlp"), "learning_rate") | {"linear": "eta0"} | (
        dict.fromkeys(("svm", "random_forest", "extra_trees", "k_nearest_neighbors"))
    )


def test_unknown_children_and_bad_configs_are_user_errors() -> None:
    with pytest.raises(InputError, match="allowed: lightgbm"):
        children.get("gaussian_process")
    child = children.get("svm")
    with pytest.raises(SpaceError):
        children.evaluate(child, {"kernel": "rbf"}, _mixed("regression"), folds=2, seed=0)
    with pytest.raises(InputError, match="folds"):
        children.evaluate(child, child.space.defaults, _mixed("classification", 6), folds=9, seed=0)


def test_time_out_is_a_failed_trial() -> None:
    child = children.get("linear")
    for name in ("linear", "mlp"):
        child = children.get(name)
        outcome = children.run(
            child, child.space.defaults, _mixed("classification"), folds=2, seed=0, timeout=0.0
        )
        assert outcome.trial.state is State.FAILED
        assert outcome.trial.value is None
        assert "more than 0 s" in outcome.error


def test_a_diverging_perceptron_fails() -> None:
    child = children.get("mlp")
    config = {
        **child.space.defaults,
        "optimizer": "sgd",
        "momentum": 0.99,
        "learning_rate": 1.0,
        "depth": 3,
    }
    config.pop("class_weight")
    outcome = children.run(child, config, load_table("sklearn:diabetes"), folds=3, seed=0)
    assert outcome.trial.state is State.FAILED
    assert "nan" in outcome.error


def test_a_perceptron_has_a_learning_curve_that_ends_in_its_value() -> None:
    child = children.get("mlp")
    trial = children.evaluate(
        child, child.space.defaults, load_table("sklearn:wine"), folds=3, seed=0
    )
    assert len(trial.curve) == child.space.defaults["epochs"]
    assert trial.curve[-1] == pytest.approx(trial.value)
    assert trial.curve[-1] > trial.curve[0]


# Folds --------------------------------------------------------------------------------------------


def test_folds_share_out_rows_and_classes() -> None:
    labels = np.repeat(["a", "b", "c"], [50, 31, 2])
    table = Table(name="t", X=pd.DataFrame({"x": np.arange(83.0)}), y=pd.Series(labels))
    parts = assign(table, 5, seed=0)
    counts = np.array([[np.sum((parts == k) & (labels == c)) for c in "abc"] for k in range(5)])
    assert (counts.max(axis=0) - counts.min(axis=0)).max() <= 1
    assert counts.sum(axis=1).max() - counts.sum(axis=1).min() <= 1
    assert (assign(table, 5, seed=0) == parts).all()
    assert (assign(table, 5, seed=1) != parts).any()


def test_a_class_rarer_than_the_folds_is_no_error() -> None:
    X = pd.DataFrame({"x": np.arange(40.0)})
    table = Table(name="t", X=X, y=pd.Series(["a"] * 20 + ["b"] * 19 + ["c"]))
    for name in children.names():
        child = children.get(name)
        trial = children.evaluate(child, child.space.defaults, table, folds=3, seed=0)
        assert trial.state is State.COMPLETE, name


def test_preparation_sees_training_rows_only() -> None:
    table = load_table("sklearn:diabetes")
    for fold in prepared(table, 3, 0, "scaled"):
        assert fold.X.mean(axis=0) == pytest.approx(np.zeros(10), abs=1e-9)
        assert np.abs(fold.X_test.mean(axis=0)).max() > 1e-3


def test_torch_is_imported_for_the_perceptron_only() -> None:
    code = (
        "import sys; from autometa import children; [children.get(n) for n in children.names()];"
        "assert not {'torch', 'sklearn.ensemble'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
