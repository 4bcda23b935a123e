"""Folds of a table, prepared once for all configs of a child.

The split depends on the table and the seed only, so all configs (and all children) see the same
folds. Preparation is fitted on each fold's training rows, never on its test rows.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.tables import Table

if TYPE_CHECKING:
    from autometa.children.preparation import Preparation


Pair: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Training rows and test rows, as indices into the table's."""


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """Splits that somebody chose: by time, by groups, or by hand. A row may be in none.

    Args:
        pairs: Of each fold.
    """

    pairs: tuple[Pair, ...]

    def __post_init__(self) -> None:
        if not self.pairs or not all(len(a) and len(b) for a, b in self.pairs):
            raise InputError("a split without rows", allowed="training and test rows in each")

    def __len__(self) -> int:
        return len(self.pairs)

    def digest(self) -> str:
        """Identifies them: changes with any row."""
        parts = [np.asarray(part, dtype=np.int64) for pair in self.pairs for part in pair]
        sizes = np.array([len(part) for part in parts], dtype=np.int64)
        text = sizes.tobytes() + b"".join(part.tobytes() for part in parts)
        return hashlib.sha256(text).hexdigest()[:16]


Folds: TypeAlias = int | Splits
"""A number of folds, dealt out by a seed, or given splits."""


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


def splits_of(table: Table, folds: Folds, seed: int) -> list[Pair]:
    """Training and test rows of each fold.

    Raises:
        InputError: as `assign`.
    """
    if isinstance(folds, Splits):
        return list(folds.pairs)
    parts = assign(table, folds, seed)
    return [(np.flatnonzero(parts != k), np.flatnonzero(parts == k)) for k in range(folds)]


@lru_cache(maxsize=4)
def prepared(table: Table, folds: Folds, seed: int, preparation: Preparation) -> list[Fold]:
    """The prepared folds; the last few are kept, since many configs follow on the same ones.

    Raises:
        InputError: as `assign`.
    """
    from autometa.children.preparation import preparer

    result = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for train, test in splits_of(table, folds, seed):
            prepare = preparer(preparation, table.schema)
            X = np.asarray(prepare.fit_transform(table.X.iloc[train]), dtype=np.float64)
            X_test = np.asarray(prepare.transform(table.X.iloc[test]), dtype=np.float64)
            result.append(Fold(X, table.labels[train], X_test, table.labels[test]))
    return result
