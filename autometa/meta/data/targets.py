"""Targets: values of one task made comparable with those of every other.

Metrics differ in scale and tail from task to task (accuracies, losses, diverged runs of 1e81), so
nothing but the order of the configs inside a task is shared: rank -> standard normal score.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from autometa.encoding import Floats
from autometa.task import TaskHistory


def normal_scores(scores: Floats) -> Floats:
    """Scores (n,), higher is better -> standard normal scores (n,), ties sharing their mean rank.

    The i-th smallest of n becomes the normal quantile at (i - 3/8) / (n + 1/4) (Blom, 1958).
    A constant task becomes all zeros: it says nothing about configs.
    """
    if len(scores) == 0:
        return np.zeros(0)
    ranks = rankdata(scores, method="average")
    result: Floats = ndtri((ranks - 0.375) / (len(scores) + 0.25))
    return result


def usable(history: TaskHistory) -> NDArray[np.bool_]:
    """Which trials can teach a model of the full budget: complete ones at full fidelity, (n,).

    Where a history has no trial at its full budget, those at its own highest fidelity stand in.
    """
    complete = history.complete
    if complete.any():
        complete &= history.fidelity >= history.fidelity[complete].max() - 1e-9
    return complete
