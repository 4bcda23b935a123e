"""Data as scikit-learn has them, as a task: what its splits, its table and its identity are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing, resample

from autometa.errors import InputError
from autometa.priors.data import as_table

if TYPE_CHECKING:
    from autometa.tables import Kind, Table

_WIDE, _CELLS = 1000, 10**7  # columns and cells up to which a sparse matrix is filled up
Splits = list[tuple[NDArray[Any], NDArray[Any]]]


def rows_of(X: Any) -> int:
    """Number of rows of anything that scikit-learn takes."""
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def sample(n: int, share: float, rng: np.random.RandomState) -> NDArray[np.int64]:
    """Indices of the rows that are searched on, in order.

    Args:
        n: Number of rows.
        share: Of the rows, in (0, 1]; or a number of rows where it is an int.
        rng: Draws them.

    Raises:
        InputError: no such share, or no rows.
    """
    if n < 1:
        raise InputError("X has 0 rows", allowed="as many as the folds, or more")
    is_int = isinstance(share, int) and not isinstance(share, bool)
    size = int(share) if is_int else round(n * share)
    if not (0 < share <= (n if is_int else 1)) or size < 1:
        raise InputError(
            f"subsample = {share!r}", allowed=f"a share in (0, 1], or 1 to {n} rows as an int"
        )
    rows: NDArray[np.int64] = np.arange(n)
    if size == n:
        return rows
    return np.sort(resample(rows, replace=False, n_samples=size, random_state=rng))


def splits_of(
    cv: Any, X: Any, y: Any, rows: NDArray[np.int64], params: Mapping[str, Any]
) -> Splits:
    """(training rows, held-out rows) of each fold, as indices into all rows.

    Args:
        cv: A splitter.
        X: Data.
        y: Target; may be None.
        rows: Indices of the rows to split.
        params: Further arguments of `split`, one value a row, or None.

    Raises:
        InputError: not one value a row.
    """
    for name, values in params.items():
        if values is not None and rows_of(values) != rows_of(X):
            raise InputError(
                f"{name} of {rows_of(values)} values", allowed=f"one for each of {rows_of(X)} rows"
            )

    def part(values: Any) -> Any:
        return None if values is None else _safe_indexing(values, rows)

    split = cv.split(part(X), part(y), **{name: part(v) for name, v in params.items()})
    return [(rows[train], rows[test]) for train, test in split]


def signature(X: Any, y: Any, *, folds: int, scoring: Any) -> dict[str, Any]:
    """What a study must agree on to be continued; the digest tells other rows and other targets."""
    return {
        "rows": rows_of(X),
        "data": _digest(X if y is None else y),
        "folds": folds,
        "metric": scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "score"),
    }


def _digest(values: Any) -> str:
    array = np.asarray(values)
    if array.dtype.kind in "biuf":
        data = np.ascontiguousarray(array, dtype=np.float64).tobytes()
    else:  # labels that are text; a sparse matrix goes by its shape
        data = "\n".join(map(str, array.ravel())).encode()
    return hashlib.sha256(data).hexdigest()[:16]


def table_of(X: Any, y: Any, kind: Kind) -> Table | None:
    """The data as a table; None where they are none, such as text or a wide sparse matrix."""
    if hasattr(X, "toarray") and (X.shape[1] > _WIDE or X.shape[0] * X.shape[1] > _CELLS):
        return None
    try:
        return as_table(X, y, kind)
    except (TypeError, ValueError):
        return None
