"""Columns that give the target away: what a model learns from them is nothing about the rest.

A column gives the classes away where each of its values stands in rows of one class only, and each
value in five rows or more on average, so that it is no chance; or where the classes lie one after
another along its numbers. It gives a number away where it rises (or falls) with the target without
an exception, or where each of its values always comes with the same number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autometa.tables.values import as_number, as_text, word_of

FEW_ROWS = 20
ROWS_A_VALUE = 5
_FIRST = 100


def is_copy(column: pd.Series[Any], y: pd.Series[Any]) -> bool:
    """Whether a column (n,) is the target (n,), cell for cell."""
    if not len(y):
        return False
    mine, theirs = column.iloc[0], y.iloc[0]
    if pd.isna(mine) or (not pd.isna(theirs) and word_of(mine) != word_of(theirs)):
        return False  # most columns of a wide table end here
    if not _alike(column[:_FIRST], y[:_FIRST]):
        return False
    return len(y) <= _FIRST or _alike(column, y)


def _alike(column: pd.Series[Any], y: pd.Series[Any]) -> bool:
    mine, theirs = as_text(column), as_text(y)
    return bool(mine.notna().all() and (mine.to_numpy() == theirs.to_numpy()).all())


def why_leak(column: pd.Series[Any], codes: NDArray[Any], *, classes: bool) -> str:
    """How a column gives the target away, in a few words; empty where it does not.

    Args:
        column: Feature, (n,).
        codes: Target, (n,): class numbers or values.
        classes: Whether they are class numbers.
    """
    known = column.notna().to_numpy()
    if known.sum() < max(FEW_ROWS, 0.5 * len(codes)):
        return ""
    numbers = not isinstance(column.dtype, pd.CategoricalDtype)
    values = as_number(column).to_numpy() if numbers else column.cat.codes.to_numpy()
    values, target = values[known], codes[known]
    order = np.argsort(values, kind="stable")
    in_order = target[order]
    rises, changes = np.diff(values[order]) > 0, np.diff(in_order)
    groups, kinds = 1 + int(rises.sum()), len(np.unique(target))
    if kinds < 2 or (changes[~rises] != 0).any():
        return ""  # of the same value in two rows, with two values of the target
    if groups * ROWS_A_VALUE <= len(target):
        if groups == kinds:
            return "one value of it for each value of the target"
        return "each of its values comes with one value of the target only"
    if not numbers:
        return ""
    if classes:
        apart = 1 + int((changes != 0).sum()) == kinds
        return "the classes lie one after another along it" if apart else ""
    one_way = (changes >= 0).all() or (changes <= 0).all()
    together = one_way and (rises == (changes != 0)).all()
    return "it rises or falls with the target, without an exception" if together else ""
