"""The best configs that prior tasks recorded, in the family's own names: a start without a fit.

For a search of which nothing is known yet but its family. Configs that most tasks of one space have
tried are compared by their regret on each of these, and chosen greedily as in `zero_shot`.

Shapes: k configs, T tasks.
"""

from __future__ import annotations

import numpy as np

from autometa.meta.parts.catalogue import regrets
from autometa.meta.parts.zero_shot import greedy_portfolio
from autometa.portfolio import Portfolio
from autometa.space import Config
from autometa.task import State

_SHARE = 0.5  # of a space's tasks that have to have tried a config
_WORST = 2.0  # regret of a config that a task did not try, or on which it failed


def recorded_start(portfolio: Portfolio, n: int) -> list[Config]:
    """At most n configs, in the order in which to try them; of the space that most tasks have.

    Where tasks share no configs there are none, and a model has to be asked.
    """
    spaces = portfolio.spaces
    if not spaces:
        return []
    space = max(spaces, key=lambda s: sum(h.task.space == s for h in portfolio.histories))
    histories = [h for h in portfolio.histories if h.task.space == space]
    found: dict[bytes, dict[int, float]] = {}
    raw: dict[bytes, np.ndarray] = {}
    for i, history in enumerate(histories):
        done = np.flatnonzero((history.states == State.COMPLETE) & np.isfinite(history.values))
        if not len(done):
            continue
        for row, regret in zip(done, regrets(history.scores[done]), strict=True):
            key = history.raw[row].tobytes()
            raw[key] = history.raw[row]
            found.setdefault(key, {})[i] = float(regret)
    shared = [key for key, by in found.items() if len(by) >= _SHARE * len(histories)]
    if not shared:
        return []
    matrix = np.array([[found[k].get(i, _WORST) for i in range(len(histories))] for k in shared])
    weights = np.full(len(histories), 1.0 / len(histories))
    chosen = greedy_portfolio(matrix, n, weights)
    return space.from_raw(np.stack([raw[shared[i]] for i in chosen]))
