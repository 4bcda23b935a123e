"""The trials of a running study as arrays, in its own space (see `study_space`).

Shapes: n scored trials, k failed, r running, d unit columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from autometa.constraints import infeasible
from autometa.encoding import Floats
from autometa.meta.spaces.study_space import StudySpace
from autometa.samplers.pruned import PrunedScores
from autometa.storages import attributes
from autometa.storages.per_study import every_trial


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known of the task so far.

    Args:
        unit: Unit configs of the trials with a score, (n, d).
        scores: Their scores, higher is better, (n,).
        fidelity: Share of the full budget that they had, in (0, 1], (n,): below one, pruned.
        failed: Unit configs of failed trials, (k, d).
        running: Unit configs of trials that still run, (r, d).
        others: Unit configs of further trials that have ended, (m, d): see `active`.
        unread: How many trials have a result and do not fit the space.
    """

    unit: Floats
    scores: Floats
    fidelity: Floats
    failed: Floats
    running: Floats
    others: Floats | None = None
    unread: int = 0

    @property
    def taken(self) -> Floats:
        """All configs that must not be suggested again, (n + k + r + m, d)."""
        others = [] if self.others is None else [self.others]
        return np.concatenate([self.unit, self.failed, self.running, *others])

    def active(self, most: int, rng: np.random.Generator) -> History:
        """At most `most` scored trials: the best half, the latest quarter, others by chance.

        A bounded set keeps a suggestion as quick after 10,000 trials as after 200. Failed trials
        beyond the latest `most` are dropped too. What is dropped stays taken.
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
        dropped = [np.delete(self.unit, kept, axis=0), self.failed[:-most]]
        return replace(
            self,
            unit=self.unit[kept],
            scores=self.scores[kept],
            fidelity=self.fidelity[kept],
            failed=self.failed[-most:],
            others=np.concatenate(dropped),
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
        seen_in: The space in which the trials are seen.
    """

    def __init__(self, seen_in: StudySpace) -> None:
        self._space, self._sign = seen_in, 1.0
        self._next = 0  # number of the first trial that has not been looked at
        self._open: set[int] = set()  # of those that were not finished when they were
        self._unread = 0
        self._repeated: set[int] = set()  # those that only their workers' death failed
        self._scored = _Rows(seen_in.space.dim)
        self._failed = _Rows(seen_in.space.dim)
        self._stopped: list[tuple[FrozenTrial, Floats]] = []  # pruned ones
        self._pruned = PrunedScores()

    def read(
        self, study: optuna.Study, trial: FrozenTrial, trials: Sequence[FrozenTrial] | None = None
    ) -> History:
        """The study's trials other than the one that is being decided.

        Scores fold the study's direction. Trials that do not fit the space are left out. As failed
        count, beside those that did fail, infeasible ones and those whose value is NaN or the worst
        infinity; but not one that only its worker's death failed. A value that is the best infinity
        is no failure: it counts as beyond the best finite score by as much as that is beyond the
        median one, so that it is the best and does not flatten all other scores. What a
        pruned one counts is in `pruned`.

        Args:
            study: The study.
            trial: The one that is being decided.
            trials: All of the study's, where they have just been read.
        """
        self._sign = 1.0 if study.direction == StudyDirection.MAXIMIZE else -1.0
        if trials is None:
            trials = every_trial(study)
        self._repeated |= attributes.repeated(t for t in trials if t.number >= self._next)
        running = self._sort_out(study, trials, trial)
        scored = self._with_stopped(study)
        return History(
            unit=scored.unit,
            scores=_finite(scored.scores),
            fidelity=scored.fidelity,
            failed=self._failed.without(self._repeated),
            running=np.array(running).reshape(-1, self._space.space.dim),
            unread=self._unread,
        )

    def _sort_out(
        self, study: optuna.Study, trials: Sequence[FrozenTrial], trial: FrozenTrial
    ) -> list[Floats]:
        """Keep what has ended since the last time; returns what is running, (r, d)."""
        scored, failed, running, still = [], [], [], set()
        for other in trials:  # by their numbers: they may be some of the study's trials only
            number = other.number
            if number < self._next and number not in self._open:
                continue
            if number == trial.number or not other.state.is_finished():
                still.add(number)
                if number != trial.number and other.state == TrialState.RUNNING:
                    row = self._planned(study, other)
                    running += [row] if row is not None else []
                continue
            if other.user_attrs.get(attributes.DROPPED):
                continue
            row = self._space.project(other.params)
            if row is None:
                self._unread += other.state == TrialState.COMPLETE
            elif other.state == TrialState.PRUNED and not infeasible(other):
                self._stopped.append((other, row))
            elif (score := self._score(other)) is None:
                failed.append((number, row, np.nan, 1.0))
            else:
                scored.append((number, row, score, 1.0))
        self._next = max(self._next, max((t.number + 1 for t in trials), default=0))
        self._open = still
        self._scored, self._failed = self._scored.plus(scored), self._failed.plus(failed)
        return running

    def _score(self, trial: FrozenTrial) -> float | None:
        """A score, infinite where the value is the best infinity; None of a trial that failed."""
        if trial.state != TrialState.COMPLETE or trial.value is None or infeasible(trial):
            return None
        score = self._sign * trial.value
        return score if score > -np.inf else None  # NaN is not

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
        return self._space.project({**known, **other.params})


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


def _finite(scores: Floats) -> Floats:
    """Scores (n,) with a number in the place of infinity, see `Reader.read`."""
    finite = scores[np.isfinite(scores)]
    if len(finite) == len(scores):
        return scores
    if not len(finite):
        return np.zeros(len(scores))
    best = finite.max()
    with np.errstate(over="ignore"):
        beyond = min(best + ((best - np.median(finite)) or 1.0), np.finfo(np.float64).max)
    return np.where(np.isfinite(scores), scores, beyond)
