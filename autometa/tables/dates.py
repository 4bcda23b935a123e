"""Dates and times of day that are written as text: which columns hold them, and in which order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import pandas as pd

from autometa.tables.numerals import MOST, is_mark
from autometa.tables.values import some_of

ISO = "ISO8601"
DURATION = "duration"
"""The format of durations as pandas writes them, such as "1 days 02:00:00"."""
_ISO = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?)?)?( ?Z| ?[+-]\d\d:?\d\d)?")
_DAYS = (
    *("%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d.%m.%y"),
    *("%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y"),
    *("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%b %d %Y"),
    *("%d %B %Y", "%d-%B-%Y", "%B %d, %Y", "%B %d %Y"),
)
_TIMES = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p")
_PARTS = {
    **dict.fromkeys(("%d", "%m", "%H", "%I"), r"\d\d?"),
    **dict.fromkeys(("%y", "%M", "%S"), r"\d\d"),
    "%Y": r"\d{4}",
    "%p": "[AaPp][Mm]",
    "%b": "[A-Za-z]{3}",
    "%B": "[A-Za-z]{3,9}",
}
_FEW = 5  # words of which one must fit before all are tried
_TIME_ALONE = pd.Timestamp("1900-01-01", tz="UTC")  # the day that a time without one is read with


@cache  # about a hundred patterns: made with the first column of text, not with every import
def _shapes() -> Mapping[str, re.Pattern[str]]:
    """Format -> what a cell of it looks like."""
    found = {ISO: _ISO}
    moments = (f"{day}{time}" for day in _DAYS for time in ("", *(f" {t}" for t in _TIMES)))
    for form in (*moments, *_TIMES):
        parts = re.split("(%[a-zA-Z])", form)
        found[form] = re.compile("".join(_PARTS.get(part, re.escape(part)) for part in parts))
    return found


def date_formats(texts: pd.Series[Any]) -> list[str]:
    """Ways in which a text column (n,) can be read as dates: none, one, or several that differ."""
    words = [str(text).strip() for text in some_of(texts).unique() if not is_mark(str(text))]
    found: dict[str, pd.Series[Any]] = {}
    for form, shape in _shapes().items():
        if not any(map(shape.fullmatch, words[:_FEW])):
            continue
        if sum(map(bool, map(shape.fullmatch, words))) < MOST * len(words):
            continue
        read = read_dates(pd.Series(words, dtype=object), form)
        if read.notna().mean() >= MOST and not any(map(read.equals, found.values())):
            found[form] = read
    return list(found)


def is_time_of_day(form: str) -> bool:
    """Whether a format has no day."""
    return form in _TIMES


def has_days(form: str) -> bool:
    """Whether a format is one of dates, rather than of durations, times of day or nothing."""
    return form not in ("", DURATION) and not is_time_of_day(form)


def read_dates(texts: pd.Series[Any], form: str) -> pd.Series[Any]:
    """Cells (n,) as moments of UTC, times of day as those of 1970-01-01; NaT where one is none.

    Durations stay durations.
    """
    if form == DURATION:
        return pd.to_timedelta(texts.astype(object), errors="coerce")
    read = pd.to_datetime(texts.astype(object), format=form, errors="coerce", utc=True)
    if is_time_of_day(form):
        return read - _TIME_ALONE + pd.Timestamp("1970-01-01", tz="UTC")
    return read
