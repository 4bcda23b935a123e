"""The trials of a running study as arrays, in the space of the meta-model.

Shapes: n scored trials, k failed, r running, d unit columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from autometa.encoding import Floats
from autometa.search import attributes
from autometa.search.observed import Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known of the task so far.

    Args:
        unit: Unit configs of the trials with a score, (n, d).
        scores: Their scores, higher is better, (n,).
        failed: Unit configs of failed trials, (k, d).
        running: Unit configs of trials that still run, (r, d).
    """

    unit: Floats
    scores: Floats
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
            self, unit=self.unit[kept], scores=self.scores[kept], failed=self.failed[-most:]
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
        self._scored = _Rows(observed.space.dim)
        self._failed = _Rows(observed.space.dim)

    def read(self, study: optuna.Study, trial: FrozenTrial) -> History:
        """The study's trials other than the one that is being decided.

        Scores fold the study's direction. Trials that do not fit the space are left out; a complete
        trial without a finite value counts as failed.
        """
        trials = study.get_trials(deepcopy=False)
        scored: list[tuple[int, Floats, float]] = []
        failed: list[tuple[int, Floats, float]] = []
        running, still = [], []
        for number in (*self._open, *range(self._seen, len(trials))):
            other = trials[number]
            if number == trial.number or not other.state.is_finished():
                still.append(number)
                if number != trial.number and other.state == TrialState.RUNNING:
                    row = self._planned(study, other)
                    running += [row] if row is not None else []
            elif other.state in (TrialState.COMPLETE, TrialState.FAIL):
                row = self._observed.project(other.params)
                if row is None:
                    continue
                if other.value is not None and np.isfinite(other.value):
                    scored.append((number, row, self._sign * other.value))
                else:
                    failed.append((number, row, np.nan))
        self._seen, self._open = len(trials), still
        self._scored.add(scored)
        self._failed.add(failed)
        return History(
            unit=self._scored.unit,
            scores=self._scored.scores,
            failed=self._failed.unit,
            running=np.array(running).reshape(-1, self._observed.space.dim),
        )

    def _planned(self, study: optuna.Study, other: FrozenTrial) -> Floats | None:
        """What a running trial tries, as far as it has said so."""
        planned = attributes.read(study, other, "config")
        known = planned if isinstance(planned, dict) else {}  # anyone may write attributes
        return self._observed.project({**known, **other.params})


class _Rows:
    """Configs (n, d) and scores (n,) of finished trials, by the trials' numbers."""

    def __init__(self, d: int) -> None:
        self._numbers = np.empty(0, dtype=np.int64)
        self.unit, self.scores = np.empty((0, d)), np.empty(0)

    def add(self, rows: list[tuple[int, Floats, float]]) -> None:
        """More trials. What was handed out before does not change."""
        if not rows:
            return
        numbers, unit, scores = zip(*rows, strict=True)
        joined = np.concatenate([self._numbers, numbers])
        order = np.argsort(joined, kind="stable")  # workers finish in any order
        self._numbers = joined[order]
        self.unit = np.concatenate([self.unit, unit])[order]
        self.scores = np.concatenate([self.scores, scores])[order]
