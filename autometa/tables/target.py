"""The target of a table: numbers that are written as text are read, classes are what they are.

In a file, "NA" may be missing or North America. A target of numbers has missing values where a cell
holds no number; among classes only an empty cell is one, and a class that looks like a mark for a
missing value is named.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from autometa.errors import InputError
from autometa.tables.dates import date_formats
from autometa.tables.notes import Notes, shown
from autometa.tables.numerals import Mark, decide, is_mark, numerals, read_numbers
from autometa.tables.values import as_text, is_moment, is_text

Kind: TypeAlias = Literal["classification", "regression"]

MAX_CLASS_NUMBERS = 20
"""A target of whole numbers has at most this many distinct ones, or it is a regression."""
_MANY_CLASSES = 10


def guess_kind(y: pd.Series[Any]) -> Kind:
    """Classification for text, categories, booleans and few whole numbers; else regression."""
    if not pd.api.types.is_numeric_dtype(y) or pd.api.types.is_bool_dtype(y):
        return "classification"
    distinct = pd.unique(y.dropna())
    if len(distinct) <= 2:
        return "classification"
    numbers = np.asarray(distinct, dtype=np.float64)
    whole = bool((np.floor(numbers) == numbers).all() and np.isfinite(numbers).all())
    return "classification" if whole and _few(len(distinct), len(y)) else "regression"


def _few(distinct: int, rows: int) -> bool:
    """Whether so many different values are rather classes than numbers."""
    return distinct <= min(MAX_CLASS_NUMBERS, max(2, rows // 5))


def _is_time(y: pd.Series[Any]) -> bool:
    return is_moment(y) or (is_text(y) and bool(date_formats(as_text(y))))


def read_target(
    y: pd.Series[Any], kind: Kind | None, *, table: str, decimal: Mark | None, separator: str
) -> tuple[pd.Series[Any], Kind, dict[str, Any], Notes]:
    """The target (n,), its kind, how its numbers are written, and what its user should know.

    How they are written is as in `Reading.numbers`; empty where it was not text, or is classes.

    Args:
        y: As given.
        kind: Guessed where None.
        table: Name of the table, for messages.
        decimal: Decimal mark of the table's columns, where it is known.
        separator: Between the cells of the table's file; "" where there is none.

    Raises:
        InputError: text for a regression that is no numbers, or may be two; dates, unless they
            are few and classes.
    """
    notes, how = Notes(), dict[str, Any]()
    if kind != "classification" and _is_time(y) and (kind or not _few(y.nunique(), len(y))):
        raise InputError(
            f"the target of table {table!r} has dates or durations",
            allowed="numbers for a regression, anything with few values for a classification",
            do="Make numbers of them, such as days: (y - y.min()).dt.days",
        )
    if is_text(y) and kind != "classification":
        y, how = _numbers_of(
            y, kind, table=table, decimal=decimal, separator=separator, notes=notes
        )
    decided = kind or guess_kind(y)
    if decided == "classification":
        if is_text(y) and (odd := [v for v in y.dropna().unique() if is_mark(str(v))]):
            n = int(y.isin(odd).sum())
            notes.tell(
                f"the target has the class{'es' * (len(odd) > 1)} {shown(odd)} in {n} rows; leave "
                "such cells empty if they are missing"
            )
        if kind is None and pd.api.types.is_numeric_dtype(y) and (n := y.nunique()) > 2:
            sentence = (
                f'the target is read as {n} classes; kind="regression" (--kind regression) reads '
                "it as numbers"
            )
            notes.warn(sentence) if n > _MANY_CLASSES else notes.tell(sentence)
    return y, decided, how, notes


def _numbers_of(
    y: pd.Series[Any],
    kind: Kind | None,
    *,
    table: str,
    decimal: Mark | None,
    separator: str,
    notes: Notes,
) -> tuple[pd.Series[Any], dict[str, Any]]:
    """A target of text as numbers, where it is numbers; classes that are digits stay text."""
    texts = as_text(y)
    found = numerals(texts)
    notation = decide(found, decimal, separator)
    if notation is None or found.why_not:
        if kind is None and not found.notations and not found.why_not:
            return y, {}
        why = f"numbers written {found.why_not}" if found.why_not else "text that is no number"
        if found.notations:
            why = "numbers that may mean two things, as 1,234 may be 1234 or 1.234"
        raise InputError(
            f"the target of table {table!r} has {why} ({shown(texts.dropna().unique()[:3])})",
            allowed="numbers with a decimal point and no mark between thousands",
            do='Rewrite it, or say kind="classification" (--kind classification)',
        )
    values = read_numbers(texts, notation, found.units)
    numbers = pd.Series(values, index=y.index, name=y.name)
    lost = texts[numbers.isna() & texts.notna()]
    if len(lost):
        notes.warn(
            f"{len(lost)} cells of the target are no numbers and taken as missing: "
            f"{shown(lost.unique())}"
        )
    if (kind or guess_kind(numbers.dropna())) == "classification":
        return y.where(numbers.notna()), {}
    if found.marked or any(found.units):
        notes.tell("the target is text and read as numbers")
    how = {"decimal": notation.decimal, "thousands": notation.thousands}
    return numbers, {**how, "units": list(found.units)}


def classes_of(y: pd.Series[Any], name: str) -> pd.Series[Any]:
    """The target (n,) of a classification, as categories.

    Raises:
        InputError: labels of several types, of one class, or another in each row.
    """
    if len(types := sorted({type(v).__name__ for v in y.unique()})) > 1:
        raise InputError(
            f"the target of table {name!r} has classes of several types ({', '.join(types)})",
            allowed="labels of one type",
            do="Turn all of them into text",
        )
    labels = y.astype("category").cat.remove_unused_categories()
    found = len(labels.cat.categories)
    if found < 2:
        raise InputError(
            f"the target of table {name!r} has one class only ({shown(labels.cat.categories)})",
            allowed="two classes or more",
            do="Check that --target names the right column",
        )
    if found == len(y):
        raise InputError(
            f"the target of table {name!r} has a different class in each of its {found} rows",
            allowed="classes with several rows, or numbers",
            do="Check that --target names the right column",
        )
    return labels


def values_of(y: pd.Series[Any], name: str) -> pd.Series[Any]:
    """The target (n,) of a regression, as floats.

    Raises:
        InputError: values that are no finite numbers, all alike, or without a square.
    """
    values = pd.to_numeric(y, errors="coerce").astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError(
            f"the target of table {name!r} has values that are not finite numbers",
            allowed="numbers for a regression, anything with few values for a classification",
        )
    if values.nunique() < 2:
        raise InputError(f"the target of table {name!r} is the same in every row")
    with np.errstate(over="ignore", under="ignore"):
        spread = np.var(values.to_numpy())
    if not 0 < spread < np.inf:
        raise InputError(
            f"the target of table {name!r} goes from {values.min():g} to {values.max():g}, and the "
            "square of its deviations is no number",
            do="Divide the target by a number near its largest one",
        )
    return values
