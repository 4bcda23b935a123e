"""Hypervolume of two objectives, and what of it a search still misses.

Both objectives are scaled: 0 = worse than nine of ten random configs, which is the reference point,
1 = the best of them. Hypervolume regret is the share that is missing of the hypervolume of all
random configs, about 24,000 of them: below 0 where a search has found a better front.

Shapes: n trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autometa.encoding import Floats

_BAD = 0.1


@dataclass(frozen=True, slots=True)
class Scale:
    """How a task's two objectives, higher is better, are scaled.

    Args:
        zero: What counts as 0, (2,).
        one: What counts as 1, (2,).
        whole: The hypervolume of all random configs.
    """

    zero: Floats
    one: Floats
    whole: float

    @classmethod
    def of(cls, scores: Floats) -> Scale:
        """By random configs, (n, 2)."""
        zero, one = np.quantile(scores, _BAD, axis=0), scores.max(axis=0)
        return cls(zero, one, hypervolume((scores - zero) / (one - zero)))

    def regret(self, scores: Floats, after: Sequence[int]) -> list[float]:
        """The share of the hypervolume that is missing after some trials (n, 2), NaN = failed."""
        unit = (scores - self.zero) / (self.one - self.zero)
        return [1.0 - hypervolume(unit[:k]) / self.whole for k in after]


def hypervolume(unit: Floats) -> float:
    """Of points (n, 2), higher is better, above the reference point (0, 0)."""
    kept = unit[(unit > 0.0).all(axis=1)]
    kept = kept[np.argsort(-kept[:, 0], kind="stable")]
    total, height = 0.0, 0.0
    for first, second in kept:
        if second > height:
            total += first * (second - height)
            height = second
    return float(total)
