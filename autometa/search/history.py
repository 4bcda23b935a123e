"""The trials of a running study as arrays, in the space of the meta-model.

Shapes: n scored trials, k failed, r running, d unit columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import optuna
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


class Reader:
    """Reads the trials of one study again and again, each finished one only once.

    A study of 10,000 trials then costs a suggestion no more than one of 200: what is read is the
    trials that came or ended since the last time. Not for use by two threads at once.

    Args:
        observed: How the trials are seen.
        sign: 1 where the study maximises, -1 where it minimises.
    """

    def __init__(self, observed: Observed, sign: float) -> None:
        self._observed, self._sign = observed, sign
        self._seen = 0  # trials that have been looked at, by number
        self._open: list[int] = []  # those of them that were not finished
        self._repeated: set[int] = set()  # those that only their workers' death failed
        self._scored = _Rows(observed.space.dim)
        self._failed = _Rows(observed.space.dim)
        self._stopped: list[tuple[FrozenTrial, Floats]] = []  # pruned ones
        self._pruned = PrunedScores()

    def read(
        self, study: optuna.Study, trial: FrozenTrial, trials: Sequence[FrozenTrial] | None = None
    ) -> History:
        """The study's trials other than the one that is being decided.

        Scores fold the study's direction. Trials that do not fit the space are left out; a complete
        trial without a finite value counts as failed, but not one that only its worker's death
        failed. What a pruned one counts is in `pruned`.

        Args:
            study: The study.
            trial: The one that is being decided.
            trials: All of the study's, where they have just been read.
        """
        if trials is None:
            trials = study.get_trials(deepcopy=False)
        self._repeated |= attributes.repeated(trials[self._seen :])
        running = self._sort_out(study, trials, trial)
        scored = self._with_stopped(study)
        return History(
            unit=scored.unit,
            scores=scored.scores,
            fidelity=scored.fidelity,
            failed=self._failed.without(self._repeated),
            running=np.array(running).reshape(-1, self._observed.space.dim),
        )

    def _sort_out(
        self, study: optuna.Study, trials: Sequence[FrozenTrial], trial: FrozenTrial
    ) -> list[Floats]:
        """Keep what has ended since the last time; returns what is running, (r, d)."""
        scored, failed, running, still = [], [], [], []
        for number in (*self._open, *range(self._seen, len(trials))):
            other = trials[number]
            if number == trial.number or not other.state.is_finished():
                still.append(number)
                if number != trial.number and other.state == TrialState.RUNNING:
                    row = self._planned(study, other)
                    running += [row] if row is not None else []
                continue
            row = self._observed.project(other.params)
            if row is None or other.user_attrs.get(attributes.DROPPED):
                continue
            if other.state == TrialState.PRUNED:
                self._stopped.append((other, row))
            elif other.value is not None and np.isfinite(other.value):
                scored.append((number, row, self._sign * other.value, 1.0))
            else:
                failed.append((number, row, np.nan, 1.0))
        self._seen, self._open = len(trials), still
        self._scored, self._failed = self._scored.plus(scored), self._failed.plus(failed)
        return running

    def _with_stopped(self, study: optuna.Study) -> _Rows:
        """The scored trials and what the pruned ones count now."""
        if not self._stopped:
            return self._scored
        found = self._pruned.standings(study, [trial for trial, _ in self._stopped])
        return self._scored.plus(
            [
                (trial.number, row, standing.score, standing.fidelity)
                for (trial, row), standing in zip(self._stopped, found, strict=True)
                if standing is not None
            ]
        )

    def _planned(self, study: optuna.Study, other: FrozenTrial) -> Floats | None:
        """What a running trial tries, as far as it has said so."""
        planned = attributes.read(study, other, "config")
        known = planned if isinstance(planned, dict) else {}  # anyone may write attributes
        return self._observed.project({**known, **other.params})


class _Rows:
    """Configs (n, d), scores (n,) and fidelity (n,) of finished trials, by the trials' numbers."""

    def __init__(self, d: int) -> None:
        self.numbers = np.empty(0, dtype=np.int64)
        self.unit, self.scores, self.fidelity = np.empty((0, d)), np.empty(0), np.empty(0)

    def plus(self, rows: list[tuple[int, Floats, float, float]]) -> _Rows:
        """These and more trials."""
        if not rows:
            return self
        numbers, unit, scores, fidelity = zip(*rows, strict=True)
        joined = np.concatenate([self.numbers, numbers])
        order = np.argsort(joined, kind="stable")  # workers finish in any order
        more = _Rows(self.unit.shape[1])
        more.numbers = joined[order]
        more.unit = np.concatenate([self.unit, unit])[order]
        more.scores = np.concatenate([self.scores, scores])[order]
        more.fidelity = np.concatenate([self.fidelity, fidelity])[order]
        return more

    def without(self, numbers: set[int]) -> Floats:
        """Configs of the trials of other numbers."""
        kept: Floats = self.unit[~np.isin(self.numbers, list(numbers))]
        return kept
