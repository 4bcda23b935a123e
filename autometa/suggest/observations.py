"""Observations: the trials of a study so far, as arrays in its own space (see `study_space`).

Shapes: n scored trials, k failed, r running, d unit columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.suggest.limits import Limits

_SAME = 1e-6  # of unit columns: rounding errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """What the trials of a study say so far.

    Args:
        unit: Unit configs of the trials with a score, (n, d).
        scores: Their scores, higher is better, (n,).
        fidelity: Share of the full budget that they had, in (0, 1], (n,): below one, pruned.
        failed: Unit configs of failed trials, (k, d).
        running: Unit configs of trials that still run, (r, d).
        taken: What must not be suggested again, (m, d): the configs of all these trials, also where
            `active` has dropped them, NaN in columns that a trial had no use for.
        unread: How many trials have a result and do not fit the space.
        seconds: How long the scored trials took, (n,), NaN where nobody knows; None of none.
        limits: The trials that have constraint values, feasible or not; None where none has.
    """

    unit: Floats
    scores: Floats
    fidelity: Floats
    failed: Floats
    running: Floats
    taken: Floats
    unread: int = 0
    seconds: Floats | None = None
    limits: Limits | None = None

    @classmethod
    def of(
        cls,
        unit: Floats,
        scores: Sequence[float] | Floats,
        *,
        failed: Floats | None = None,
        running: Floats | None = None,
    ) -> Observations:
        """Of trials with a score after their full budget, and others.

        Args:
            unit: Unit configs of the trials with a score, (n, d).
            scores: Their scores, higher is better, (n,).
            failed: Unit configs of failed trials, (k, d); none by default.
            running: Unit configs of trials that still run, (r, d); none by default.

        Raises:
            InputError: another number of scores than of configs.
        """
        if len(unit) != len(scores):
            raise InputError(f"{len(scores)} scores of {len(unit)} configs", allowed="one each")
        nothing = np.zeros((0, unit.shape[1]))
        failed = nothing if failed is None else failed
        running = nothing if running is None else running
        return cls(
            unit=unit,
            scores=np.asarray(scores, dtype=np.float64),
            fidelity=np.ones(len(unit)),
            failed=failed,
            running=running,
            taken=np.concatenate([unit, failed, running]),
        )

    @classmethod
    def none(cls, d: int) -> Observations:
        """Before the first trial, in d unit columns."""
        return cls.of(np.zeros((0, d)), ())

    def had(self, unit: Floats) -> bool:
        """Whether a unit config (d,) must not be suggested again."""
        away = np.fmax.reduce(np.abs(self.taken - unit), axis=1, initial=0.0)  # NaN says nothing
        return bool((away <= _SAME).any())

    def active(self, most: int, rng: np.random.Generator) -> Observations:
        """At most `most` scored trials: the best half, the latest quarter, others by chance.

        A bounded set keeps a suggestion as quick after 10,000 trials as after 200. Failed trials
        beyond the latest `most` are dropped too. What is dropped stays taken.
        """
        return self.only(self.active_rows(most, rng), most)

    def active_rows(self, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Which scored trials `active` keeps, by their places."""
        n = len(self.scores)
        if n <= most:
            return np.arange(n)
        best = np.argsort(-self.scores)[: most // 2]
        kept = np.union1d(best, np.arange(n - most // 4, n))
        rest = np.setdiff1d(np.arange(n), kept)
        extra = rng.choice(rest, size=min(len(rest), most - len(kept)), replace=False)
        return np.union1d(kept, extra)

    def only(self, rows: NDArray[np.int64], most: int) -> Observations:
        """Some of the scored trials, and at most so many failed ones; all others stay taken."""
        if len(rows) == len(self.scores) and len(self.failed) <= most:
            return self
        return replace(
            self,
            unit=self.unit[rows],
            scores=self.scores[rows],
            fidelity=self.fidelity[rows],
            failed=self.failed[-most:],
            seconds=None if self.seconds is None else self.seconds[rows],
            limits=None if self.limits is None else self.limits.at_most(most),
        )

    def believing(self, scores: Floats) -> Observations:
        """As if the running trials had ended with these scores, (r,)."""
        return replace(
            self,
            unit=np.concatenate([self.unit, self.running]),
            scores=np.concatenate([self.scores, scores]),
            fidelity=np.concatenate([self.fidelity, np.ones(len(scores))]),
        )
