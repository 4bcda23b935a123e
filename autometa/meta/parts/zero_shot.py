"""Zero-shot: what to try before anything is known of the new task.

The set of configs that minimises the mean over prior tasks of the best regret reached, built
greedily. The objective is submodular, so greedy is within 1 - 1/e of the best set (Nemhauser et
al., 1978; as a portfolio of configs: Feurer et al., 2022). Regrets are the model's own predictions,
so prior tasks need not share a single config.

All prior tasks weigh the same in it, whatever meta-features say. Weighed by them as far as leaving
prior tasks out spoke for it, searches were a little worse on 271 development tasks of mindware
(.036 of regret after one trial, .011 after fifty, 2.8 and 2.3 standard errors), starts alone were
level on all 710 (.860 against .848 after one trial, 1.2 standard errors), and 18 tasks of `tables`
were no better: the left-out task had taught the basis by which it was judged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats


def greedy_portfolio(
    regret: Floats, n: int, weights: Floats, dearness: Floats | None = None
) -> NDArray[np.int64]:
    """Indices (n,) of the chosen configs, in the order in which to try them.

    Args:
        regret: Predicted regret of config j on task i, (m, T), zero = the best config of the task.
        n: How many to choose, at most m.
        weights: Importance of each prior task, (T,).
        dearness: What each config costs, (m,), positive: the next one is then that which lowers the
            mean most for its cost, from that of a random config on.
    """
    if dearness is not None:
        return _for_its_cost(regret, n, weights, dearness)
    chosen: list[int] = []
    reached = np.full(regret.shape[1], np.inf)
    for _ in range(min(n, len(regret))):
        mean = np.minimum(regret, reached) @ weights
        mean[chosen] = np.inf
        best = int(mean.argmin())
        chosen.append(best)
        reached = np.minimum(reached, regret[best])
    return np.array(chosen, dtype=np.int64)


def _for_its_cost(regret: Floats, n: int, weights: Floats, dearness: Floats) -> NDArray[np.int64]:
    chosen: list[int] = []
    reached = np.ones(regret.shape[1])
    for _ in range(min(n, len(regret))):
        gain = (reached - np.minimum(regret, reached)) @ weights / dearness
        # Where none lowers the mean any more, the cheapest of the best.
        gain = np.where(gain > 0.0, gain, -(regret @ weights) * dearness)
        gain[chosen] = -np.inf
        best = int(gain.argmax())
        chosen.append(best)
        reached = np.minimum(reached, regret[best])
    return np.array(chosen, dtype=np.int64)
