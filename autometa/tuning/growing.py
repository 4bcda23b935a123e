"""From the rows that a config was tried on to all of a table, or as many as there is time for.

How the seconds of a fit grow with the rows is not known beforehand: a linear model of many columns
took a hundred times as long on twelve times as many rows. So rows grow by four at a time, and the
next fit is begun only where the last ones say that it ends in time. All fits before the last cost a
third of it at most.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from autometa.tables import Table
from autometa.tuning.tried_rows import sample

_GROWTH = 1.2  # power of the rows that seconds grow by, while no fit has said it
_STEEPEST = 3.0
_STEP = 4.0  # times as many rows, after which seconds are looked at again
_WORTH = 1.5  # times as many rows, fewer than which are not worth another fit
_OF_LEFT = 0.8  # of the time left, that a fit may be expected to take

Made = TypeVar("Made")


class Grown(NamedTuple, Generic[Made]):
    """What was fitted last, to how many rows, and the seconds of that fit for each expected one."""

    made: Made
    rows: int
    pace: float


def expected(seconds: float, times: float) -> float:
    """Seconds of a fit to so many times the rows that take some seconds."""
    return seconds * math.pow(times, _GROWTH)


def grown(
    fit: Callable[[Table], Made],
    table: Table,
    tried: int,
    seconds: float,
    left: Callable[[], float],
    seed: int,
) -> Grown[Made]:
    """What a fit makes of a table: of at least as many rows as were tried.

    A fit to more rows that fails, for lack of memory for one, leaves what was made of fewer.

    Args:
        fit: (rows) -> what is made of them.
        table: All rows.
        tried: How many the config was tried on.
        seconds: That a fit to these will take.
        left: Seconds that are left.
        seed: Of the samples.
    """
    rows, took, power = min(tried, len(table)), seconds, _GROWTH
    last: Grown[Made] | None = None
    while True:
        more = min(_next(rows, took, power, left()), len(table))
        if more < len(table) and more < _WORTH * rows:
            if last is not None:
                return last
            more = rows
        part = sample(table, more, seed)
        begun = time.perf_counter()
        try:
            made = fit(part)
        except Exception:  # a library's own; MemoryError too
            if last is None:
                raise
            return last
        now = max(time.perf_counter() - begun, 1e-9)
        likely = expected(seconds, len(part) / tried)
        last = Grown(made, len(part), now / likely if likely > 0.0 else 1.0)
        if more in (rows, len(table)):
            return last
        if took > 0.0:
            power = min(max(math.log(now / took) / math.log(more / rows), 1.0), _STEEPEST)
        rows, took = more, now


def _next(rows: int, took: float, power: float, left: float) -> int:
    """Rows that can be fitted in the time left, four times as many at most."""
    times = math.inf if took <= 0.0 else max(_OF_LEFT * left / took, 0.0) ** (1.0 / power)
    return int(rows * min(times, _STEP))
