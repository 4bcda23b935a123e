"""What a fitted model is worth on rows it never saw: discrimination and calibration.

Brier score: Brier, "Verification of forecasts expressed in terms of probability" (1950).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autometa.bench.reliability import BIN_NAMES, bins
from autometa.children.folds import score
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
    from sklearn.metrics import roc_auc_score

    chances = np.nan_to_num(np.asarray(chances, dtype=np.float64))
    happened = np.eye(chances.shape[1])[truth]
    two = chances.shape[1] == 2
    event, chance = (happened[:, 1:], chances[:, 1:]) if two else (happened, chances)
    areas = [
        float(roc_auc_score(event[:, c], chance[:, c]))
        for c in range(event.shape[1])
        if 0 < event[:, c].sum() < len(event)
    ]
    return {
        "balanced_accuracy": score("classification", truth, chances.argmax(axis=1)),
        **({"auc": float(np.mean(areas))} if areas else {}),
        "brier": float(((chance - event) ** 2).sum(axis=1).mean()),
        **dict(zip(BIN_NAMES, bins(event.ravel(), chance.ravel()), strict=True)),
    }


def value_measures(truth: Floats, predicted: Floats) -> dict[str, float | list[float]]:
    """R^2, and the mean absolute error as a share of the target's mean absolute deviation."""
    spread = np.abs(truth - np.median(truth)).mean()
    wrong = np.abs(truth - np.asarray(predicted).reshape(len(truth))).mean()
    return {"r2": score("regression", truth, predicted), "relative_mae": float(wrong / spread)}
