"""A table as two plain matrices, drawn small enough that every statistic on it is quick.

Notation: n rows, c columns, e encoded columns (numbers and one-hot categories), k classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autometa.encoding import Floats

if TYPE_CHECKING:
    import pandas as pd

    from autometa.tables import Table

ROWS = 1000  # more rows move the statistics by less than tables differ
COLUMNS = 100
LEVELS = 10  # categories that get an indicator column of their own, the most frequent first
BINS = 8


@dataclass(frozen=True, slots=True)
class View:
    """A sample of a table in numbers.

    Args:
        numbers: Numeric columns, (n, a), NaN where missing.
        codes: Categorical columns as codes from 0, (n, b), -1 where missing.
        encoded: All columns complete and standardised, categories one-hot, (n, e).
        bins: All columns in a few ordered classes, (n, c): categories' codes, numbers' quantiles.
        labels: Target in classes from 0, (n,); in a regression, quantile bins.
        target: Target as number, (n,), standardised; all zeros in a classification.
        regression: Whether the target is a number.
    """

    numbers: Floats
    codes: NDArray[np.int64]
    encoded: Floats
    bins: NDArray[np.int64]
    labels: NDArray[np.int64]
    target: Floats
    regression: bool

    def take(self, rows: NDArray[np.int64]) -> View:
        """The view of some rows."""
        return View(
            self.numbers[rows],
            self.codes[rows],
            self.encoded[rows],
            self.bins[rows],
            self.labels[rows],
            self.target[rows],
            self.regression,
        )


def view(table: Table, rng: np.random.Generator) -> View:
    """At most ROWS rows and COLUMNS columns of a table as numbers."""
    rows = _some(len(table.X), ROWS, rng)
    X = table.X.iloc[rows, _some(table.X.shape[1], COLUMNS, rng)]
    numeric = [n for n in X.columns if n in set(table.schema.numeric)]
    numbers = _matrix([_numbers(X[n]) for n in numeric], len(X), np.float64)
    codes = _matrix([X[n].cat.codes for n in X.columns if n not in numeric], len(X), np.int64)
    parts = [_complete(column) for column in numbers.T]
    for column in codes.T:
        levels = np.bincount(column[column >= 0]).argsort(kind="stable")[::-1][:LEVELS]
        parts += [(column == level).astype(np.float64) for level in levels]
    encoded = standardised(_matrix(parts, len(X), np.float64))
    binned = [quantile_bins(column) for column in numbers.T]
    bins = _matrix([*binned, *codes.T], len(X), np.int64)
    regression = table.kind == "regression"
    if regression:
        target = _complete(_numbers(table.y.iloc[rows]))
        labels = quantile_bins(target)
        target = standardised(target[:, None])[:, 0]
    else:
        target, labels = np.zeros(len(rows)), table.labels[rows]
    return View(numbers, codes, encoded, bins, labels, target, regression)


def quantile_bins(column: Floats) -> NDArray[np.int64]:
    """Numbers (n,) -> ordered classes from 0 of about equal size, -1 where missing."""
    known = np.isfinite(column)
    result = np.full(len(column), -1)
    if known.any():
        edges = np.unique(np.quantile(column[known], np.linspace(0, 1, BINS + 1)[1:-1]))
        result[known] = np.searchsorted(edges, column[known], side="left")
    return result


def standardised(matrix: Floats) -> Floats:
    """Columns (n, e) with mean 0 and deviation 1; constant columns all zeros."""
    centred = matrix - matrix.mean(axis=0, keepdims=True) if len(matrix) else matrix
    scale = centred.std(axis=0, keepdims=True) if len(matrix) else np.ones((1, matrix.shape[1]))
    result: Floats = np.where(scale > 1e-12, centred / np.where(scale > 1e-12, scale, 1.0), 0.0)
    return result


def _numbers(column: pd.Series[Any]) -> Floats:
    """A numeric column; infinite values count as missing, huge ones are cut to stay finite."""
    values = np.array(column.to_numpy(dtype=np.float64, na_value=np.nan))
    values[~np.isfinite(values)] = np.nan
    return np.asarray(np.clip(values, -1e100, 1e100))


def _complete(column: Floats) -> Floats:
    known = column[~np.isnan(column)]
    middle = float(np.median(known)) if len(known) else 0.0
    result: Floats = np.where(np.isnan(column), middle, column)
    spread = np.abs(result).max(initial=0.0)
    # Squares must not overflow.
    return np.asarray(result / spread) if spread > 1e6 else result


def _some(n: int, limit: int, rng: np.random.Generator) -> NDArray[np.int64]:
    if n <= limit:
        return np.arange(n)
    return np.sort(rng.choice(n, limit, replace=False))


def _matrix(columns: Sequence[ArrayLike], n: int, kind: type) -> NDArray[Any]:
    return np.stack(columns, axis=1).astype(kind) if columns else np.zeros((n, 0), dtype=kind)
