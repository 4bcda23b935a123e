"""Rows that weigh differently: in fitting, in scores, in the ensemble, and never silently not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, make_scorer

from autometa import AutoClassifier, AutoRegressor, children, tune
from autometa.children.evaluation.evaluate import run
from autometa.children.evaluation.isolated import Evaluator
from autometa.children.folds import assign
from autometa.collect import digest
from autometa.errors import InputError
from autometa.space import Config
from autometa.tables import Table
from autometa.tuning.arguments import families_of, left_out
from autometa.tuning.held_out import HeldOut
from autometa.tuning.scoring import Scoring

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(80, 3)), columns=list("abc"))
X["d"] = RNG.choice(list("uvw"), 80)
# Two populations with opposite rules: the weights decide which of them is learned.
FIRST = np.arange(80) % 2 == 0
SIGN = np.where(FIRST, 1.0, -1.0)
Y = pd.Series(np.where(SIGN * (X["a"] + 0.2 * RNG.normal(size=80)) > 0, "yes", "no"))
NUMBERS = pd.Series(SIGN * X["a"] + 0.1 * RNG.normal(size=80))
HEAVY = np.where(FIRST, 50.0, 1.0)
LIGHT = np.where(FIRST, 1.0, 50.0)


def table(weights: Any = None, kind: str = "classification") -> Table:
    y = Y if kind == "classification" else NUMBERS
    return Table(name="t", X=X, y=y, kind=kind, weights=weights)  # type: ignore[arg-type]


WEIGHED = [n for n in children.names() if n != "k_nearest_neighbors"]


@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("name", WEIGHED)
def test_every_family_learns_what_weighs_most(name: str, kind: Any) -> None:
    child = children.get(name, kind)
    assert child.takes_weights(table(HEAVY, kind).schema)
    steps: Config = {"n_estimators": 40, "max_iter": 40, "min_samples_leaf": 10}
    own = {k: v for k, v in steps.items() if k in child.space.names}
    config = {**child.space.defaults, **own}
    for weights, heavy in ((HEAVY, FIRST), (LIGHT, ~FIRST)):
        outcome = run(child, config, table(weights, kind), folds=3, seed=0)
        assert not outcome.error
        told = np.concatenate([p.labels for p in outcome.predictions])
        places = np.concatenate(
            [np.flatnonzero(assign(table(None, kind), 3, 0) == k) for k in range(3)]
        )
        truth = table(None, kind).labels[places]
        apart = heavy[places]
        if kind == "classification":
            assert (told == truth)[apart].mean() > 0.65 > (told == truth)[~apart].mean()
        else:
            assert np.corrcoef(told[apart], truth[apart])[0, 1] > 0.4


def test_a_family_that_cannot_says_so() -> None:
    weighed = table(HEAVY)
    assert not children.get("k_nearest_neighbors", "classification").takes_weights(weighed.schema)
    names = [child.name for child in families_of(None, weighed)]
    assert names == WEIGHED
    assert "k_nearest_neighbors" in left_out(weighed, families_of(None, weighed))
    assert not left_out(table(), families_of("svm", table()))
    with pytest.raises(InputError, match="all weigh the same"):
        families_of("svm,k_nearest_neighbors", weighed)


def test_the_helper_has_the_weights_too(tmp_path: Path) -> None:
    child, weighed = children.get("linear", "classification"), table(HEAVY)
    config = child.space.defaults
    options: dict[str, Any] = {"folds": 3, "seed": 0}
    with Evaluator() as evaluator:
        apart = evaluator.run(child, config, weighed, predictions=tmp_path / "p.npy", **options)
    ours = run(child, config, weighed, **options)
    assert apart.trial.value == pytest.approx(ours.trial.value)
    assert apart.trial.value != run(child, config, table(), **options).trial.value
    held_out = HeldOut.of(weighed, 3, 0)
    scoring = Scoring.of(None, "classification")
    again = scoring.by_fold(held_out, held_out.read(tmp_path / "p.npy"))
    assert again == pytest.approx(apart.trial.fold_scores)


def test_weights_are_ratios_that_identify_a_table() -> None:
    assert table(HEAVY).weights == pytest.approx(table(HEAVY * 7).weights)
    assert table(HEAVY).weights.mean() == pytest.approx(1.0)  # type: ignore[union-attr]
    assert len({digest(t) for t in (table(), table(HEAVY), table(LIGHT))}) == 3
    gaps = Table(name="t", X=X, y=Y.where(np.arange(80) > 9), weights=HEAVY)
    assert gaps.weights == pytest.approx(HEAVY[10:] / HEAVY[10:].mean())
    few = table(HEAVY).subsample(20, np.random.default_rng(0))
    assert few.weights is not None
    assert len(few.weights) == 20
    column = Table(name="t", X=X.assign(w=HEAVY), y=Y, keep=("w",)).weighted("w")
    assert column.weights == pytest.approx(table(HEAVY).weights)
    assert "w" not in column.X.columns
    for wrong in (HEAVY[:9], -HEAVY, np.zeros(80), np.where(FIRST, np.nan, 1.0), ["x"] * 80):
        with pytest.raises(InputError, match="weights"):
            table(wrong)
    for name in ("d", "e"):
        with pytest.raises(InputError, match="of weights"):
            table().weighted(name)


@pytest.mark.usefixtures("here")
def test_the_whole_way_with_a_column_of_weights(tmp_path: Path) -> None:
    options: dict[str, Any] = {"families": "linear", "n_trials": 3, "portfolio": None, "cv": 3}
    result = tune(X.assign(w=HEAVY), Y, sample_weight="w", **options)
    assert (result.predict(X) == Y)[FIRST].mean() > 0.8 > (result.predict(X) == Y)[~FIRST].mean()
    saved = result.save(tmp_path / "m.skops")
    assert saved.is_file()
    expected = balanced_accuracy_score(Y, result.predict(X), sample_weight=LIGHT)
    assert result.score(X, Y, LIGHT) == pytest.approx(expected)
    X.assign(w=HEAVY, y=Y).to_csv(tmp_path / "t.csv", index=False)
    again = tune(str(tmp_path / "t.csv"), "y", sample_weight="w", **options)
    assert again.best_value == pytest.approx(result.best_value)
    with pytest.raises(InputError, match="name of its column"):
        tune(str(tmp_path / "t.csv"), "y", sample_weight=HEAVY, **options)
    for wrong in (LIGHT[:3], -LIGHT, np.zeros(80), np.where(FIRST, np.nan, 1.0), ["x"] * 80):
        with pytest.raises(InputError, match="the rows to score"):
            result.score(X, Y, wrong)


@pytest.mark.usefixtures("here")
def test_a_metric_without_weights_is_told() -> None:
    def plain(y: Any, found: Any) -> float:
        return float(accuracy_score(y, found))

    options: dict[str, Any] = {"families": "linear", "n_trials": 1, "portfolio": None, "cv": 3}
    result = tune(X, Y, sample_weight=HEAVY, metric=plain, **options)
    assert any("do not count in plain" in note for note in result.notes)
    with pytest.raises(InputError, match=r"weights of rows in plain.*takes none"):
        result.score(X, Y, HEAVY)
    assert result.score(X, Y) > 0.5
    weighing = tune(X, Y, sample_weight=HEAVY, metric=make_scorer(accuracy_score), **options)
    assert not any("do not count" in note for note in weighing.notes)
    assert weighing.best_value != result.best_value
    said = weighing.predict(X)
    assert weighing.score(X, Y, HEAVY) == accuracy_score(Y, said, sample_weight=HEAVY)
    named = tune(X, Y, sample_weight=HEAVY, metric="f1_weighted", **options)
    assert not any("do not count" in note for note in named.notes)


@pytest.mark.usefixtures("here")
def test_estimators_take_weights_and_groups() -> None:
    options: dict[str, Any] = {"families": "linear", "n_trials": 1, "portfolio": None, "cv": 3}
    model = AutoClassifier(**options).fit(X, Y, sample_weight=HEAVY)
    assert (model.predict(X) == Y)[FIRST].mean() > 0.8
    numbers = AutoRegressor(**options).fit(X, NUMBERS, np.arange(80) // 8, HEAVY)
    assert np.corrcoef(numbers.predict(X)[FIRST], NUMBERS[FIRST])[0, 1] > 0.8
    assert numbers.result_.folds == 3


def test_weights_that_leave_one_class_are_refused_and_classes_of_no_weight_said() -> None:
    X = pd.DataFrame({"a": np.arange(60.0) % 7})
    y = pd.Series(np.repeat(["no", "some", "yes"], 20))
    only = (y == "yes").astype(float)
    with pytest.raises(InputError, match="that weigh anything have the target 'yes'"):
        Table(name="t", X=X, y=y, weights=np.asarray(only))
    with pytest.raises(InputError, match="that weigh anything have the target 'yes'"):
        Table(name="t", X=X.assign(w=only), y=y).weighted("w")
    some = Table(name="t", X=X, y=y, weights=np.asarray(y != "no", dtype=np.float64))
    assert some.info["warnings"] == ["all rows of the class 'no' weigh 0"]
    assert len(some.subsample(6, np.random.default_rng(0))) >= 6  # of which few may count
    values = pd.Series(np.arange(60.0))
    with pytest.raises(InputError, match=r"have the target '3\.0'"):
        Table(name="t", X=X, y=values, weights=np.asarray(values == 3, dtype=np.float64))
