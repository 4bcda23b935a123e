"""What a list of configs is worth on one task: its regret after k configs, and after some seconds.

    regret      (best - incumbent) / (best - middle), as everywhere in the benchmarks, but 2 where
                it is larger: a run that diverged is just bad, and some diverge by ten to the 20th.
                A failure counts as 2, and so does having no result yet
    after       the incumbent's regret after the first k configs of the list
    within      its regret once the list has trained for b times the median seconds of a config on
                that task: lists can be ordered by cost, and a dear first config has no result yet
    expected    both of a random order: after k configs exactly, within b over many orders

Shapes: n configs of a list or of a pool, d unit columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats

CHECKPOINTS = (1, 3, 5, 10)  # configs
BUDGETS = (1, 3, 10)  # times the median seconds of a config
WORST = 2.0
_ORDERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Configs of a task in the order in which they were tried.

    Args:
        regret: Of each by itself, (n,), at most `WORST`.
        seconds: To train each, (n,), NaN where unknown.
    """

    regret: Floats
    seconds: Floats


def scaled(scores: Floats, best: float, middle: float) -> Floats:
    """Scores, higher is better and NaN for a failure -> regret of the same shape.

    >>> scaled(np.array([1.0, 0.5, 0.75, -9.0, np.nan]), best=1.0, middle=0.5).tolist()
    [0.0, 1.0, 0.5, 2.0, 2.0]
    """
    regret = (best - scores) / (best - middle)
    result: Floats = np.where(np.isfinite(regret), np.minimum(regret, WORST), WORST)
    return result


def after(tried: Tried, checkpoints: Sequence[int] = CHECKPOINTS) -> Floats:
    """Regret of the incumbent after each number of configs; that of the whole list beyond its end.

    >>> after(Tried(regret=np.array([0.5, 0.75, 0.25]), seconds=np.ones(3)), (1, 2, 3, 9)).tolist()
    [0.5, 0.5, 0.25, 0.25]
    """
    reached = np.minimum.accumulate(np.concatenate([[WORST], tried.regret]))
    result: Floats = reached[np.minimum(checkpoints, len(tried.regret))]
    return result


def within(tried: Tried, median: float, budgets: Sequence[float] = BUDGETS) -> Floats:
    """Regret of the incumbent within each budget.

    Args:
        tried: The list; a config of unknown seconds counts as of median ones.
        median: Seconds of a config of the task; NaN where none is known.
        budgets: In multiples of the median.

    Returns:
        One regret a budget; NaN where no seconds are known.

    >>> list_ = Tried(regret=np.array([0.5, 0.0]), seconds=np.array([2.0, np.nan]))
    >>> within(list_, median=1.0).tolist()
    [2.0, 0.0, 0.0]
    """
    if not np.isfinite(median):
        return np.full(len(budgets), np.nan)
    spent = np.cumsum(np.where(np.isfinite(tried.seconds), tried.seconds, median))
    limits = np.asarray(budgets, dtype=np.float64) * median
    finished = np.searchsorted(spent, limits * (1 + 1e-9), side="right")
    return after(tried, [int(n) for n in finished])


def expected_after(pool: Tried, checkpoints: Sequence[int] = CHECKPOINTS) -> Floats:
    """`after`, in the mean over all orders of a pool.

    >>> pool = Tried(regret=np.array([0.0, 1.0, 2.0]), seconds=np.ones(3))
    >>> expected_after(pool, (1, 2, 3)).round(6).tolist()
    [1.0, 0.333333, 0.0]
    """
    regret = np.sort(pool.regret)
    n = len(regret)
    result = []
    for k in (min(k, n) for k in checkpoints):
        # Chance that none of the i best is among the k first, i = 0, 1, ..., n.
        stay = np.clip((n - np.arange(n) - k) / (n - np.arange(n)), 0.0, 1.0)
        missed = np.concatenate([[1.0], np.cumprod(stay)])
        result.append(float(-np.diff(missed) @ regret) if n else WORST)
    return np.array(result)


def expected_within(
    pool: Tried, rng: np.random.Generator, budgets: Sequence[float] = BUDGETS
) -> Floats:
    """`within`, in the mean over 500 random orders of a pool."""
    median = median_seconds(pool)
    if not np.isfinite(median):
        return np.full(len(budgets), np.nan)
    orders = (rng.permutation(len(pool.regret)) for _ in range(_ORDERS))
    found = [
        within(Tried(regret=pool.regret[o], seconds=pool.seconds[o]), median, budgets)
        for o in orders
    ]
    result: Floats = np.mean(found, axis=0)
    return result


def median_seconds(pool: Tried) -> float:
    """Of a config; NaN where none is known."""
    known = pool.seconds[np.isfinite(pool.seconds)]
    return float(np.median(known)) if len(known) else float("nan")


def nearest_unused(pool: Floats, asked: Floats) -> NDArray[np.int64]:
    """Rows of the pool that stand for a list: the nearest to each config that none before took.

    Args:
        pool: Unit configs that can be tried, (n, d).
        asked: Unit configs of the list, in order, (m, d).

    Returns:
        At most m rows, fewer where the pool ends before.

    >>> nearest_unused(np.array([[0.0], [0.5], [1.0]]), np.array([[0.4], [0.45], [0.1]])).tolist()
    [1, 0, 2]
    """
    left, rows = np.ones(len(pool), dtype=bool), []
    for config in asked[: len(pool)]:
        distance = np.where(left, ((pool - config) ** 2).sum(axis=1), np.inf)
        rows.append(int(distance.argmin()))
        left[rows[-1]] = False
    return np.array(rows, dtype=np.int64)
