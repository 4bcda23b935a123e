"""The other trials of a study beside one that is being decided: who was as quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, TrialState

from autometa.samplers.new_trials import since, these
from autometa.space import Config
from autometa.storages import attributes

_UNFINISHED = (TrialState.RUNNING, TrialState.WAITING)


@dataclass(frozen=True, slots=True)
class ConcurrentTrials:
    """Trials that are decided while one is: those that run, and all after the known ones.

    Args:
        following: Number of the first trial that was not known yet.
        running: Numbers of those that were not finished.
    """

    following: int
    running: frozenset[int]

    @classmethod
    def among(cls, trials: Sequence[FrozenTrial]) -> ConcurrentTrials:
        """Of all trials of a study, in the order of their numbers."""
        running = frozenset(t.number for t in trials if t.state in _UNFINISHED)
        return cls(trials[-1].number + 1 if trials else 0, running)

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
            attributes.read(study, other, "config") == config
            for other in (*these(now, self.running), *since(now, self.following))
            if other.number != trial.number
        )
