"""In what differences of scores are measured: never nothing, in any unit of the metric alike."""

from __future__ import annotations

TIE = 1e-12  # of the size of the scores, below which they are alike
_LEAST = 1e-150  # whose square is a number, too


def unit_of(difference: float, size: float) -> float:
    """A difference, or the least that tells scores of some size apart."""
    return max(difference, TIE * abs(size), _LEAST)
