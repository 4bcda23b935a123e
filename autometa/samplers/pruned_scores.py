"""The score of a pruned trial: that of the finished trials that stood like it when it was stopped.

A sampler that forgot pruned trials would suggest them again; one that took their latest value as
final would think worse of them than the finished ones, which had longer to improve. So a pruned
trial keeps its place: the share of finished trials that were better at its last step is the share
that is better at the end (quantile matching). Below them all it ends as far below the worst as it
stood then: after a warm start all that has finished is good, and what counted no less than the
worst of it would be good wherever it lay. Above them all it counts as the best.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import optuna
from optuna.trial import FrozenTrial

from autometa.samplers.read_curves import CurveReader, StudyCurves


@dataclass(frozen=True, slots=True)
class PrunedScore:
    """What a pruned trial counts.

    Args:
        score: The final score that its place stands for, higher is better.
        fidelity: Share of the full budget that it had, in (0, 1].
    """

    score: float
    fidelity: float


class PrunedScores:
    """Scores of the pruned trials of one study."""

    def __init__(self) -> None:
        self._reader = CurveReader()

    def of(self, study: optuna.Study, trials: Iterable[FrozenTrial]) -> list[PrunedScore | None]:
        """What pruned trials count now; None where no finished trial has a curve to compare with.

        All are asked about at once, as each reading of a study can be a question to its database.
        """
        finished = self._reader.read(study)
        return [None if finished is None else _score(finished, trial) for trial in trials]


def _score(finished: StudyCurves, trial: FrozenTrial) -> PrunedScore | None:
    curve = finished.of(trial.intermediate_values)
    if not len(curve):
        return None
    then = np.sort(finished.curves[:, len(curve) - 1])
    below = max(float(then[0] - curve[-1]), 0.0)
    score = float(np.interp(curve[-1], then, np.sort(finished.finals))) - below
    return PrunedScore(score, len(curve) / len(finished.steps))
