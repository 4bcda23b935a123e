"""The trials of a running study, read as `Observations` in its own space (see `study_space`).

Shapes: n scored trials, k failed, r running, d unit columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import numpy as np
import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from autometa.constraints import constraint_values, infeasible
from autometa.encoding import Floats
from autometa.meta.spaces.study_space import StudySpace
from autometa.samplers.new_trials import NewTrials
from autometa.samplers.plan import BEYOND, WORDS
from autometa.samplers.pruned_scores import PrunedScores
from autometa.space.clipping import is_beyond
from autometa.storages import attributes
from autometa.storages.per_study import every_trial
from autometa.suggest.limits import Limits
from autometa.suggest.observations import Observations


class TrialsReader:
    """Reads the trials of one study again and again, each finished one only once.

    Not for use by two threads at once.

    Args:
        seen_in: The space in which the trials are seen.
        objective: By which of the study's objectives. Trials have the same place by each of them:
            what has failed by one has failed.
    """

    def __init__(self, seen_in: StudySpace, objective: int = 0) -> None:
        self._space, self._objective = seen_in, objective
        self._signs: tuple[float, ...] = ()
        self._new = NewTrials()
        self._unread = 0
        self._repeated: set[int] = set()  # those that only their workers' death failed
        self._seconds: dict[int, float] = {}  # of those with a score after their full budget
        self._scored = _Rows(seen_in.space.dim)
        self._failed = _Rows(seen_in.space.dim)
        self._stopped: list[tuple[FrozenTrial, Floats]] = []  # pruned ones
        self._unused: dict[int, Floats] = {}  # NaN in columns that a trial had no use for
        self._limits: dict[int, tuple[Floats, dict[str, float]]] = {}  # of those with constraints
        self._pruned = PrunedScores()

    def read(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        trials: Sequence[FrozenTrial] | None = None,
        unasked: Mapping[int, Set[str]] | None = None,
    ) -> Observations:
        """The study's trials other than the one that is being decided.

        Scores fold the study's direction. Trials that do not fit the space are left out. As failed
        count, beside those that did fail, infeasible ones and those whose value is NaN or the worst
        infinity; but not one that only its worker's death failed. A value that is the best infinity
        is no failure: it counts as beyond the best finite score by as much as that is beyond the
        median one, so that it is the best and does not flatten all other scores. What a
        pruned one counts is in `pruned_scores`; one of which that says nothing, as of most that
        reported nothing, was given up and counts as failed.

        Args:
            study: The study.
            trial: The one that is being decided.
            trials: All of the study's, where they have just been read.
            unasked: Number of a trial that has ended -> what it did without.
        """
        upwards = [d == StudyDirection.MAXIMIZE for d in study.directions]
        self._signs = tuple(1.0 if up else -1.0 for up in upwards)
        if trials is None:
            trials = every_trial(study)
        new = self._new.of(trials, deciding=trial.number)
        self._repeated |= attributes.repeated(new)
        running = self._sort_out(study, new, trial, unasked or {})
        scored, failed = self._with_stopped(study)
        now = np.array(running).reshape(-1, self._space.space.dim)
        ended = [rows.unit + rows.notes(self._unused) for rows in (scored, failed)]
        return Observations(
            unit=scored.unit,
            scores=_finite(scored.scores),
            fidelity=scored.fidelity,
            failed=failed.unit,
            running=now,
            taken=np.concatenate([*ended, now]),
            unread=self._unread,
            seconds=np.array([self._seconds.get(n, np.nan) for n in scored.numbers.tolist()]),
            limits=self._limits_known(),
        )

    def _limits_known(self) -> Limits | None:
        """The trials that have all the constraints that the latest one has."""
        if not self._limits:
            return None
        names = self._limits[max(self._limits)][1].keys()
        kept = [found for _, found in sorted(self._limits.items()) if names <= found[1].keys()]
        return Limits(
            unit=np.array([row for row, _ in kept]),
            values=np.array([[values[name] for name in names] for _, values in kept]),
        )

    def _sort_out(
        self,
        study: optuna.Study,
        new: Sequence[FrozenTrial],
        trial: FrozenTrial,
        unasked: Mapping[int, Set[str]],
    ) -> list[Floats]:
        """Keep what has ended since the last time; returns what is running, (r, d)."""
        scored, failed, running = [], [], []
        for other in new:
            number = other.number
            if number == trial.number or not other.state.is_finished():
                if number != trial.number and other.state == TrialState.RUNNING:
                    row = self._planned(study, other)
                    running += [row] if row is not None else []
                continue
            if other.user_attrs.get(attributes.DROPPED):
                continue
            row = self._space.project(other.params)
            beyond = self._beyond(study, other)
            if row is not None and beyond is not None and not np.array_equal(beyond, row):
                failed.append((number, beyond, np.nan, 1.0))
            if number in unasked and row is not None:
                self._unused[number] = self._space.without(unasked[number])
            if row is not None and (values := constraint_values(other)):
                self._limits[number] = row, values
            if row is None:
                self._unread += other.state == TrialState.COMPLETE
            elif other.state == TrialState.PRUNED and not infeasible(other):
                self._stopped.append((other, row))
            elif (score := self._score(other)) is None:
                failed.append((number, row, np.nan, 1.0))
            else:
                scored.append((number, row, score, 1.0))
                self._seconds[number] = attributes.seconds(other)
        self._scored, self._failed = self._scored.plus(scored), self._failed.plus(failed)
        return running

    def _score(self, trial: FrozenTrial) -> float | None:
        """A score, infinite where the value is the best infinity; None of a trial that failed."""
        values = trial.values
        if trial.state != TrialState.COMPLETE or values is None or infeasible(trial):
            return None
        if len(values) != len(self._signs):
            return None
        scores = [sign * value for sign, value in zip(self._signs, values, strict=True)]
        failed = not all(score > -np.inf for score in scores)  # NaN is not
        return None if failed else scores[self._objective]

    def _with_stopped(self, study: optuna.Study) -> tuple[_Rows, _Rows]:
        """The scored and the failed trials, the pruned ones where they count now."""
        failed = self._failed.without(self._repeated)
        if not self._stopped:
            return self._scored, failed
        trials = [trial for trial, _ in self._stopped]
        # Of several objectives no trial reports.
        alone = len(self._signs) == 1
        scores = self._pruned.of(study, trials) if alone else [None] * len(trials)
        stands, given_up = [], []
        for (trial, row), found in zip(self._stopped, scores, strict=True):
            if found is None:
                given_up.append((trial.number, row, np.nan, 1.0))
            else:
                stands.append((trial.number, row, found.score, found.fidelity))
        return self._scored.plus(stands), failed.plus(given_up)

    def _beyond(self, study: optuna.Study, other: FrozenTrial) -> Floats | None:
        """What a trial was meant to try and its own ranges did not allow: as good as failed."""
        planned = attributes.read(study, other, BEYOND) or attributes.read(study, other, "config")
        if not isinstance(planned, dict) or attributes.read(study, other, WORDS) is not None:
            return None
        asked = other.distributions.items()
        moved = {n: planned[n] for n, d in asked if n in planned and is_beyond(d, planned[n])}
        return self._space.project({**other.params, **moved}) if moved else None

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

    def without(self, numbers: set[int]) -> _Rows:
        """The trials of other numbers."""
        kept, rest = ~np.isin(self.numbers, list(numbers)), _Rows(self.unit.shape[1])
        rest.numbers, rest.unit = self.numbers[kept], self.unit[kept]
        rest.scores, rest.fidelity = self.scores[kept], self.fidelity[kept]
        return rest

    def notes(self, known: Mapping[int, Floats]) -> Floats:
        """What is known of the columns of some trials, 0 of all others, (n, d)."""
        found = np.zeros(self.unit.shape)
        for place in np.flatnonzero(np.isin(self.numbers, list(known))):
            found[place] = known[int(self.numbers[place])]
        return found


def _finite(scores: Floats) -> Floats:
    """Scores (n,) with a number in the place of infinity, see `TrialsReader.read`."""
    finite = scores[np.isfinite(scores)]
    if len(finite) == len(scores):
        return scores
    if not len(finite):
        return np.zeros(len(scores))
    best = finite.max()
    with np.errstate(over="ignore"):
        beyond = min(best + ((best - np.median(finite)) or 1.0), np.finfo(np.float64).max)
    return np.where(np.isfinite(scores), scores, beyond)
