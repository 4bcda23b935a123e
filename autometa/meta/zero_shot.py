"""Zero-shot: what to try before anything is known of the new task.

The set of configs that minimises the mean over prior tasks of the best regret reached, built
greedily. The objective is submodular, so greedy is within 1 - 1/e of the best set (Nemhauser et
al., 1978; as a portfolio of configs: Feurer et al., 2022). Regrets are the model's own predictions,
so prior tasks need not share a single config.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats

_JUDGED = 3  # configs of a start by which meta-features are judged


def greedy_portfolio(regret: Floats, n: int, weights: Floats) -> NDArray[np.int64]:
    """Indices (n,) of the chosen configs, in the order in which to try them.

    Args:
        regret: Predicted regret of config j on task i, (m, T), zero = the best config of the task.
        n: How many to choose, at most m.
        weights: Importance of each prior task, (T,).
    """
    chosen: list[int] = []
    reached = np.full(regret.shape[1], np.inf)
    for _ in range(min(n, len(regret))):
        mean = np.minimum(regret, reached) @ weights
        mean[chosen] = np.inf
        best = int(mean.argmin())
        chosen.append(best)
        reached = np.minimum(reached, regret[best])
    return np.array(chosen, dtype=np.int64)


def start_errors(regret: Floats) -> Callable[[Floats], Floats]:
    """What the others' portfolio leaves of regret on each judge: the mean over its first configs.

    Args:
        regret: Expected regret of the catalogue's configs on each judge, (e, J).
    """

    def errors(weights: Floats) -> Floats:
        result = []
        for judge, row in enumerate(weights):
            voters = np.flatnonzero(row)
            chosen = greedy_portfolio(regret[:, voters], _JUDGED, row[voters])
            result.append(np.minimum.accumulate(regret[chosen, judge]).mean())
        return np.array(result)

    return errors
