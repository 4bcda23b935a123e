"""Standardisation: scores of one task on a scale that no diverged trial can flatten.

Notation
    y     scores, higher is better, (n,)          best   the largest of them
    top   the better half of the scores that did not diverge

    gap  = best - min(top)
    low  = best - 2.5 gap                                                                # eq. (1)
    z    = (max(y, low) - mean) / sd,     mean and sd of max(y, low)                     # eq. (2)

What lies below `low` is bad, and how bad is no matter for where the best is: a loss of 1e81 or a
score of -1e20 becomes `low`. The gap is taken from the better half alone, so that up to half of
the trials may be anything; where more than half diverged, `top` is of those on the near side of the
first jump: distances from the best, in order, that grow a millionfold from one to the next, where
three different scores or more are nearer. Two things keep eq. (1) from being blind to
ordinary bad trials: where the better half is nearly level, the gap is a tenth of the way from there
to the lower third, at most threefold; where it is quite level, the gap leads to the next score.

An affine change of the scores changes no z. Winsorising: Dixon, "Simplified
estimation from censored normal samples" (1960).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autometa.encoding import Floats
from autometa.meta.data.unit import TIE, unit_of

_HALF, _ORDINARY = 1 / 2, 2 / 3
_LEVEL, _MOST = 0.1, 3.0
_JUMP = 1e6
_FINITE = 1e150  # whose square is one, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """Scores standardised by eq. (2).

    Args:
        z: (n,); all zeros where the scores are alike.
        centre: In units of the scores.
        spread: The same, positive.
    """

    z: Floats
    centre: float
    spread: float


def standardise(scores: Floats, weights: Floats | None = None, *, depth: float = 2.5) -> Standard:
    """Eq. (2) of scores (n,), n >= 1, finite.

    Args:
        scores: Higher is better.
        weights: How much each counts in what "half" means, (n,), their sum positive; alike by
            default.
        depth: Of eq. (1), in gaps.

    >>> standardise(np.array([0.7, 0.9, -1e20, 0.8])).z.round(2)
    array([-0.65,  1.43, -1.17,  0.39])
    """
    raised = raise_diverged(scores, weights, depth=depth)
    centre = float(raised.mean())
    spread = unit_of(float(raised.std()), centre)
    return Standard(z=(raised - centre) / spread, centre=centre, spread=spread)


def raise_diverged(scores: Floats, weights: Floats | None = None, *, depth: float = 2.5) -> Floats:
    """Scores (n,), those that are just bad raised to the level where that is said, eq. (1)."""
    bounded = np.clip(scores, -_FINITE, _FINITE)
    counts = np.ones(len(scores)) if weights is None else weights
    result: Floats = np.maximum(bounded, bounded.max() - depth * _gap(bounded, counts))
    return result


def _gap(scores: Floats, weights: Floats) -> float:
    """What counts as a difference between good trials and ordinary ones; 0 = all are alike."""
    order = np.argsort(-scores, kind="stable")
    below, weights = scores.max() - scores[order], weights[order]  # (n,), from the best on
    below[below <= TIE * np.abs(scores).min()] = 0.0
    apart = below[below > 0.0]
    if not len(apart):
        return 0.0
    jumps = np.flatnonzero(apart[2:] > _JUMP * apart[1:-1])
    if len(jumps):
        near = below <= apart[1 + jumps[0]]
        if weights[near].any():
            below, weights = below[near], weights[near]
    share = np.cumsum(weights) / weights.sum()
    half, most = (float(below[np.searchsorted(share, s - 1e-9)]) for s in (_HALF, _ORDINARY))
    if half == 0.0:
        return float(apart[0])
    return max(half, min(_LEVEL * (most - half), _MOST * half))
