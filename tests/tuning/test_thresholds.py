"""Where labels are cut: learned where it helps on rows that had no part in it, nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, make_scorer

from autometa import AutoClassifier, load_model, tune
from autometa.children.prediction import Prediction
from autometa.tuning.held_out import HeldOut
from autometa.tuning.scoring import Scoring
from autometa.tuning.shown import shown
from autometa.tuning.thresholds import learn_threshold, scaled

BALANCED = Scoring.of("balanced_accuracy", "classification")


def drawn(
    rare: float, classes: int = 2, rows: int = 1000, folds: int = 5, seed: int = 0
) -> tuple[Any, Any]:
    """True probabilities of rare classes, and labels drawn by them."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(scale=1.5, size=(rows, classes)) + np.log([1.0, *[rare] * (classes - 1)])
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(classes, p=row) for row in shares])
    labels = np.array(list("abcdef")[:classes], dtype=object)
    held_out = HeldOut(tuple(np.array_split(truth, folds)), labels)
    return Prediction.of_shares(shares), held_out


@pytest.mark.parametrize("folds", [1, 5])
@pytest.mark.parametrize("classes", [2, 4])
def test_rare_classes_are_found_by_balanced_accuracy(classes: int, folds: int) -> None:
    said, held_out = drawn(0.1, classes, folds=folds)
    found = learn_threshold(said, held_out, BALANCED)
    assert found is not None
    assert found.nested > found.plain + 0.02
    assert found.factors.argmin() == 0
    truth = np.concatenate(held_out.truths)
    cut = scaled(said.shares, found.factors).argmax(axis=1)
    assert balanced_accuracy_score(truth, cut) > balanced_accuracy_score(truth, said.labels) + 0.02
    if classes == 2:
        assert 0.03 < found.at < 0.3
        assert "b is the label from a probability" in found.said("balanced_accuracy", ["a", "b"])
    assert len(found.to_json()["factors"]) == classes


def test_it_is_left_alone_where_it_cannot_help() -> None:
    for rare, scoring in (
        (1.0, BALANCED),  # one half is right already
        (0.1, Scoring.of("accuracy", "classification")),
        (0.1, Scoring.of("roc_auc", "classification")),  # looks at no labels
    ):
        assert learn_threshold(*drawn(rare, seed=3), scoring) is None
    said, held_out = drawn(0.1)
    assert learn_threshold(said, held_out, BALANCED, late=lambda: True) is None
    assert learn_threshold(Prediction(said.labels), held_out, BALANCED) is None
    rng = np.random.default_rng(1)  # nothing to learn: noise is not taken for a threshold
    noise = Prediction.of_shares(scaled(rng.uniform(size=(60, 2)), np.ones(2)))
    pure = HeldOut(tuple(np.array_split(rng.integers(2, size=60), 3)), held_out.labels)
    assert learn_threshold(noise, pure, BALANCED) is None


@pytest.mark.parametrize("share", [0.5, 0.3, 1.0])
@pytest.mark.parametrize("classes", [2, 3])
def test_nothing_is_learned_where_all_rows_are_told_the_same(share: float, classes: int) -> None:
    truth = np.arange(20) % classes
    held_out = HeldOut(tuple(np.array_split(truth, 5)), np.arange(classes))
    shares = np.tile([1 - share, share, 0.0][:classes], (20, 1))
    assert learn_threshold(Prediction.of_shares(shares), held_out, BALANCED) is None


def test_scorers_and_weights_count() -> None:
    said, held_out = drawn(0.1, rows=3000)
    f1 = Scoring.of("f1", "classification")
    named, own = (
        learn_threshold(said, held_out, s)
        for s in (f1, Scoring.of(make_scorer(f1_score, pos_label="b"), "classification"))
    )
    assert named is not None
    assert own is not None
    assert named.at == pytest.approx(own.at)
    heavy = tuple(np.where(t == 1, 30.0, 1.0) for t in held_out.truths)
    weighed = HeldOut(held_out.truths, held_out.labels, heavy)
    accuracy = Scoring.of("accuracy", "classification")
    found = learn_threshold(said, weighed, accuracy)
    assert found is not None
    assert found.at < 0.2


def test_what_a_page_shows() -> None:
    said, held_out = drawn(0.3)
    found = shown(said, held_out)
    assert found is not None
    assert found.kind == "reliability"
    assert sum(n for *_, n in found.points) == 1000
    assert all(abs(chance - came) < 0.15 for chance, came, _ in found.points)
    numbers = HeldOut((np.arange(3.0), np.arange(2.0)), np.empty(0))
    residuals = shown(Prediction(np.array([0.0, 1.0, 1.0, 0.0, 2.0])), numbers)
    assert residuals is not None
    assert residuals.points[2] == (1.0, 1.0)
    assert residuals.to_json()["kind"] == "residuals"
    assert shown(Prediction(np.full(5, np.nan)), numbers) is None
    assert shown(drawn(0.3, 3)[0], drawn(0.3, 3)[1]) is not None


@pytest.mark.usefixtures("here")
def test_a_saved_model_keeps_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(600, 2)), columns=list("ab"))
    y = np.where(X["a"] + rng.normal(size=600) > 1.9, "rare", "common")
    options: dict[str, Any] = {"families": "lightgbm", "n_trials": 2, "portfolio": None, "cv": 3}
    result = tune(X, y, **options)
    assert result.threshold is not None
    assert any("rare is the label from a probability of" in note for note in result.notes)
    assert result.to_json()["threshold"]["nested"] > result.to_json()["threshold"]["plain"]
    expected = np.where(result.predict_proba(X)[:, 1] >= result.threshold.at, "rare", "common")
    assert (result.predict(X) == expected).all()
    again = load_model(result.save(tmp_path / "m.skops"))
    assert (again.predict(X) == expected).all()
    assert again.about["threshold"] == result.threshold.to_json()
    plain = tune(X, y, threshold=False, **options)
    assert plain.threshold is None
    assert (plain.predict(X) == "rare").sum() < (result.predict(X) == "rare").sum()
    model = AutoClassifier(threshold=False, **options).fit(X, y)
    assert (model.predict(X) == plain.predict(X)).all()
