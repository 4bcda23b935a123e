"""The score of a pruned trial: that of the finished trials that stood like it when it was stopped.

A sampler that forgot pruned trials would suggest them again; one that took their latest value as
final would think worse of them than the finished ones, which had longer to improve. So a pruned
trial keeps its place: the share of finished trials that were better at its last step is the share
that is better at the end (quantile matching), and beyond them it counts as the worst, or the best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import optuna
from optuna.trial import FrozenTrial

from autometa.search.study_curves import CurveReader


@dataclass(frozen=True, slots=True)
class Standing:
    """What a pruned trial counts.

    Args:
        score: The final score that its place stands for, higher is better.
        fidelity: Share of the full budget that it had, in (0, 1].
    """

    score: float
    fidelity: float


class PrunedScores:
    """Standings of pruned trials of studies."""

    def __init__(self) -> None:
        self._reader = CurveReader()

    def standing(self, study: optuna.Study, trial: FrozenTrial) -> Standing | None:
        """What the trial counts; None where no finished trial has a curve to compare with."""
        finished = self._reader.read(study)
        if finished is None:
            return None
        curve = finished.of(trial.intermediate_values)
        if not len(curve):
            return None
        then = np.sort(finished.curves[:, len(curve) - 1])
        score = float(np.interp(curve[-1], then, np.sort(finished.finals)))
        return Standing(score, len(curve) / len(finished.steps))
