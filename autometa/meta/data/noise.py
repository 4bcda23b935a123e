"""Noise of a prior task's values, measured where folds are known.

A value is a mean over folds. How configs differ on one fold but not on another (the interaction of
a two-way layout without replication, Tukey, 1949) is noise; that folds differ in difficulty is not.
A task whose order of configs is mostly chance must say less about the next task than a sure one.

It enters what is learned from prior tasks only. A new search is judged on its own folds, where the
same config has the same value again, so noise from folds would be none of its business.
"""

from __future__ import annotations

import numpy as np

from autometa.encoding import Floats

_TENTH = 1.2816  # the 90 % quantile of a normal
_MOST = 1.0  # then all differences are chance


def fold_noise(fold_scores: Floats, worth: float) -> float:
    """Noise variance of a task's values, in squared normal scores, within [0, 1].

    Args:
        fold_scores: Of each trial, (n, k), NaN where unknown; k may be 0.
        worth: What one normal score is worth in the metric, see `score_worth`; 0 = nothing known.

    Returns:
        0 where fewer than three trials have two folds or more.
    """
    known = np.isfinite(fold_scores).all(axis=1)
    folds = fold_scores[known]
    n, k = folds.shape
    if n < 3 or k < 2 or worth == 0.0:
        return 0.0
    rest = folds - folds.mean(axis=1, keepdims=True)
    # Medians mind no diverged fold; that of squares is 0.455 times the variance of a normal.
    rest = rest - np.median(rest, axis=0)
    variance = np.median(rest**2) / 0.455 * (n * k) / ((n - 1) * (k - 1))
    return float(min(variance / k / worth**2, _MOST))


def score_worth(scores: Floats, targets: Floats) -> float:
    """What one normal score is worth in the metric, from the better half of values; 0 = nothing.

    The slope of the values by their normal scores between a median config and one of the best
    tenth, or as much of that as the trials cover.

    Args:
        scores: Values, higher is better, (n,).
        targets: Their normal scores, in the same order, (n,).
    """
    order = np.argsort(targets, kind="stable")
    low, high = np.clip([0.0, _TENTH], targets[order[0]], targets[order[-1]])
    if high <= low:
        return 0.0
    at_low, at_high = np.interp([low, high], targets[order], np.sort(scores))
    return float((at_high - at_low) / (high - low))
