"""Rows to predict whose numbers are written otherwise than the table's: read in their own way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from autometa.tables.columns import decimal_mark, is_words
from autometa.tables.notes import shown
from autometa.tables.numerals import Notation, decide, numerals, read_numbers
from autometa.tables.values import as_number, as_text


def written_otherwise(
    given: pd.DataFrame,
    read: pd.DataFrame,
    names: Iterable[str],
    numbers: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, pd.Series[Any]], list[str]]:
    """Columns of text that are numbers as these rows write them, and what to say of that.

    The table's way stands where it reads every cell, unless other columns of these rows say that
    their decimal mark is another one: then 1.234 may be 1234.

    Args:
        given: Rows as they came.
        read: The same, read as the table was.
        names: Columns that are numbers in the table, and no dates.
        numbers: Column -> how the table's numbers were written, where they were text.

    >>> rows = pd.DataFrame({"a": ["0,5", "2,25"], "b": ["1", "2"]})
    >>> found, said = written_otherwise(rows, rows, ["a", "b"], {})
    >>> found["a"].tolist(), said
    ([0.5, 2.25], ["read as numbers with a decimal comma, unlike the table's: 'a'"])
    """
    texts = {name: as_text(given[name]) for name in names if is_words(given[name])}
    mark = decimal_mark(given[list(texts)])
    found: dict[str, pd.Series[Any]] = {}
    ways: dict[str, list[str]] = {}
    for name, cells in texts.items():
        how = numbers.get(name, {"decimal": ".", "units": ("",)})
        holds = numerals(cells)
        notation = decide(holds, mark, "")
        if notation is None or not set(holds.units) <= set(how["units"]):
            continue
        own = pd.Series(read_numbers(cells, notation, how["units"]), index=cells.index, name=name)
        theirs = as_number(read[name])
        told = mark not in (None, how["decimal"]) and not own.equals(theirs)
        if told or own.notna().sum() > theirs.notna().sum():
            found[name] = own
            ways.setdefault(_way(notation), []).append(name)
    said = [
        f"read as numbers {way}, unlike the table's: {shown(listed)}"
        for way, listed in ways.items()
    ]
    return found, said


def _way(notation: Notation) -> str:
    way = f"with a decimal {'comma' if notation.decimal == ',' else 'point'}"
    return way + f" and {notation.thousands!r} between thousands" * bool(notation.thousands)
