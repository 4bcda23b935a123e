"""How long something took, in seconds, however it is written.

A duration has a unit of its own, and numbers made of it by accident are microseconds or
nanoseconds, as pandas happens to keep them. So every reader of cells and columns asks here first. A
moment is no duration: the difference of two is.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_CLOCK = re.compile(  # of Python and pandas: "1 day, 2:03:04", "0 days 00:01:30.5", "00:01:30"
    r"(?:(?P<days>-?\d+) days?,? *)?"
    r"(?:(?P<sign>[-+])?(?P<h>\d+):(?P<m>\d\d):(?P<s>\d\d(?:\.\d+)?))?"
)
_ISO = re.compile(
    r"(?P<sign>-)?P(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)
_WORDS = re.compile(
    r"(?:(?P<days>\d+) ?d)? ?(?:(?P<h>\d+) ?h)? ?(?:(?P<m>\d+) ?m)? ?(?:(?P<s>\d+(?:\.\d+)?) ?s)?"
)
_UNITS = {"days": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_LONGEST = 100  # characters of a duration as text


def seconds_of(cell: Any) -> float | None:
    """The seconds of a duration; None where the cell is none (a number is none either).

    >>> seconds_of("0 days 00:01:30.500000"), seconds_of("P0DT1H0M3S"), seconds_of("2h 5m")
    (90.5, 3603.0, 7500.0)
    >>> seconds_of("90"), seconds_of("2024-05-01 10:00:00")
    (None, None)
    """
    if isinstance(cell, timedelta):  # pandas' own is one too
        return cell.total_seconds()
    if isinstance(cell, np.timedelta64):
        return None if np.isnat(cell) else float(cell / np.timedelta64(1, "ns")) / 1e9
    if not isinstance(cell, str) or len(cell) > _LONGEST:
        return None
    for form in (_CLOCK, _ISO, _WORDS):
        found = form.fullmatch(cell.strip())
        if found is None or not any(found[unit] for unit in _UNITS):
            continue
        # "2d" and "7m" are as often dimensions and millions.
        if form is not _WORDS or found["s"] or sum(bool(found[unit]) for unit in _UNITS) > 1:
            return _total(found.groupdict())
    return None


def _total(parts: dict[str, str | None]) -> float:
    sign = -1.0 if parts.get("sign") == "-" else 1.0
    days = float(parts["days"] or 0) * _UNITS["days"]
    clock = sum(float(parts[unit] or 0) * _UNITS[unit] for unit in ("h", "m", "s"))
    # The days of a negative duration carry a sign of their own: "-1 days +23:59:59".
    return sign * (days + clock) if days >= 0 else days + sign * clock


def is_moment(cell: Any) -> bool:
    """Whether a cell is a date, a time of day or both."""
    return isinstance(cell, date | time | np.datetime64) or type(cell).__name__ == "Period"


def in_seconds(column: pd.Series[Any]) -> pd.Series[Any]:
    """The column with numbers of seconds where it has durations; others stay."""
    import pandas as pd

    if column.dtype.kind == "m":
        return pd.Series(
            column.dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan),
            index=column.index,
            name=column.name,
        )
    if column.dtype.kind not in "OUT" or pd.api.types.is_numeric_dtype(column):
        return column
    cells = column.to_numpy(dtype=object)
    seconds = [seconds_of(c) for c in cells]
    if all(s is None for s in seconds):
        return column
    found = [c if s is None else s for c, s in zip(cells, seconds, strict=True)]
    return pd.Series(found, index=column.index, name=column.name, dtype=object)


def moments(column: pd.Series[Any]) -> bool:
    """Whether a column holds moments."""
    import pandas as pd

    if column.dtype.kind == "M" or isinstance(column.dtype, pd.PeriodDtype):
        return True
    return column.dtype.kind == "O" and any(map(is_moment, column.dropna()))
