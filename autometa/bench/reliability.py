"""Reliability bins: how often what was predicted happened. Sums, so that many tables add up.

    bin_rows        rows whose predicted chance of the event lies in the bin
    bin_predicted   sum of those chances
    bin_observed    how many of those rows have the event

The event of a two-class table is its second class. With more classes every (row, class) counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from autometa.encoding import Floats

BINS = 10
BIN_NAMES = ("bin_rows", "bin_predicted", "bin_observed")


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
