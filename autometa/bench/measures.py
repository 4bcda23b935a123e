"""What a fitted model is worth on rows it never saw: discrimination and calibration.

Brier score: Brier, "Verification of forecasts expressed in terms of probability" (1950). The bins
of a reliability plot are sums, so that those of many tables can be added up:

    bin_rows        rows whose predicted chance of the event lies in the bin
    bin_predicted   sum of those chances
    bin_observed    how many of those rows have the event

The event of a two-class table is its second class. With more classes every (row, class) counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autometa.children.folds import score
from autometa.encoding import Floats

BINS = 10
BIN_NAMES = ("bin_rows", "bin_predicted", "bin_observed")


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


def bins(happened: Floats, chance: Floats) -> tuple[list[float], list[float], list[float]]:
    """Reliability bins of equal width, see the module.

    >>> bins(np.array([0.0, 1.0, 1.0]), np.array([0.04, 0.96, 1.0]))[0]
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0]
    """
    which = np.clip((chance * BINS).astype(np.int64), 0, BINS - 1)
    sums = [np.bincount(which, w, BINS) for w in (np.ones_like(chance), chance, happened)]
    rows, predicted, observed = ([round(float(v), 5) for v in s] for s in sums)
    return rows, predicted, observed


def calibration_error(binned: Mapping[str, Sequence[float]]) -> float:
    """Expected calibration error: |predicted - observed| share of the bins, weighed by rows.

    Naeini, Cooper, Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning"
    (2015).
    """
    rows, predicted, observed = (np.array(binned[name]) for name in BIN_NAMES)
    return float(np.abs(predicted - observed).sum() / rows.sum()) if rows.sum() else 0.0
