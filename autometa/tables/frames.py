"""Features and targets in the forms that people hold them in -> pandas, columns named by text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from autometa.errors import InputError
from autometa.tables.notes import shown

MAX_DENSE = 4 * 2**30
"""Bytes that a sparse matrix may take when it is filled up."""


def frame_of(X: Any, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Features (n, m) as a frame whose columns are named by text; a new frame, cells as given.

    Args:
        X: A frame, a mapping of columns, a matrix, a sparse matrix, or rows in a list.
        names: Of the columns, where X does not name them; x0, x1, ... where None.

    Raises:
        InputError: no matrix, too large to fill up, two columns of one name, or another number of
            columns than names.
    """
    if isinstance(X, pd.DataFrame | Mapping):
        frame = pd.DataFrame(X)
        places = [str(j) for j in range(frame.shape[1])]
        numbered = frame.columns.equals(pd.RangeIndex(frame.shape[1]))
        if names is not None and numbered and set(names) != set(places):
            return _named(frame, names)  # a matrix that became a frame on the way
        return _by_text(frame)
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
    rows_of_several_types = isinstance(X, list | tuple) and X and isinstance(X[0], list | tuple)
    frame = pd.DataFrame(X) if rows_of_several_types else _matrix(X)
    return _named(frame, names or [f"x{j}" for j in range(frame.shape[1])])


def target_of(y: Any) -> pd.Series[Any]:
    """A target (n,), or (n, 1), as a series.

    Raises:
        InputError: it has more columns.
    """
    if isinstance(y, pd.DataFrame):
        if y.shape[1] != 1:
            raise InputError(f"a target of shape {y.shape}", allowed="one column")
        return y.iloc[:, 0]
    if isinstance(y, pd.Series):
        return y
    if isinstance(y, pd.Categorical | pd.Index | pd.api.extensions.ExtensionArray):
        return pd.Series(y)
    values = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise InputError(f"a target of shape {values.shape}", allowed="one value for each row")
    # A list may hold several types, which an array would turn into text.
    return pd.Series(list(y) if isinstance(y, list | tuple) and not _nested(y) else values)


def _matrix(X: Any) -> pd.DataFrame:
    matrix = np.asarray(X)
    if matrix.ndim != 2:
        raise InputError(
            f"features of shape {matrix.shape}",
            allowed="a matrix (rows, features)",
            do="Reshape one feature with X.reshape(-1, 1), one row with X.reshape(1, -1)",
        )
    return pd.DataFrame(matrix)


def _nested(y: Sequence[Any]) -> bool:
    return len(y) > 0 and isinstance(y[0], list | tuple | np.ndarray)


def _named(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    if frame.shape[1] != len(names):
        raise InputError(
            f"rows with {frame.shape[1]} columns", allowed=f"{len(names)} columns: {shown(names)}"
        )
    return frame.set_axis(list(names), axis=1)


def _by_text(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.set_axis([str(c) for c in frame.columns], axis=1)
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise InputError(f"several columns are named {twice!r}", do="Rename them")
    return frame
