"""Folds of a table, prepared once for all configs of a child.

The split depends on the table and the seed only, so all configs (and all children) see the same
folds. Preparation is fitted on each fold's training rows, never on its test rows.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.tables import Table

if TYPE_CHECKING:
    from autometa.children.preparation import Preparation


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Prepared training rows X (n, d), y (n,) and test rows; y holds class indices or values."""

    X: Floats
    y: NDArray[Any]
    X_test: Floats
    y_test: NDArray[Any]


def assign(table: Table, folds: int, seed: int) -> NDArray[np.int64]:
    """Fold of each row, (n,) in 0..folds-1: sizes differ by at most one, so do class counts.

    A class with fewer rows than folds is absent from some folds; it is never an error.

    Raises:
        InputError: fewer than 2 folds, or fewer rows than folds.
    """
    if not 2 <= folds <= len(table):
        raise InputError(
            f"{folds} folds of table {table.name!r}", allowed=f"2 to {len(table)} (its rows)"
        )
    order = np.random.default_rng(seed).permutation(len(table))
    if table.kind == "classification":
        # Deal the shuffled rows out like cards, class after class.
        order = order[np.argsort(table.labels[order], kind="stable")]
    result = np.empty(len(table), dtype=np.int64)
    result[order] = np.arange(len(table)) % folds
    return result


@lru_cache(maxsize=4)
def prepared(table: Table, folds: int, seed: int, preparation: Preparation) -> list[Fold]:
    """The prepared folds; the last few are kept, since many configs follow on the same ones.

    Raises:
        InputError: as `assign`.
    """
    from autometa.children.preparation import preparer

    parts = assign(table, folds, seed)
    result = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k in range(folds):
            train, test = parts != k, parts == k
            prepare = preparer(preparation, table.schema)
            X = np.asarray(prepare.fit_transform(table.X[train]), dtype=np.float64)
            X_test = np.asarray(prepare.transform(table.X[test]), dtype=np.float64)
            result.append(Fold(X, table.labels[train], X_test, table.labels[test]))
    return result
