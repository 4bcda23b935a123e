"""Which tasks and trials of a very large portfolio teach: as many as say all that there is to say.

Up to a thousand tasks and a million trials, all of them. Beyond:

    tasks    a thousand, taken from all families in turn, those with fewer than three trials left
             out; within a family in the order of a checksum of their names, so that a task that
             joins the portfolio takes the place of one other task at most
    trials   a million; tasks with more than their equal share give up what is over it, and of
             such a task stay trials at equal distances in the order of their state and score,
             the best among them: its normal scores stay what they were

Nothing of this is random, and only trials of the tasks that are taken are looked at. A head of the
prior is a few dozen numbers; its mean and covariance are known well after some hundred tasks.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autometa.portfolio import Portfolio
from autometa.portfolio.store.trial_files import in_memory
from autometa.task import TaskHistory

MOST_TASKS, MOST_TRIALS = 1000, 10**6
LEAST_TRIALS = 3
"""Of a task that teaches."""


def sampled(portfolio: Portfolio) -> Portfolio:
    """The part of a portfolio that teaches, see the module; its arrays are in memory."""
    histories = _spread(portfolio.histories)
    most = _share([len(h) for h in histories])
    return Portfolio(
        (_thinned(h, most) if len(h) > most else in_memory(h) for h in histories),
        provenance=portfolio.provenance,
        licence=portfolio.licence,
    )


def _spread(histories: Sequence[TaskHistory]) -> list[TaskHistory]:
    """At most so many of the tasks, from all families in turn, in their own order."""
    if len(histories) <= MOST_TASKS:
        return list(histories)
    order = sorted(
        (i for i, h in enumerate(histories) if len(h) >= LEAST_TRIALS),
        key=lambda i: hashlib.sha256(histories[i].task.name.encode()).digest(),
    )
    seen = Counter[str]()
    turns = []
    for place, i in enumerate(order):
        family = histories[i].task.family
        turns.append((seen[family], place, i))
        seen[family] += 1
    return [histories[i] for i in sorted(i for _, _, i in sorted(turns)[:MOST_TASKS])]


def _share(counts: Sequence[int]) -> int:
    """The most trials of a task with which all tasks together have a million at most."""
    left = MOST_TRIALS
    for place, count in enumerate(sorted(counts)):
        share = left // (len(counts) - place)
        if count > share:
            return share
        left -= count
    return max(counts, default=0)


def _thinned(history: TaskHistory, most: int) -> TaskHistory:
    order = np.lexsort((-history.scores, history.states))  # the last key is the first to sort by
    places = np.linspace(0, len(order) - 1, most).round().astype(np.int64)
    rows: NDArray[np.int64] = np.sort(order[places])
    return history.take(rows)
