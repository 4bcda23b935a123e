from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    fbeta_score,
    get_scorer,
    get_scorer_names,
    log_loss,
    make_scorer,
    mean_absolute_error,
    mean_squared_error,
    zero_one_loss,
)
from sklearn.model_selection import LeaveOneOut, TimeSeriesSplit

from autometa.children.evaluation.evaluate import Outcome
from autometa.children.evaluation.held_out import read_predictions, write_predictions
from autometa.children.folds import Splits
from autometa.children.metrics import of_kind
from autometa.children.prediction import Prediction
from autometa.errors import InputError, StoreError
from autometa.tables import Kind, Table
from autometa.task import CompletedTrial
from autometa.tuning.held_out import HeldOut
from autometa.tuning.scoring import Scoring
from autometa.tuning.tune import tune_table

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(40, 2)), columns=["a", "b"])
TWO = Table(name="two", X=X, y=(X["a"] + RNG.normal(size=40) > 0).astype(int))
THREE = Table(name="three", X=X, y=pd.Series(np.arange(40) % 3 + 7))
NUMBERS = Table(name="numbers", X=X, y=pd.Series(RNG.gamma(2.0, size=40)))

SCORERS = (
    *((TWO, name) for name in ("balanced_accuracy", "accuracy", "roc_auc", "f1_macro")),
    *((TWO, name) for name in ("neg_log_loss", "neg_brier_score", "average_precision")),
    *((NUMBERS, f"neg_{name}") for name in ("root_mean_squared_error", "mean_absolute_error")),
    *((NUMBERS, f"neg_{n}") for n in ("median_absolute_error", "root_mean_squared_log_error")),
    (NUMBERS, "r2"),
)


class Said:
    """A model that says what was drawn for it."""

    def __init__(self, prediction: Prediction, labels: np.ndarray) -> None:
        self.said, self.classes_ = prediction, labels

    def __sklearn_tags__(self) -> object:
        from sklearn.base import ClassifierMixin, RegressorMixin
        from sklearn.utils import get_tags

        kind = RegressorMixin if self.said.shares is None else ClassifierMixin
        return get_tags(type("K", (kind, __import__("sklearn").base.BaseEstimator), {})())

    def predict(self, X: object) -> np.ndarray:
        if self.said.shares is None:
            return self.said.labels
        return np.asarray(self.classes_[self.said.shares.argmax(axis=1)])

    def predict_proba(self, X: object) -> np.ndarray:
        assert self.said.shares is not None
        return self.said.shares


def drawn(table: Table, seed: int = 0) -> Prediction:
    rng = np.random.default_rng(seed)
    if table.kind == "regression":
        return Prediction(rng.gamma(2.0, size=len(table)))
    return Prediction.of_shares(rng.dirichlet(np.ones(table.schema.classes), size=len(table)))


@pytest.mark.parametrize(("table", "name"), SCORERS)
def test_standard_metrics_are_scikit_learns_scorers(table: Table, name: str) -> None:
    kind: Kind = table.kind  # type: ignore[assignment]
    ours = Scoring.of(name, kind, table.schema.classes)
    assert ours.name == name
    assert ours.scorer is None
    assert Scoring.of(ours.standard.name, kind).name == name
    said = drawn(table)
    labels = np.asarray(table.y.cat.categories) if kind == "classification" else np.empty(0)
    wanted = get_scorer(name)(Said(said, labels), X, np.asarray(table.y))
    assert ours.score(table.labels, said, labels) == pytest.approx(wanted)
    with_scorer = Scoring.of(get_scorer(name), kind, table.schema.classes)
    assert with_scorer.scorer is not None
    assert with_scorer.score(table.labels, said, labels) == pytest.approx(wanted)


def test_other_scorers_say_what_prior_tasks_are_read_by() -> None:
    assert Scoring.of("neg_mean_squared_error", "regression").standard.name == "rmse"
    assert "'f1_macro'" in Scoring.of("f1_weighted", "classification", 3).note
    assert Scoring.of("roc_auc", "classification").note == ""
    mine = Scoring.of(lambda true, said: accuracy_score(true, said), "classification")
    assert (mine.name, mine.standard.name) == ("scorer", "balanced_accuracy")
    score = mine.score(TWO.labels, drawn(TWO), np.arange(2))
    assert score == accuracy_score(TWO.labels, drawn(TWO).labels)
    assert Scoring.of(make_scorer(accuracy_score), "classification").scorer is not None


@pytest.mark.parametrize("name", ["f1", "precision", "recall", "jaccard"])
def test_of_two_labels_that_are_text_the_second_is_the_positive_one(name: str) -> None:
    said, words = drawn(TWO), np.array(["no", "yes"])
    wanted = get_scorer(name)(Said(said, np.arange(2)), X, TWO.labels)
    assert Scoring.of(name, "classification").score(TWO.labels, said, words) == wanted


@pytest.mark.parametrize(
    ("asked", "kind", "classes"),
    [
        ("r2", "classification", 2),
        ("roc_auc", "regression", 0),
        ("average_precision", "classification", 3),
        ("nonsense", "classification", 2),
        (3, "classification", 2),
    ],
)
def test_what_is_no_metric_is_refused(asked: object, kind: Kind, classes: int) -> None:
    with pytest.raises(InputError, match="metric"):
        Scoring.of(asked, kind, classes)  # type: ignore[arg-type]


OF_CLUSTERS = {
    *("adjusted_mutual_info_score", "adjusted_rand_score", "completeness_score", "rand_score"),
    *("fowlkes_mallows_score", "homogeneity_score", "mutual_info_score", "v_measure_score"),
    "normalized_mutual_info_score",
}
"""Scorers that are no nonsense for either kind, as they compare groups of rows."""


def test_each_scorer_of_the_other_kind_is_refused_and_the_kind_is_named() -> None:
    refused = {
        kind: {name: said for name in get_scorer_names() if (said := refusal(name, kind))}
        for kind in get_args(Kind)
    }
    assert not refused["classification"].keys() & refused["regression"].keys()
    assert set(get_scorer_names()) - set().union(*refused.values()) == OF_CLUSTERS
    assert all('say kind="regression"' in said for said in refused["classification"].values())
    assert all('say kind="classification"' in said for said in refused["regression"].values())


def refusal(name: str, kind: Kind) -> str:
    """What is said of a metric that is refused; "" where it is not."""
    try:
        Scoring.of(name, kind)
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", ["R2", "mse", "MAPE", "neg_mean_absolute_error", "rmse", "l1"])
def test_errors_of_numbers_are_no_metrics_of_classes_however_they_are_spelt(name: str) -> None:
    ratings = Table(name="ratings", X=X, y=pd.Series(np.arange(40) % 5))
    with pytest.raises(InputError, match=f"metric '{name}' of a classification.*kind=.regression"):
        tune_table(ratings, metric=name, families="linear", n_trials=1, portfolio=None)
    assert Scoring.of(name, "regression").standard.kind == "regression"


@pytest.mark.parametrize("name", ["f1", "average_precision", "recall", "jaccard"])
def test_it_is_said_which_of_two_labels_a_metric_is_about(name: str) -> None:
    scoring = Scoring.of(name, "classification")
    assert scoring.about(["fraud", "ok"]) == (
        f"{name} is about the label 'ok', the last of 'fraud', 'ok'; "
        "a scorer with pos_label=... is about the other"
    )
    assert "'2'" in scoring.about([1, 2])
    for plain in ([0, 1], [False, True], [-1.0, 1.0], ["a", "b", "c"], ()):
        assert scoring.about(plain) == ""


@pytest.mark.parametrize(
    "asked", ["roc_auc", "f1_macro", "neg_brier_score", make_scorer(f1_score, pos_label="fraud")]
)
def test_of_metrics_that_know_their_label_nothing_is_said(asked: Any) -> None:
    assert Scoring.of(asked, "classification").about(["fraud", "ok"]) == ""


def test_a_search_says_which_label_its_metric_is_about() -> None:
    words = Table(name="words", X=X, y=pd.Series(TWO.labels).map({0: "fraud", 1: "ok"}))
    result = tune_table(words, metric="f1", families="linear", n_trials=1, portfolio=None)
    assert any("about the label 'ok'" in note for note in result.notes)


@pytest.mark.parametrize("splits", [LeaveOneOut(), TimeSeriesSplit(3, test_size=1), 40])
def test_what_one_row_explains_is_no_number_and_refused(splits: Any) -> None:
    given: dict[str, Any] = {"families": "linear", "n_trials": 1, "portfolio": None, "cv": splits}
    with pytest.raises(InputError, match=r"'r2' says nothing.*Take fewer splits, or another"):
        tune_table(NUMBERS, **given)
    found = tune_table(NUMBERS, metric="neg_mean_absolute_error", **given)
    assert found.best_value is not None
    assert found.best_value < 0


@pytest.mark.parametrize("table", [TWO, THREE, NUMBERS], ids=lambda t: t.name)
@pytest.mark.parametrize("given", [False, True])
def test_a_scorer_sees_the_held_out_rows_of_each_fold(
    table: Table, given: bool, tmp_path: Path
) -> None:
    pairs = tuple((np.arange(0, k), np.arange(k, k + 10)) for k in (10, 20, 30))
    held_out = HeldOut.of(table, Splits(pairs) if given else 3, seed=1)
    whole = Prediction(
        np.concatenate(held_out.truths),
        None
        if table.kind == "regression"
        else np.eye(table.schema.classes)[np.concatenate(held_out.truths)],
    )
    write_predictions(held_out.split(whole), tmp_path / "p.npy")
    name = "neg_max_error" if table.kind == "regression" else "f1_weighted"
    scoring = Scoring.of(name, table.kind, table.schema.classes)  # type: ignore[arg-type]
    trial = CompletedTrial(config={}, value=0.1, fold_scores=(0.1,) * 3, seconds=1.0)
    found = scoring.applied(Outcome(trial=trial), held_out, tmp_path / "p.npy")
    assert found.trial.fold_scores == ((0.0,) * 3 if name == "neg_max_error" else (1.0,) * 3)
    assert found.trial.value == found.trial.fold_scores[0]


def test_a_scorer_that_raises_or_is_not_defined_fails_its_config(tmp_path: Path) -> None:
    held_out = HeldOut.of(TWO, 3, seed=0)
    write_predictions(held_out.split(drawn(TWO)), tmp_path / "p.npy")
    trial = CompletedTrial(config={}, value=0.5, fold_scores=(0.5,) * 3, seconds=1.0)

    def broken(model: object, X: object, y: object) -> float:
        raise RuntimeError("no idea")

    for scorer, error in ((broken, "no idea"), (lambda *_: float("nan"), "not defined")):
        found = Scoring.of(scorer, "classification").applied(
            Outcome(trial=trial), held_out, tmp_path / "p.npy"
        )
        assert found.trial.value is None
        assert error in found.error


def boom(y: Any, said: Any) -> float:
    raise RuntimeError("boom")


def of_shares(y: Any, said: Any) -> float:
    return -float(np.mean((said[:, 1] - y) ** 2))


def by_a_column(model: Any, X: Any, y: Any) -> float:
    return float(X["size"].mean())


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (boom, "RuntimeError: boom"),
        (of_shares, "IndexError.*response_method"),
        (by_a_column, "'by_a_column'.*by true values and predictions alone"),
        (lambda y, said: float("nan"), "it is nan for the rows of split 1"),
        (lambda y, said: float("inf"), "it is inf"),
        (lambda y, said: (1, 2), "TypeError"),
        (lambda y, said: "much", "ValueError"),
    ],
)
def test_a_metric_that_says_nothing_is_refused_before_the_search(asked: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        tune_table(TWO, metric=asked, families="linear", n_trials=1, portfolio=None)


def test_a_metric_without_a_value_for_some_rows_is_refused_with_the_split() -> None:
    rows = np.argsort(TWO.labels, kind="stable")
    for name in ("roc_auc", "average_precision"):
        held_out = HeldOut.of(TWO, Splits(((rows[10:], rows[:10]),)), seed=0)
        with pytest.raises(InputError, match=r"split 1.*rows of each class"):
            Scoring.of(name, "classification").check(held_out)
    below = Table(name="below", X=X, y=pd.Series(-np.arange(1.0, len(X) + 1)))
    for name in ("rmsle", "neg_mean_squared_log_error"):
        with pytest.raises(InputError, match="says nothing"):
            Scoring.of(name, "regression").check(HeldOut.of(below, 3, seed=0))


@pytest.mark.parametrize("table", [TWO, THREE, NUMBERS], ids=lambda t: t.name)
def test_sound_metrics_pass_though_they_have_no_value_where_all_is_right(table: Table) -> None:
    kind: Kind = table.kind  # type: ignore[assignment]

    def surprise(y: Any, said: Any) -> float:
        return -float(np.log(np.mean(np.asarray(said) != np.asarray(y))))

    held_out = HeldOut.of(table, 3, seed=0)
    with np.errstate(divide="ignore"):
        Scoring.of(surprise, kind, table.schema.classes).check(held_out)
    for name in of_kind(kind, table.schema.classes):
        Scoring.of(name, kind, table.schema.classes).check(held_out)


def test_a_class_that_is_never_predicted_is_no_wall_of_warnings() -> None:
    scoring = Scoring.of("precision_macro", "classification", 3)
    said = Prediction.of_shares(np.tile([1.0, 0.0, 0.0], (len(THREE), 1)))
    assert np.isfinite(scoring.score(THREE.labels, said, np.asarray(THREE.y.cat.categories)))


def test_predictions_of_other_rows_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.npy"
    write_predictions([drawn(THREE)], path)
    assert read_predictions(path, rows=40, classes=3).shares == pytest.approx(
        drawn(THREE).shares, abs=1e-6
    )
    for rows, classes in ((41, 3), (40, 2), (40, 0)):
        with pytest.raises(StoreError, match="cannot be read"):
            read_predictions(path, rows=rows, classes=classes)
    path.write_bytes(b"no array")
    with pytest.raises(StoreError, match="cannot be read"):
        read_predictions(path, rows=40, classes=3)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(StoreError, match="cannot be read"):
        read_predictions(path, rows=40, classes=3)


@pytest.mark.parametrize(
    ("table", "loss"),
    [
        (NUMBERS, mean_squared_error),
        (NUMBERS, make_scorer(mean_absolute_error)),
        (NUMBERS, lambda true, said: float(np.abs(true - said).max())),
        (TWO, zero_one_loss),
        (THREE, make_scorer(log_loss, response_method="predict_proba")),
        (TWO, lambda model, X, y: float((model.predict(X) != y).mean())),
    ],
)
def test_a_loss_is_refused_before_its_worst_model_is_searched(table: Table, loss: Any) -> None:
    kind: Kind = table.kind  # type: ignore[assignment]
    held_out = HeldOut.of(table, 3, seed=0)
    scoring = Scoring.of(loss, kind, table.schema.classes)
    with pytest.raises(InputError, match=r"where they are mixed up: a loss.*Return its negative"):
        scoring.check(held_out)

    def negative(*given: Any) -> float:
        assert scoring.scorer is not None
        return -scoring.scorer(*given)

    Scoring(name="n", standard=scoring.standard, scorer=negative).check(held_out)


def test_counts_with_zeros_can_be_searched_by_poissons_deviance() -> None:
    counts = Table(name="c", X=X, y=pd.Series(RNG.poisson(2.0, 40)), kind="regression")
    held_out = HeldOut.of(counts, 3, seed=0)
    scoring = Scoring.of("neg_mean_poisson_deviance", "regression")
    scoring.check(held_out)
    assert scoring.mean(held_out, held_out.right()) == -np.inf  # a zero that is right is refused
    assert np.isfinite(scoring.mean(held_out, held_out.mean()))


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("F1", "f1"),
        ("f1_score", "f1"),
        ("MCC", "matthews_corrcoef"),
        ("AUC", "roc_auc"),
        (partial(fbeta_score, beta=2), "fbeta_score"),
        (make_scorer(fbeta_score, beta=2), "fbeta_score"),
        (lambda true, said=None: 0.5, "scorer"),
    ],
)
def test_metrics_are_known_by_what_people_call_them(given: Any, name: str) -> None:
    found = Scoring.of(given, "classification")
    assert found.name == name
    held_out = HeldOut.of(TWO, 2, seed=0)
    assert np.isfinite(found.mean(held_out, held_out.right()))


def test_errors_of_numbers_are_known_without_their_sign() -> None:
    for given in ("mse", "mean_squared_error", "MAPE", "max_error"):
        assert Scoring.of(given, "regression").name.startswith("neg_")
    with pytest.raises(InputError, match="metric 'nonsense' of a regression"):
        Scoring.of("nonsense", "regression")
