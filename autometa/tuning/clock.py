"""The time that a call has: for everything, so that what comes after the search is kept in hand."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from autometa.tuning.arms import TunedTrial
from autometa.tuning.growing import expected

MEMBERS = 5  # of an ensemble, that time is kept for
_SHARE = 0.1  # of all time, that members beyond the best may take at most
_BUSY = 4.0  # times that a busy machine may make what is not measured slower
_ALONE_SHARE = 0.35  # of all time, that a trial may take while there is no result
_FIRST_SHARE = 0.1  # of all time, that a family's first trial may take, unless others took more
_TRIAL_SHARE = 0.25  # of the time left, that any later trial may take
_PATIENCE = 2.0  # times the seconds in which a trial should end, after which it is stopped
_MOST = 0.4  # of all time, kept in hand at most while no trial has said how long a fit takes
_UNKNOWN = 0.2  # of all time, kept in hand while no trial has said how long a fit takes
_FIT = 0.4  # of all time, kept in hand at most for fitting the best trial's config


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds since `started`, by `time.perf_counter`, of at most `seconds`; None for no limit."""

    started: float
    seconds: float | None

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started

    @property
    def left(self) -> float:
        """Seconds until the end; infinite without a limit."""
        return float("inf") if self.seconds is None else self.seconds - self.spent

    @property
    def share(self) -> float:
        """Of the time, that is over, in [0, 1]."""
        return 0.0 if self.seconds is None else min(1.0, self.spent / self.seconds)

    def search_end(self, kept: float) -> float | None:
        """When the search must end, so that `kept` seconds are left after it."""
        return None if self.seconds is None else self.started + self.seconds - kept

    def trial_limit(self, longest: float | None, slow: float, *, first: bool) -> float | None:
        """Seconds for the next trial, so that one family's slowness does not cost the others'.

        Args:
            longest: Processor seconds of the longest trial with a value; None where there is none.
            slow: Seconds by the clock for a second of processor time.
            first: Whether the family has had none.
        """
        if self.seconds is None:
            return None
        if longest is None:
            limit = _ALONE_SHARE * self.left
        elif first:
            limit = max(_FIRST_SHARE * self.seconds, 2.0 * slow * longest)
        else:
            limit = _TRIAL_SHARE * self.left
        return max(limit, 1.0)

    def patience(self, limit: float) -> float:
        """Seconds after which a trial that should end within `limit` is stopped.

        Only what is expected to end within the limit is begun, and what was expected may be wrong.
        """
        return max(limit, min(_PATIENCE * limit, _TRIAL_SHARE * self.left))

    def kept_for(self, fits: Sequence[float], slow: float) -> float:
        """Seconds to keep for choosing and fitting the members of the ensemble.

        Args:
            fits: Seconds that fitting each trial's config to all rows will take, the best first.
            slow: Seconds by the clock for a second of processor time.
        """
        whole = self.seconds or 0.0
        overhead = (0.3 + 0.005 * whole) * min(max(slow, 1.0), _BUSY)
        overhead = min(overhead, _MOST * whole)  # of a second there is a search, too
        if not fits:
            return min(overhead + _UNKNOWN * whole, _MOST * whole)
        first, *others = fits[:MEMBERS]
        return overhead + self.for_fit(first) + min(sum(others), _SHARE * whole)

    def for_fit(self, seconds: float) -> float:
        """Seconds to keep for a fit of the best trial's config that will take some."""
        return min(seconds, _FIT * (self.seconds or math.inf))


def refit_seconds(trial: TunedTrial, folds: int, slow: float, rows: float = 1.0) -> float:
    """What fitting a trial's config to all rows will take, by what its folds took.

    A fold of k trains on (k - 1) / k of the rows, so a trial is k - 1 fits of all rows.

    Args:
        trial: With its seconds of processor time.
        folds: Their number, k.
        slow: Seconds by the clock for a second of processor time.
        rows: All rows, for each row that the folds were made of.
    """
    return expected(1.2 * slow * (trial.seconds or 0.0) / max(1, folds - 1), rows)


def shorter(*times: float | None) -> float | None:
    """The shortest of some times, of which None sets no limit."""
    return min((t for t in times if t is not None), default=None)


def past(moment: float | None) -> bool:
    """Whether a moment by `time.perf_counter` is over; None never is."""
    return moment is not None and time.perf_counter() >= moment
