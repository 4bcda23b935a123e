"""Features and targets in the forms that people hold them in -> pandas, columns named by text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from autometa.errors import InputError, told
from autometa.tables.notes import shown
from autometa.tables.values import inferred

MAX_DENSE = 4 * 2**30
"""Bytes that a sparse matrix may take when it is filled up."""


def frame_of(X: Any, names: Callable[[int], Sequence[str]] | None = None) -> pd.DataFrame:
    """Features (n, m) as a frame whose columns are named by text; a new frame, cells as given.

    Args:
        X: A frame of pandas, polars or Arrow, a mapping of columns, a matrix, a sparse matrix, or
            rows in a list, as lists or as mappings.
        names: Of m columns, where X does not name them; x0, x1, ... where None.

    Raises:
        InputError: no matrix, too large to fill up, two columns of one name, or another number of
            columns than names.
    """
    X = as_pandas(X)
    if isinstance(X, pd.Series):
        raise InputError(
            "features of one dimension (a pandas Series)",
            allowed="a matrix (rows, features)",
            do="Use X.to_frame() for one feature, X.to_frame().T for one row",
        )
    if hasattr(X, "toarray"):
        if 8 * X.shape[0] * X.shape[1] > MAX_DENSE:
            raise InputError(
                f"a sparse matrix of {X.shape[0]:,} x {X.shape[1]:,} cells",
                allowed=f"up to {MAX_DENSE // 8:,} cells, since it is filled up",
                do="Choose columns, for instance with sklearn.feature_selection",
            )
        X = X.toarray()
    try:
        frame, named = _frame(X)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"features of type {type(X).__name__} that are no matrix ({told(error)})",
            allowed="a frame, or a matrix (rows, features)",
        ) from error
    width = frame.shape[1]
    if not named:
        return _named(frame, names(width) if names else [f"x{j}" for j in range(width)])
    if names is not None and frame.columns.equals(pd.RangeIndex(width)):
        known = names(width)
        if not set(known) <= set(map(str, range(width))):
            return _named(frame, known)  # a matrix that became a frame on the way
    return _by_text(frame)


def target_of(y: Any) -> pd.Series[Any]:
    """A target (n,), or (n, 1), as a series.

    Raises:
        InputError: it has more columns.
    """
    y = as_pandas(y)
    if isinstance(y, pd.DataFrame):
        if y.shape[1] != 1:
            raise InputError(f"a target of shape {y.shape}", allowed="one column")
        return y.iloc[:, 0]
    if isinstance(y, pd.Series):
        return y
    if isinstance(y, pd.Categorical | pd.Index | pd.api.extensions.ExtensionArray):
        return pd.Series(y)
    try:
        values = _array(y.toarray() if hasattr(y, "toarray") else y)
    except ValueError as error:
        raise InputError(
            f"a target of type {type(y).__name__} that is no column ({told(error)})",
            allowed="one value for each row",
        ) from error
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise InputError(f"a target of {_described(y, values)}", allowed="one value for each row")
    # A list may hold several types, which an array would turn into text.
    return pd.Series(list(y) if isinstance(y, list | tuple) and not _nested(y) else values)


def in_other_order(X: Any, column: Any) -> bool:
    """Whether the labels of a column's rows are those of the features, in another order.

    Rows are matched by place, as everywhere in scikit-learn: who sorted one of the two does not
    mean that. A frame that counts its rows may have lost their labels, and says nothing.

    >>> X = pd.DataFrame({"a": [1, 2]}, index=["p", "q"])
    >>> in_other_order(X, pd.Series([1, 2], index=["q", "p"])), in_other_order(X, [1, 2])
    (True, False)
    """
    if not isinstance(X, pd.DataFrame) or not isinstance(column, pd.Series | pd.DataFrame):
        return False
    rows, others = X.index, column.index
    if len(rows) != len(others) or isinstance(rows, pd.RangeIndex) or rows.equals(others):
        return False
    return rows.is_unique and others.is_unique and set(rows) == set(others)


def as_pandas(data: Any) -> Any:
    """A frame or column of another library (polars, Arrow) as one of pandas; all else as it is.

    Raises:
        InputError: a frame that is not worked out yet.
    """
    if isinstance(data, type | pd.DataFrame | pd.Series):
        return data
    if callable(convert := getattr(data, "to_pandas", None)):
        return convert()
    for method, call in _WORKS_OUT.items():
        if hasattr(type(data), method) and hasattr(type(data), "columns"):
            raise InputError(
                f"a {type(data).__name__}, whose rows are not worked out yet",
                allowed="a frame of pandas, polars or Arrow",
                do=f"Give what its .{call} returns",
            )
    return data


_WORKS_OUT = {
    "toPandas": "toPandas()",  # Spark, which has the next one too, for a list of rows
    "collect": "collect()",  # polars
    "compute": "compute()",  # Dask
    "fetchdf": "df()",  # DuckDB
}
"""Method of frames that are not worked out yet -> what works them out."""


def _frame(X: Any) -> tuple[pd.DataFrame, bool]:
    """A frame, and whether its columns have names of their own."""
    if isinstance(X, pd.DataFrame | Mapping):
        return pd.DataFrame(X), True
    if isinstance(X, list | tuple) and X:
        if all(isinstance(row, Mapping) for row in X):
            return pd.DataFrame(list(X)), True
        if isinstance(X[0], list | tuple):  # rows whose cells may have several types
            widths = sorted({len(row) for row in X})
            if len(widths) > 1:
                raise InputError(
                    f"rows of {widths[0]} to {widths[-1]} cells", allowed="as many in each"
                )
            return pd.DataFrame(list(X)), False
    matrix = _array(X)
    if matrix.dtype.names is not None and matrix.ndim == 1:
        return pd.DataFrame(matrix), True
    if matrix.ndim != 2:
        raise InputError(
            f"features of {_described(X, matrix)}",
            allowed="a matrix (rows, features)",
            do="Reshape one feature with X.reshape(-1, 1), one row with X.reshape(1, -1)"
            if matrix.ndim == 1
            else "",
        )
    return pd.DataFrame(matrix), False


def _array(values: Any) -> np.ndarray[Any, Any]:
    """As numpy sees them; what a mask hides becomes missing when pandas reads it."""
    seen = values if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
    return seen.astype(object) if seen.dtype.kind == "S" else seen  # pandas knows no such bytes


def _described(given: Any, seen: np.ndarray[Any, Any]) -> str:
    return f"shape {seen.shape}" if seen.ndim else f"type {type(given).__name__}"


def _nested(y: Sequence[Any]) -> bool:
    return len(y) > 0 and isinstance(y[0], list | tuple | np.ndarray)


def _named(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    if frame.shape[1] != len(names):
        raise InputError(
            f"rows with {frame.shape[1]} columns", allowed=f"{len(names)} columns: {shown(names)}"
        )
    return inferred(frame.set_axis(list(names), axis=1))


def _by_text(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.set_axis([str(c) for c in frame.columns], axis=1)
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise InputError(f"several columns are named {twice!r}", do="Rename them")
    return inferred(frame)
