"""Table: a data set that children are trained on, valid by construction.

What the constructor refuses, no child ever sees; what it changes, `info` tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autometa.errors import InputError

Kind: TypeAlias = Literal["classification", "regression"]

MAX_CLASS_NUMBERS = 20
"""A target of whole numbers has at most this many distinct ones, or it is a regression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What a child must know of a table before it sees the rows.

    Args:
        kind: "classification" or "regression".
        numeric: Names of the number columns.
        categorical: Names of the category columns.
        rows: Number of rows.
        classes: Number of classes; 0 for a regression.
        missing: Whether any feature cell is missing.
    """

    kind: Kind
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    rows: int
    classes: int
    missing: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A data set: features, a target, and what kind of problem it is.

    Args:
        name: What messages and the portfolio call it.
        X: Features, (n, m); columns are numbers (float, int) or categories, names are strings.
        y: Target, (n,), no missing values; a category for a classification, else float.
        kind: "classification" or "regression"; guessed from the target where None.
        family: Relatives share a family; the name where there are none.
        info: What was changed on the way in and other provenance, JSON-able.

    Raises:
        InputError: no rows or features, an unusable target, or infinite numbers.
    """

    name: str
    X: pd.DataFrame
    y: pd.Series[Any]
    kind: Kind | None = None
    family: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        info = dict(self.info)
        if not isinstance(self.X, pd.DataFrame) or len(self.X) != len(self.y):
            raise InputError(
                f"table {self.name!r}: features of type {type(self.X).__name__} and a target of "
                f"length {len(self.y)}",
                allowed="a pandas DataFrame with one row for each target value",
            )
        if not len(self.X):
            raise InputError(f"table {self.name!r} has no rows", do="Give a table with data")
        y = pd.Series(self.y).reset_index(drop=True)
        X = self.X.reset_index(drop=True)
        known = y.notna()
        if not known.all():
            if not known.any():
                raise InputError(f"the target of table {self.name!r} has no value at all")
            X, y = X[known].reset_index(drop=True), y[known].reset_index(drop=True)
            info["rows_without_target"] = int((~known).sum())
        kind = self.kind or guess_kind(y)
        if kind not in get_args(Kind):
            raise InputError(f"kind {kind!r}", allowed="'classification' or 'regression'")
        y = _classes(y, self.name) if kind == "classification" else _numbers(y, self.name)
        X, empty = _features(X, self.name)
        if empty:
            info["columns_without_value"] = empty
        for name, value in {"X": X, "y": y, "kind": kind, "info": info}.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "family", self.family or self.name)

    def __len__(self) -> int:
        return len(self.y)

    @cached_property
    def schema(self) -> Schema:
        """What a child must know of the table."""
        category = [isinstance(t, pd.CategoricalDtype) for t in self.X.dtypes]
        assert self.kind is not None
        return Schema(
            kind=self.kind,
            numeric=tuple(n for n, c in zip(self.X.columns, category, strict=True) if not c),
            categorical=tuple(n for n, c in zip(self.X.columns, category, strict=True) if c),
            rows=len(self.X),
            classes=len(self.y.cat.categories) if self.kind == "classification" else 0,
            missing=bool(self.X.isna().to_numpy().any()),
        )

    @cached_property
    def labels(self) -> NDArray[Any]:
        """Target as numbers, (n,): class indices (int64) or values (float64)."""
        if self.kind == "classification":
            return np.asarray(self.y.cat.codes, dtype=np.int64)
        return np.asarray(self.y, dtype=np.float64)

    def subsample(self, rows: int, rng: np.random.Generator) -> Table:
        """At most `rows` rows, drawn without replacement; class shares are kept.

        Every class keeps at least one row, so a table of many classes may get a few rows more.

        Raises:
            InputError: fewer than 2 rows asked for.
        """
        if rows < 2:
            raise InputError(f"a sample of {rows} rows", allowed="2 rows or more")
        if len(self) <= rows:
            return self
        order = rng.permutation(len(self))
        if self.kind == "classification":
            counts = np.bincount(self.labels)
            keep = np.maximum(1, np.floor(counts * rows / len(self))).astype(np.int64)
            # Largest remainders fill up what rounding down left.
            remainder = counts * rows / len(self) - keep
            for c in np.argsort(-remainder)[: max(0, rows - int(keep.sum()))]:
                keep[c] += keep[c] < counts[c]
            chosen = [order[self.labels[order] == c][:k] for c, k in enumerate(keep)]
            order = rng.permutation(np.concatenate(chosen))
        take = np.sort(order[: max(rows, 0)] if self.kind == "regression" else order)
        info = {**self.info, "rows_before_subsample": len(self)}
        return replace(self, X=self.X.iloc[take], y=self.y.iloc[take], info=info)


def guess_kind(y: pd.Series[Any]) -> Kind:
    """Classification for text, categories, booleans and few whole numbers; else regression."""
    if not pd.api.types.is_numeric_dtype(y) or pd.api.types.is_bool_dtype(y):
        return "classification"
    distinct = pd.unique(y.dropna())
    if len(distinct) <= 2:
        return "classification"
    numbers = np.asarray(distinct, dtype=np.float64)
    whole = bool((np.floor(numbers) == numbers).all() and np.isfinite(numbers).all())
    few = len(distinct) <= min(MAX_CLASS_NUMBERS, max(2, len(y) // 5))
    return "classification" if whole and few else "regression"


def _classes(y: pd.Series[Any], name: str) -> pd.Series[Any]:
    if len(types := sorted({type(v).__name__ for v in y.unique()})) > 1:
        raise InputError(
            f"the target of table {name!r} has classes of several types ({', '.join(types)})",
            allowed="labels of one type",
            do="Turn all of them into text",
        )
    labels = y.astype("category").cat.remove_unused_categories()
    found = len(labels.cat.categories)
    if found < 2:
        raise InputError(
            f"the target of table {name!r} has one class only ({labels.cat.categories[0]!r})",
            allowed="two classes or more",
            do="Check that --target names the right column",
        )
    if found == len(y):
        raise InputError(
            f"the target of table {name!r} has a different class in each of its {found} rows",
            allowed="classes with several rows, or numbers",
            do="Check that --target names the right column",
        )
    return labels


def _numbers(y: pd.Series[Any], name: str) -> pd.Series[Any]:
    values = pd.to_numeric(y, errors="coerce").astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError(
            f"the target of table {name!r} has values that are not finite numbers",
            allowed="numbers for a regression, anything with few values for a classification",
        )
    if values.nunique() < 2:
        raise InputError(f"the target of table {name!r} is the same in every row")
    return values


def _features(X: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[str]]:
    """Columns as floats, ints or categories; the names of the columns without any value."""
    X = X.set_axis([str(c) for c in X.columns], axis=1)
    if not X.columns.is_unique:
        twice = X.columns[X.columns.duplicated()][0]
        raise InputError(f"table {name!r} has several columns named {twice!r}", do="Rename them")
    empty = [c for c in X.columns if X[c].isna().all()]
    columns = {c: _feature(X[c], name) for c in X.columns if c not in empty}
    if not columns:
        raise InputError(f"table {name!r} has no features", do="Give it a column beside the target")
    return pd.DataFrame(columns), empty


def _feature(column: pd.Series[Any], table: str) -> pd.Series[Any]:
    if pd.api.types.is_complex_dtype(column):
        raise InputError(f"column {column.name!r} of table {table!r} has complex numbers")
    if not _is_number(column):
        return as_text(column).astype("category")
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu":
        return column
    numbers = as_number(column)
    if np.isinf(numbers).any():
        raise InputError(
            f"column {column.name!r} of table {table!r} has infinite values",
            allowed="finite numbers and missing values",
            do="Replace or remove them",
        )
    return numbers


def _is_number(column: pd.Series[Any]) -> bool:
    """Numbers, dates and durations; booleans and numbers declared as categories are not."""
    types = pd.api.types
    if isinstance(column.dtype, pd.CategoricalDtype) or types.is_bool_dtype(column):
        return False
    return (
        types.is_numeric_dtype(column)
        or types.is_datetime64_any_dtype(column)
        or types.is_timedelta64_dtype(column)
    )


def as_number(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as float64, missing as NaN; dates are days since 1970, durations are days.

    Anything else that is no number becomes NaN: at prediction time it is a missing value.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        stamps = pd.to_datetime(column, utc=True)
        return _days(stamps - pd.Timestamp("1970-01-01", tz="UTC"))
    if pd.api.types.is_timedelta64_dtype(column):
        return _days(column)
    numbers = pd.to_numeric(column, errors="coerce")
    return pd.Series(
        numbers.to_numpy(dtype=np.float64, na_value=np.nan), index=column.index, name=column.name
    )


def as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as Python strings, missing as NaN: what a category is whatever its type was.

    A whole number is the same category as an integer and as a float, which one missing cell makes
    of it.
    """
    values: pd.Series[Any] = column.astype(object)
    return values.where(column.isna(), values.map(_as_word)).where(column.notna(), np.nan)


def _as_word(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def _days(durations: pd.Series[Any]) -> pd.Series[Any]:
    days: pd.Series[Any] = durations.dt.total_seconds() / 86_400
    return days
