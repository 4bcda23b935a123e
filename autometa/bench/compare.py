"""Two methods, task by task: wins with a bootstrap interval, and trials to match."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autometa.encoding import Floats

_RESAMPLES = 4_000


def pair(ours: Floats, theirs: Floats, *, tie: float) -> dict[str, Any]:
    """Our regret against theirs on the same tasks.

    Args:
        ours: (tasks, checkpoints), lower is better.
        theirs: The same of the other method.
        tie: Differences up to this are neither won nor lost.

    Returns:
        For each checkpoint: tasks won, tied and lost; the mean difference ours - theirs and its
        95 % percentile interval over resampled tasks (Efron, 1979). Negative = we are better.
    """
    difference = ours - theirs
    rng = np.random.default_rng(0)
    rows = rng.integers(len(difference), size=(_RESAMPLES, len(difference)))
    means = difference[rows].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return {
        "win": (difference < -tie).sum(axis=0).tolist(),
        "tie": (np.abs(difference) <= tie).sum(axis=0).tolist(),
        "loss": (difference > tie).sum(axis=0).tolist(),
        "difference": np.round(difference.mean(axis=0), 5).tolist(),
        "low": np.round(low, 5).tolist(),
        "high": np.round(high, 5).tolist(),
    }


def trials_to_match(ours: Sequence[Floats], theirs: Sequence[Floats], after: int) -> dict[str, Any]:
    """How many trials we need, task by task, for what they have after some.

    Args:
        ours: For each task the mean regret over seeds after every trial.
        theirs: The same of the other method.
        after: Their trials.

    Returns:
        The median over tasks (None where most are never matched), the ratio after / median, and
        the share of tasks not matched within our trials.
    """
    needed = []
    for mine, their in zip(ours, theirs, strict=True):
        reached = np.flatnonzero(mine <= their[min(after, len(their)) - 1] + 1e-12)
        needed.append(float(reached[0]) + 1 if len(reached) else np.inf)
    median = float(np.median(needed))
    matched = np.isfinite(median)
    return {
        "after": after,
        "median": median if matched else None,
        "ratio": round(after / median, 2) if matched else None,
        "unmatched": round(float(np.mean(np.isinf(needed))), 4),
    }
