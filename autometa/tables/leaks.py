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

from autometa.tables.values import as_number, as_text

FEW_ROWS = 20
ROWS_A_VALUE = 5


def is_copy(column: pd.Series[Any], y: pd.Series[Any]) -> bool:
    """Whether a column (n,) is the target (n,), cell for cell."""
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
    column, target = column[known], codes[known]
    if len(np.unique(target)) < 2:
        return ""
    values, groups = _numbered(column)
    if len(np.unique(groups)) * ROWS_A_VALUE <= len(target) and _same_in_each(groups, target):
        if len(np.unique(groups)) == len(np.unique(target)):
            return "one value of it for each value of the target"
        return "each of its values comes with one value of the target only"
    if values is None:
        return ""
    if classes:
        in_order = target[np.argsort(values, kind="stable")]
        blocks = 1 + int((np.diff(in_order) != 0).sum())
        apart = blocks == len(np.unique(target)) and _same_in_each(groups, target)
        return "the classes lie one after another along it" if apart else ""
    order = np.argsort(values, kind="stable")
    x, t = np.diff(values[order]), np.diff(target[order])
    together = ((x > 0) == (t != 0)).all() and ((t >= 0).all() or (t <= 0).all())
    return "it rises or falls with the target, without an exception" if together else ""


def _numbered(column: pd.Series[Any]) -> tuple[NDArray[Any] | None, NDArray[Any]]:
    """The numbers of a column (None for categories), and a whole number for each value."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return None, np.asarray(column.cat.codes)
    values = as_number(column).to_numpy()
    return values, np.unique(values, return_inverse=True)[1]


def _same_in_each(groups: NDArray[Any], target: NDArray[Any]) -> bool:
    """Whether the target is the same in all rows of a group."""
    order = np.argsort(groups, kind="stable")
    same_group = np.diff(groups[order]) == 0
    return bool((np.diff(target[order])[same_group] == 0).all())
