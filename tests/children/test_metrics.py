from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as known

from autometa.children.metrics import ALIASES, METRICS, metric, of_kind, scores
from autometa.children.prediction import Prediction
from autometa.errors import InputError


def _classes(seed: int, classes: int, rows: int = 40) -> tuple[np.ndarray, Prediction]:
    """Truth and shares with ties, every class among the truth."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(classes), rng.integers(classes, size=rows - classes)])
    shares = np.round(rng.dirichlet(np.ones(classes), size=rows), 1) + 0.01
    return truth, Prediction.of_shares(shares / shares.sum(axis=1, keepdims=True))


def _weights(rows: int, seed: int) -> np.ndarray:
    """Of which some are nothing and some are alike."""
    return np.round(np.random.default_rng(seed + 1).gamma(1.0, size=rows), 1)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), classes=st.integers(2, 5), weighted=st.booleans())
def test_scores_of_classes_equal_those_of_scikit_learn(
    seed: int, classes: int, weighted: bool
) -> None:
    y, p = _classes(seed, classes)
    assert p.shares is not None
    w = _weights(len(y), seed) if weighted else None
    found = scores(y, p, "classification", w)
    binary = classes == 2
    expected = {
        "balanced_accuracy": known.balanced_accuracy_score(y, p.labels, sample_weight=w),
        "accuracy": known.accuracy_score(y, p.labels, sample_weight=w),
        "f1_macro": known.f1_score(y, p.labels, average="macro", sample_weight=w),
        "log_loss": known.log_loss(y, p.shares, sample_weight=w),
        "roc_auc": known.roc_auc_score(
            y, p.shares[:, 1] if binary else p.shares, multi_class="ovr", sample_weight=w
        ),
    }
    if binary:
        expected["brier"] = known.brier_score_loss(y, p.shares[:, 1], sample_weight=w)
        expected["average_precision"] = known.average_precision_score(
            y, p.shares[:, 1], sample_weight=w
        )
    else:
        truth = np.eye(classes)[y]
        expected["brier"] = np.average(((truth - p.shares) ** 2).sum(axis=1), weights=w)
    assert found == pytest.approx(expected)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), shift=st.sampled_from([0.0, 5.0]), weighted=st.booleans())
def test_scores_of_numbers_equal_those_of_scikit_learn(
    seed: int, shift: float, weighted: bool
) -> None:
    rng = np.random.default_rng(seed)
    y, guess = rng.normal(size=30) + shift, np.abs(rng.normal(size=30) + shift)
    w = _weights(len(y), seed) if weighted else None
    found = scores(y, Prediction(guess), "regression", w)
    expected = {
        "r2": known.r2_score(y, guess, sample_weight=w),
        "rmse": known.mean_squared_error(y, guess, sample_weight=w) ** 0.5,
        "mae": known.mean_absolute_error(y, guess, sample_weight=w),
        "median_absolute_error": known.median_absolute_error(y, guess, sample_weight=w),
    }
    assert {k: v for k, v in found.items() if k != "rmsle"} == pytest.approx(expected)
    if y.min() >= 0:
        assert found["rmsle"] == pytest.approx(
            known.mean_squared_log_error(y, guess, sample_weight=w) ** 0.5
        )
    else:
        assert math.isnan(found["rmsle"])


def test_a_class_without_rows_is_left_out_of_the_area() -> None:
    y = np.array([0, 0, 1, 1])
    shares = np.array([[0.6, 0.2, 0.2], [0.5, 0.4, 0.1], [0.3, 0.5, 0.2], [0.1, 0.8, 0.1]])
    assert scores(y, Prediction.of_shares(shares), "classification")["roc_auc"] == 1.0
    one = scores(np.zeros(4, dtype=int), Prediction.of_shares(shares), "classification")
    assert math.isnan(one["roc_auc"])
    assert one["accuracy"] == 0.5


def test_predictions_that_are_not_finite_score_nothing() -> None:
    broken = Prediction.of_shares(np.array([[0.5, 0.5], [np.nan, 0.2]]))
    found = scores(np.array([0, 1]), broken, "classification")
    assert found.keys() == set(of_kind("classification"))
    assert all(map(math.isnan, found.values()))


def test_a_certain_mistake_costs_a_finite_loss() -> None:
    certain = Prediction.of_shares(np.array([[1.0, 0.0], [1.0, 0.0]]))
    found = scores(np.array([0, 1]), certain, "classification")
    assert found["log_loss"] == pytest.approx(known.log_loss([0, 1], certain.shares))
    assert math.isfinite(found["log_loss"])


def test_metrics_are_found_by_the_names_of_scikit_learn() -> None:
    assert metric("neg_log_loss", "classification").name == "log_loss"
    assert metric("neg_root_mean_squared_error", "regression").name == "rmse"
    assert metric("roc_auc_ovr", "classification").direction == "maximize"
    assert set(ALIASES.values()) <= set(METRICS)
    assert of_kind("classification", 3) == tuple(
        n for n in of_kind("classification") if n != "average_precision"
    )
    for name, kind in (
        ("r2", "classification"),
        ("roc_auc", "regression"),
        ("kappa", "regression"),
    ):
        with pytest.raises(InputError, match=r"allowed: (balanced_accuracy|r2), "):
            metric(name, kind)  # type: ignore[arg-type]
