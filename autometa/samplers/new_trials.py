"""Which trials of a study a reader still has to look at: the new ones, and those that went on.

A study of 10,000 trials then costs a suggestion no more than one of 200.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from optuna.trial import FrozenTrial


class NewTrials:
    """Hands out each finished trial once. Not for two threads at once."""

    def __init__(self) -> None:
        self._next = 0  # number of the first trial that has not been handed out
        self._open: list[int] = []  # of those that were not finished when they were

    def of(self, trials: Sequence[FrozenTrial], deciding: int = -1) -> list[FrozenTrial]:
        """Of all trials of a study, in the order of their numbers.

        Args:
            trials: In that order; some may be missing, such as those of other brackets.
            deciding: Number of a trial that is handed out again, finished or not.
        """
        found = [*these(trials, self._open), *since(trials, self._next)]
        if found:
            self._next = max(self._next, found[-1].number + 1)
        known = {t.number for t in found}
        going_on = [t.number for t in found if t.number == deciding or not t.state.is_finished()]
        self._open = sorted([*going_on, *(n for n in self._open if n not in known)])
        return found


def since(trials: Sequence[FrozenTrial], number: int) -> Sequence[FrozenTrial]:
    """Those from a number on, of trials in the order of their numbers."""
    return trials[_place(trials, number) :]


def these(trials: Sequence[FrozenTrial], numbers: Iterable[int]) -> list[FrozenTrial]:
    """Those of some numbers, of trials in the order of their numbers."""
    found = ((n, _place(trials, n)) for n in numbers)
    return [trials[i] for n, i in found if i < len(trials) and trials[i].number == n]


def _place(trials: Sequence[FrozenTrial], number: int) -> int:
    return bisect_left(trials, number, key=lambda trial: trial.number)
