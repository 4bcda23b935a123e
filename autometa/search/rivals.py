"""The other trials of a study beside one that is being decided: its turn, and who was as quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import optuna
from optuna.trial import FrozenTrial, TrialState

from autometa.search import attributes
from autometa.space import Config

_UNFINISHED = (TrialState.RUNNING, TrialState.WAITING)


@dataclass(frozen=True, slots=True)
class Rivals:
    """Trials that are decided while one is: those that run, and all after the known ones.

    Args:
        known: How many trials there were.
        running: Numbers of those that were not finished.
    """

    known: int
    running: tuple[int, ...]

    @classmethod
    def among(cls, trials: Sequence[FrozenTrial]) -> Rivals:
        """Of all trials of a study, in the order of their numbers."""
        return cls(len(trials), tuple(t.number for t in trials if t.state in _UNFINISHED))

    def had(
        self, study: optuna.Study, trial: FrozenTrial, config: Config, now: Sequence[FrozenTrial]
    ) -> bool:
        """Whether another process gave the trial's config away at the same moment.

        Both announce first and look afterwards, so the later one sees the earlier one's, whatever
        the numbers of their trials; also where that trial has finished since.

        Args:
            study: The study.
            trial: Whose config it is.
            config: As it was announced.
            now: All trials of the study, read after that.
        """
        return any(
            attributes.read(study, now[number], "config") == config
            for number in (*self.running, *range(self.known, len(now)))
            if number != trial.number
        )


def slot(trial: FrozenTrial, trials: Sequence[FrozenTrial], most: int) -> int:
    """Place of a trial among those that are no repetition of another; nothing later changes it.

    Counted to `most` only, since no later place differs from any other.
    """
    first = attributes.first_number(trial)
    own = (t for t in trials if t.number < first and attributes.first_number(t) == t.number)
    return sum(1 for _ in islice(own, most))


def whole(config: Config, trials: Sequence[FrozenTrial]) -> bool:
    """Whether a config has all parameters of one complete trial: what all share is among them."""
    complete = next((t for t in reversed(trials) if t.state == TrialState.COMPLETE), None)
    return complete is None or config.keys() >= complete.params.keys()
