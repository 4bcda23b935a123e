"""The trials of a running study as arrays, in the space of the meta-model.

Shapes: n scored trials, k failed, r running, d unit columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from autometa.encoding import Floats
from autometa.search import attributes
from autometa.search.observed import Observed
from autometa.search.pruned import PrunedScores


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known of the task so far.

    Args:
        unit: Unit configs of the trials with a score, (n, d).
        scores: Their scores, higher is better, (n,).
        fidelity: Share of the full budget that they had, in (0, 1], (n,): below one, pruned.
        failed: Unit configs of failed trials, (k, d).
        running: Unit configs of trials that still run, (r, d).
    """

    unit: Floats
    scores: Floats
    fidelity: Floats
    failed: Floats
    running: Floats

    @property
    def taken(self) -> Floats:
        """All configs that must not be suggested again, (n + k + r, d)."""
        return np.concatenate([self.unit, self.failed, self.running])

    def active(self, most: int, rng: np.random.Generator) -> History:
        """At most `most` scored trials: the best half, the latest quarter, others by chance.

        A bounded set keeps a suggestion as quick after 10,000 trials as after 200. Failed trials
        beyond the latest `most` are dropped too.
        """
        n = len(self.scores)
        if n <= most and len(self.failed) <= most:
            return self
        kept = np.arange(n)
        if n > most:
            best = np.argsort(-self.scores)[: most // 2]
            kept = np.union1d(best, np.arange(n - most // 4, n))
            rest = np.setdiff1d(np.arange(n), kept)
            extra = rng.choice(rest, size=min(len(rest), most - len(kept)), replace=False)
            kept = np.union1d(kept, extra)
        return replace(
            self,
            unit=self.unit[kept],
            scores=self.scores[kept],
            fidelity=self.fidelity[kept],
            failed=self.failed[-most:],
        )

    def believing(self, scores: Floats) -> History:
        """As if the running trials had ended with these scores, (r,)."""
        return replace(
            self,
            unit=np.concatenate([self.unit, self.running]),
            scores=np.concatenate([self.scores, scores]),
            fidelity=np.concatenate([self.fidelity, np.ones(len(scores))]),
        )


def read_history(
    study: optuna.Study, trial: FrozenTrial, observed: Observed, pruned: PrunedScores
) -> History:
    """The study's trials other than the one that is being decided.

    Scores fold the study's direction. Trials that do not fit the space are left out; a complete
    trial without a finite value counts as failed. What a pruned one counts is in `pruned`.
    """
    sign = 1.0 if study.direction == StudyDirection.MAXIMIZE else -1.0
    unit, scores, fidelity, failed, running = [], [], [], [], []
    for other in study.get_trials(deepcopy=False):
        if other.number == trial.number:
            continue
        if other.state == TrialState.RUNNING:
            planned = attributes.read(study, other, "config")
            known = planned if isinstance(planned, dict) else {}  # anyone may write attributes
            row = observed.project({**known, **other.params})
            if row is not None:
                running.append(row)
        elif other.state == TrialState.PRUNED:
            row, stopped = observed.row(other), pruned.standing(study, other)
            if row is not None and stopped is not None:
                unit.append(row)
                scores.append(stopped.score)
                fidelity.append(stopped.fidelity)
        elif other.state in (TrialState.COMPLETE, TrialState.FAIL):
            row = observed.row(other)
            if row is None:
                continue
            if other.value is not None and np.isfinite(other.value):
                unit.append(row)
                scores.append(sign * other.value)
                fidelity.append(1.0)
            else:
                failed.append(row)
    d = observed.space.dim
    return History(
        unit=np.array(unit).reshape(-1, d),
        scores=np.array(scores, dtype=np.float64),
        fidelity=np.array(fidelity, dtype=np.float64),
        failed=np.array(failed).reshape(-1, d),
        running=np.array(running).reshape(-1, d),
    )
