"""The columns of a table: text that means numbers or dates is read, what identifies rows left out.

What is done to a column, `Reading` keeps: rows to predict are read in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from autometa.errors import InputError
from autometa.tables.dates import DURATION, ISO, date_formats, is_time_of_day, read_dates
from autometa.tables.identifiers import why_identifier
from autometa.tables.leaks import is_copy, why_leak
from autometa.tables.notes import Notes, shown
from autometa.tables.numerals import (
    Mark,
    Notation,
    Numerals,
    decide,
    is_mark,
    numerals,
    read_numbers,
    units_said,
)
from autometa.tables.values import as_text, exact_as_float, is_moment, is_text

_HALF, _MANY = 0.5, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the columns of a table were read.

    Args:
        columns: Their names as they were given, in order; none where nothing is known of them.
        numbers: Text column -> its `decimal` mark, mark between `thousands` and `units`.
        dates: Column of dates or durations -> the format of its text; ISO 8601 where the table had
            none, as a file of rows to predict will.
        dropped: Column that was left out -> why.
        target: Name of the target.
        target_numbers: How the target's numbers are written, where they were text.
    """

    columns: tuple[str, ...] = ()
    numbers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    target_numbers: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def done(cls, dates: Iterable[str] = ()) -> Reading:
        """Of a table whose columns are read already, some of them as dates, in days since 1970."""
        return cls(dates=dict.fromkeys(dates, ISO))

    def truth(self, y: pd.Series[Any]) -> pd.Series[Any]:
        """A target as it was given, read as the table's was."""
        y = exact_as_float(y)
        return _numbers(y, self.target_numbers) if self.target_numbers and is_text(y) else y

    def apply(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows as they were given, read as the table was; columns that are no text stay."""
        read: dict[str, Any] = {}
        for name, how in self.numbers.items():
            if name in frame and is_words(frame[name]):
                read[name] = _numbers(frame[name], how)
        for name, form in self.dates.items():
            if name in frame and is_words(frame[name]):
                read[name] = read_dates(as_text(frame[name]), form)
        return frame.assign(**read)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "columns": list(self.columns),
            "numbers": {k: {**v, "units": list(v["units"])} for k, v in self.numbers.items()},
            "dates": dict(self.dates),
            "dropped": dict(self.dropped),
            "target": self.target,
            **({"target_numbers": dict(self.target_numbers)} if self.target_numbers else {}),
        }


def decimal_mark(frame: pd.DataFrame) -> Mark | None:
    """The decimal mark that the columns of a frame have in common, as far as they tell."""
    names = [name for name in frame.columns if is_text(frame[name])]
    return _decimal_mark(frame, {name: numerals(as_text(frame[name])) for name in names})


def _decimal_mark(frame: pd.DataFrame, holds: Mapping[str, Numerals]) -> Mark | None:
    found = holds.values()
    told = {f.notations[0].decimal for f in found if f.marked and len(f.notations) == 1}
    if not told and any(_has_decimals(frame[name]) for name in frame):
        return "."
    return told.pop() if len(told) == 1 else None


def read_columns(
    X: pd.DataFrame,
    *,
    table: str,
    target: str = "",
    keep: Sequence[str] = (),
    separator: str = "",
) -> tuple[pd.DataFrame, Reading, Notes]:
    """Features (n, m) with text read where it means numbers or dates, identifiers left out.

    Args:
        X: As given, column names unique text.
        table: Name of the table, for messages.
        target: Name of the target.
        keep: Columns that are not left out.
        separator: Between the cells of the table's file; "" where there is none.

    Returns:
        The columns, how they were read, and what their user should know.

    Raises:
        InputError: numbers that may mean two things.
    """
    notes = Notes()
    texts_of = {name: as_text(X[name]) for name in X.columns if is_text(X[name])}
    holds = {name: numerals(texts) for name, texts in texts_of.items()}
    decimal = _decimal_mark(X, holds)
    numbers: dict[str, dict[str, Any]] = {}
    dates: dict[str, str] = {}
    for name, texts in texts_of.items():
        if forms := date_formats(texts):
            if len(forms) == 1:
                dates[name] = forms[0]
            else:
                notes.warn(
                    f"column {name!r} is left as text: {_first(texts)!r} may be two dates; write "
                    "dates as 2026-11-28"
                )
            continue
        found = holds[name]
        if notation := _notation(found, decimal, separator, name, table):
            numbers[name] = {
                "decimal": notation.decimal,
                "thousands": notation.thousands,
                "units": list(found.units),
            }
        elif found.share >= _HALF and texts.nunique() > _MANY:
            notes.tell(
                f"column {name!r} is read as categories: only {found.share:.0%} of its cells are "
                "numbers"
            )
    reading = Reading(columns=tuple(X.columns), numbers=numbers, dates=dates, target=target)
    read = reading.apply(X)
    _tell_of_reading(X, read, reading, notes)
    dropped = _identifiers(read, keep)
    if dropped:
        listed = ", ".join(f"{name!r} ({why})" for name, why in dropped.items())
        notes.warn(f"left out: {listed}; keep={list(dropped)[:1]!r} (--keep) keeps a column")
    moments = [name for name in X.columns if is_moment(X[name])]
    dates |= {name: DURATION if X[name].dtype.kind == "m" else ISO for name in moments}
    reading = Reading(
        columns=reading.columns, numbers=numbers, dates=dates, dropped=dropped, target=target
    )
    return read.drop(columns=list(dropped)), reading, notes


def check_leaks(
    X: pd.DataFrame, y: pd.Series[Any], codes: Any, *, classes: bool, keep: Sequence[str]
) -> tuple[dict[str, str], Notes]:
    """Copies of the target, to be left out, and what to say of columns that give it away.

    Args:
        X: Features as the children see them, (n, m).
        y: Target, (n,).
        codes: The same as class numbers or values.
        classes: Whether they are class numbers.
        keep: Columns that are not left out.
    """
    copies: dict[str, str] = {}
    notes = Notes()
    for name in X.columns:
        if is_copy(X[name], y) and name not in keep and len(copies) < X.shape[1] - 1:
            copies[name] = "it is the target itself"
        elif why := why_leak(X[name], codes, classes=classes):
            sentence = f"column {name!r} gives the target away: {why}; is it known beforehand?"
            notes.warn(sentence) if "one value of" in why else notes.tell(sentence)
    if copies:
        notes.warn(f"left out: {shown(copies)}, cell for cell the target itself")
    return copies, notes


def _notation(
    found: Numerals, decimal: Mark | None, separator: str, name: str, table: str
) -> Notation | None:
    if found.why_not:
        raise InputError(
            f"column {name!r} of table {table!r} has numbers written {found.why_not}",
            allowed="one way of writing numbers in a column",
            do="Write them alike, with a decimal point, or make the column a category",
        )
    if not found.notations:
        return None
    notation = decide(found, decimal, separator)
    if notation is None:
        raise InputError(
            f"column {name!r} of table {table!r} has numbers that may mean two things, as 1,234 "
            "may be 1234 or 1.234",
            allowed="numbers with a decimal point and no mark between thousands",
            do="Rewrite the column, for instance with pandas.read_csv(..., decimal=',') or "
            "thousands=','",
        )
    return notation


def _identifiers(frame: pd.DataFrame, keep: Sequence[str]) -> dict[str, str]:
    """Columns that identify rows -> why; not the last ones that there are."""
    found = {
        name: why
        for name in frame.columns
        if name not in keep and (why := why_identifier(frame[name]))
    }
    return found if len(found) < frame.shape[1] else {}


def _numbers(column: pd.Series[Any], how: Mapping[str, Any]) -> pd.Series[Any]:
    notation = Notation(how["decimal"], how["thousands"])
    values = read_numbers(as_text(column), notation, how["units"])
    return pd.Series(values, index=column.index, name=column.name)


def is_words(column: pd.Series[Any]) -> bool:
    """Whether a column holds text or categories."""
    return is_text(column) or isinstance(column.dtype, pd.CategoricalDtype)


def _has_decimals(column: pd.Series[Any]) -> bool:
    if not pd.api.types.is_float_dtype(column):
        return False
    values = column.dropna().to_numpy(dtype=np.float64)
    return bool((values != np.floor(values)).any())


def _tell_of_reading(
    given: pd.DataFrame, read: pd.DataFrame, reading: Reading, notes: Notes
) -> None:
    ways: dict[str, list[str]] = {}
    for name, how in reading.numbers.items():
        ways.setdefault(_way(how), []).append(name)
    for way, names in ways.items():
        notes.tell(f"text read as numbers{way}: {shown(names)}")
    for name, form in reading.dates.items():
        order = "" if form == ISO else f" ({form})"
        what = "times of day" if is_time_of_day(form) else "dates"
        since = "in parts of a day" if is_time_of_day(form) else "in days since 1970"
        notes.tell(f"text read as {what}{order}, {since}: {name!r}")
    for name in [*reading.numbers, *reading.dates]:
        texts = as_text(given[name])
        lost = texts[read[name].isna() & texts.notna()]
        strange = lost[~lost.map(is_mark)]
        if len(strange):
            what = "numbers" if name in reading.numbers else "dates"
            notes.warn(
                f"{len(strange)} cells of column {name!r} are no {what} and taken as missing: "
                f"{shown(strange.unique())}"
            )
        if len(marks := lost[lost.map(is_mark)]):
            notes.tell(
                f"{len(marks)} cells of column {name!r} are taken as missing: "
                f"{shown(marks.unique())}"
            )


def _way(how: Mapping[str, Any]) -> str:
    parts = []
    if how["decimal"] == ",":
        parts.append("decimal comma")
    if how["thousands"]:
        parts.append(f"{how['thousands']!r} between thousands")
    if units := units_said(how["units"]):
        parts.append(units)
    return f" ({', '.join(parts)})" if parts else ""


def _first(texts: pd.Series[Any]) -> str:
    return str(texts.dropna().iloc[0])
