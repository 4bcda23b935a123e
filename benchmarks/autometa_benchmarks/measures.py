"""What a fitted model is worth on rows it never saw: discrimination and calibration.

Brier score: Brier, "Verification of forecasts expressed in terms of probability" (1950).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autometa.bench.reliability import BIN_NAMES, bins
from autometa.children import Prediction
from autometa.children.metrics import scores
from autometa.encoding import Floats


def class_measures(truth: NDArray[Any], chances: Floats) -> dict[str, float | list[float]]:
    """Balanced accuracy, AUC (one against rest), Brier score and reliability bins.

    Args:
        truth: Class indices, (n,).
        chances: Predicted class probabilities, (n, classes).

    Returns:
        The Brier score is the mean over rows of the squared error of the event's chance (two
        classes), or of the sum of the classes' squared errors (more): 0 is best.
    """
    shares = np.nan_to_num(np.asarray(chances, dtype=np.float64))
    found = scores(truth, Prediction.of_shares(shares), "classification")
    happened = np.eye(shares.shape[1])[truth]
    two = shares.shape[1] == 2
    event, chance = (happened[:, 1:], shares[:, 1:]) if two else (happened, shares)
    return {
        "balanced_accuracy": found["balanced_accuracy"],
        **({"auc": found["roc_auc"]} if np.isfinite(found["roc_auc"]) else {}),
        "brier": found["brier"],
        **dict(zip(BIN_NAMES, bins(event.ravel(), chance.ravel()), strict=True)),
    }


def value_measures(truth: Floats, predicted: Floats) -> dict[str, float | list[float]]:
    """R^2, and the mean absolute error as a share of the target's mean absolute deviation."""
    spread = np.abs(truth - np.median(truth)).mean()
    wrong = np.abs(truth - np.asarray(predicted).reshape(len(truth))).mean()
    found = scores(truth, Prediction(np.asarray(predicted).reshape(len(truth))), "regression")
    return {"r2": found["r2"], "relative_mae": float(wrong / spread)}
