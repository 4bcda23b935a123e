"""The problem that a table is, and its folds, prepared once for all configs of a child.

The split depends on the table and the seed only, so all configs (and all children) see the same
folds. Preparation is fitted on each fold's training rows, never on its test rows.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autometa.children.metrics import scores
from autometa.children.problem import Fold, Pair, Preparation, Problem, check_splits
from autometa.errors import InputError
from autometa.tables import Kind, Table

if TYPE_CHECKING:
    from autometa.children.prediction import Prediction


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """Splits that somebody chose: by time, by groups, or by hand. A row may be in none.

    Args:
        pairs: Of each fold.
    """

    pairs: tuple[Pair, ...]

    def __post_init__(self) -> None:
        check_splits(self.pairs)

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
def problem_of(table: Table, folds: Folds, seed: int) -> Problem:
    """What all configs of all children are judged on: every standard metric on the same folds.

    Raises:
        InputError: as `assign`.
    """
    assert table.kind is not None
    return Problem(
        X=table.X,
        y=table.labels,
        splits=tuple(splits_of(table, folds, seed)),
        score=partial(_scores, table.kind),
        weights=table.weights,
    )


def _scores(kind: Kind, model: Any, said: Prediction, fold: Fold) -> Mapping[str, float]:
    return scores(fold.y_test, said, kind, fold.weight_test)


@lru_cache(maxsize=4)
def prepared(table: Table, folds: Folds, seed: int, preparation: Preparation) -> list[Fold]:
    """The prepared folds; the last few are kept, since many configs follow on the same ones.

    Raises:
        InputError: as `assign`.
    """
    from autometa.children.preparation import as_matrices, preparer

    problem, result = problem_of(table, folds, seed), []
    with warnings.catch_warnings(), as_matrices():
        warnings.simplefilter("ignore")
        for k, (train, test) in enumerate(problem.splits):
            prepare = preparer(preparation, table.schema)
            y, y_test = problem.y[train], problem.y[test]
            X = np.asarray(prepare.fit_transform(problem.X.iloc[train], y), dtype=np.float64)
            X_test = np.asarray(prepare.transform(problem.X.iloc[test]), dtype=np.float64)
            result.append(Fold(X, y, X_test, y_test, k, *problem.weights_of(k), (train, test)))
    return result
