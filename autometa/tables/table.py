"""Table: a data set that children are trained on, valid by construction.

What the constructor refuses, no child ever sees; what it changes, `info` tells.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autometa.errors import InputError, told
from autometa.tables.columns import Reading, check_leaks, decimal_mark, read_columns
from autometa.tables.dates import has_days
from autometa.tables.notes import Notes, TableWarning, shown
from autometa.tables.row_weights import check_counted, weights_of
from autometa.tables.target import (
    MAX_CLASS_NUMBERS,
    Kind,
    classes_of,
    guess_kind,
    read_target,
    values_of,
)
from autometa.tables.values import (
    LARGEST,
    as_number,
    as_text,
    exact_as_float,
    inferred,
    is_moment,
    is_text,
)

__all__ = [
    "MAX_CLASS_NUMBERS",
    "Kind",
    "Scale",
    "Schema",
    "Table",
    "as_number",
    "as_text",
    "guess_kind",
]

Scale: TypeAlias = Literal["", "log", "balanced log"]
"""On what scale models learn a target: as it is, or as `children.log_target` says."""

EMPTY = "without any value"  # why a column was left out
MANY_CATEGORIES = 20  # more than people count on their fingers
SAMPLED = "rows_before_subsample"  # key of the info of a sample


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
        dates: Names of the number columns that are days since 1970.
        many: Names of the category columns of more than MANY_CATEGORIES, where all rows weigh the
            same.
    """

    kind: Kind
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    rows: int
    classes: int
    missing: bool
    dates: tuple[str, ...] = ()
    many: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A data set: features, a target, and what kind of problem it is.

    Args:
        name: What messages and the portfolio call it.
        X: Features, (n, m); columns are numbers (float, int) or categories, names are strings.
        y: Target, (n,), no missing values; a category for a classification, else float.
        kind: "classification" or "regression"; guessed from the target where None.
        family: Relatives share a family; the name where there are none.
        info: What was changed on the way in and other provenance, JSON-able; `notes` and
            `warnings` are sentences.
        keep: Columns that stay although they count the rows or identify them.
        separator: Between the cells of the file it comes from; it tells how numbers are written.
        reading: How its columns were read; they are read where None.
        weights: What each row weighs in fitting and in scores, (n,); None where all weigh the same.
            Kept with a mean of one, as only their ratios mean something.
        scale: On what models learn a target of numbers that is nowhere below 0.

    Raises:
        InputError: no rows or features, an unusable target, infinite numbers, numbers written
            as text that may mean two things, or weights that are none.
    """

    name: str
    X: pd.DataFrame
    y: pd.Series[Any]
    kind: Kind | None = None
    family: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)
    keep: Sequence[str] = ()
    separator: str = ""
    reading: Reading | None = None
    weights: NDArray[np.float64] | None = None
    scale: Scale = ""

    def __post_init__(self) -> None:
        info = dict(self.info)
        if not isinstance(self.X, pd.DataFrame) or len(self.X) != len(self.y):
            raise InputError(
                f"table {self.name!r}: features of type {type(self.X).__name__} of "
                f"{len(self.X)} rows and a target of {len(self.y)}",
                allowed="a pandas DataFrame with one row for each target value",
            )
        if not len(self.X):
            raise InputError(f"table {self.name!r} has no rows", do="Give a table with data")
        y = _target(self.y, self.name)
        X = self.X.reset_index(drop=True)
        if isinstance(self.keep, str):
            raise InputError(f"keep = {self.keep!r}", allowed=f"a list: keep=[{self.keep!r}]")
        if self.kind is not None and self.kind not in get_args(Kind):
            raise InputError(f"kind {self.kind!r}", allowed="'classification' or 'regression'")
        X = _named(X, self.name)
        notes, reading, kind, how = Notes(), self.reading, self.kind, dict[str, Any]()
        if reading is None:
            y, kind, how, notes = read_target(
                y,
                kind,
                table=self.name,
                decimal=decimal_mark(X) if is_text(y) else None,
                separator=self.separator,
            )
        weights = self.weights
        if weights is not None:
            known_rows = y.notna().to_numpy()
            weights = weights_of(weights, known_rows, f"the rows of table {self.name!r}")
        X, y = _with_target(X, y, self.name, info, notes)
        kind = kind or guess_kind(y)
        y = (classes_of if kind == "classification" else values_of)(y, self.name)
        given = tuple(X.columns)
        X = _with_values(X, self.name, info, notes)
        if reading is None:
            X, reading, more = read_columns(
                X,
                table=self.name,
                target="" if y.name is None else str(y.name),
                keep=self.keep,
                separator=self.separator,
            )
            notes += more
            X = _with_values(X, self.name, info, notes)
            X = pd.DataFrame({c: _feature(X[c], self.name) for c in X.columns})
            classes = kind == "classification"
            codes = np.asarray(y.cat.codes) if classes else np.asarray(y, dtype=np.float64)
            copies, more = check_leaks(X, y, codes, classes=classes, keep=self.keep)
            notes += more
            X = X.drop(columns=list(copies))
            dropped = {**{c: EMPTY for c in given if c not in X}, **reading.dropped, **copies}
            reading = replace(reading, columns=given, dropped=dropped, target_numbers=how)
            if all(X[c].nunique(dropna=False) < 2 for c in X):
                notes.warn("no column has two values: there is nothing to predict the target by")
        else:
            X = pd.DataFrame({c: _feature(X[c], self.name) for c in X.columns})
        _tell_of_large(X, notes)
        if weights is not None and SAMPLED not in info:
            check_counted(y, weights, self.name, notes)
        for key, sentences in (("notes", notes.told), ("warnings", notes.warned)):
            if sentences:
                info[key] = [*info.get(key, ()), *sentences]
        known: dict[str, Any] = {"X": X, "y": y, "kind": kind, "info": info, "reading": reading}
        known["weights"] = weights
        for name, value in known.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "family", self.family or self.name)

    def __len__(self) -> int:
        return len(self.y)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done to the table on the way in, the warnings first."""
        return (*self.info.get("warnings", ()), *self.info.get("notes", ()))

    @property
    def provenance(self) -> dict[str, Any]:
        """`info` without its sentences, which quote cells: what may be shared."""
        return {k: v for k, v in self.info.items() if k not in ("notes", "warnings")}

    def warn(self, stacklevel: int = 2) -> None:
        """Warn of what its user should look at: a `TableWarning` for each."""
        for sentence in self.info.get("warnings", ()):
            warnings.warn(f"table {self.name!r}: {sentence}", TableWarning, stacklevel=stacklevel)

    @cached_property
    def schema(self) -> Schema:
        """What a child must know of the table."""
        category = [isinstance(t, pd.CategoricalDtype) for t in self.X.dtypes]
        assert self.kind is not None
        assert self.reading is not None
        named = [n for n, c in zip(self.X.columns, category, strict=True) if c]
        numeric = [n for n, c in zip(self.X.columns, category, strict=True) if not c]
        return Schema(
            kind=self.kind,
            numeric=tuple(numeric),
            categorical=tuple(named),
            rows=len(self.X),
            classes=len(self.y.cat.categories) if self.kind == "classification" else 0,
            missing=bool(self.X.isna().to_numpy().any()),
            dates=tuple(n for n in numeric if has_days(self.reading.dates.get(n, ""))),
            many=() if self.weights is not None else self._of_many(named),
        )

    def _of_many(self, categorical: Sequence[str]) -> tuple[str, ...]:
        return tuple(n for n in categorical if len(self.X[n].cat.categories) > MANY_CATEGORIES)

    @cached_property
    def labels(self) -> NDArray[Any]:
        """Target as numbers, (n,): class indices (int64) or values (float64)."""
        if self.kind == "classification":
            return np.asarray(self.y.cat.codes, dtype=np.int64)
        return np.asarray(self.y, dtype=np.float64)

    def subsample(self, rows: int, rng: np.random.Generator, *, least: int = 1) -> Table:
        """At most `rows` rows, drawn without replacement; class shares are kept.

        Every class keeps `least` rows, or all that it has: a table of many classes may get more.

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
            share = np.floor(counts * rows / len(self)).astype(np.int64)
            keep = np.maximum(share, np.minimum(counts, least))
            # Largest remainders fill up what rounding down left.
            remainder = counts * rows / len(self) - keep
            for c in np.argsort(-remainder)[: max(0, rows - int(keep.sum()))]:
                keep[c] += keep[c] < counts[c]
            chosen = [order[self.labels[order] == c][:k] for c, k in enumerate(keep)]
            order = rng.permutation(np.concatenate(chosen))
        take = np.sort(order[: max(rows, 0)] if self.kind == "regression" else order)
        info = {**self.info, SAMPLED: len(self)}
        weights = None if self.weights is None else self.weights[take]
        return replace(self, X=self.X.iloc[take], y=self.y.iloc[take], info=info, weights=weights)

    def on_scale(self, scale: Scale) -> Table:
        """The same table, its target learned on another scale."""
        result = copy(self)
        object.__setattr__(result, "scale", scale)
        return result

    def weighted(self, column: str) -> Table:
        """The table whose rows weigh what a column of it says, which is then no feature.

        Raises:
            InputError: no such column, or one that holds no weights.
        """
        if column not in self.X.columns:
            raise InputError(
                f"no column {column!r} of weights", allowed=shown(self.X.columns, quoted=False)
            )
        if isinstance(self.X[column].dtype, pd.CategoricalDtype):
            raise InputError(f"column {column!r} of weights", allowed="a column of numbers")
        reading = self.reading
        if reading is not None:
            dropped = {**reading.dropped, column: "the rows' weights"}
            reading = replace(reading, dropped=dropped)
        weights = np.asarray(self.X[column], dtype=np.float64)
        return replace(self, X=self.X.drop(columns=column), reading=reading, weights=weights)


def _named(X: pd.DataFrame, name: str) -> pd.DataFrame:
    """Columns named by text, each name once, of the types that their cells have."""
    X = X.set_axis([str(c) for c in X.columns], axis=1)
    if not X.columns.is_unique:
        twice = X.columns[X.columns.duplicated()][0]
        raise InputError(f"table {name!r} has several columns named {twice!r}", do="Rename them")
    for column in X.columns:
        if pd.api.types.is_complex_dtype(X[column]):
            raise InputError(f"column {column!r} of table {name!r} has complex numbers")
    return inferred(X)


def _target(given: Any, name: str) -> pd.Series[Any]:
    """A target of the type that its cells have."""
    y = exact_as_float(inferred(pd.Series(given).reset_index(drop=True)))
    try:
        y.nunique()
    except TypeError as error:  # of lists, dicts, ...
        raise InputError(
            f"the target of table {name!r} has values that are neither labels nor numbers "
            f"({told(error)})",
            allowed="one label or number for each row",
        ) from error
    if pd.api.types.is_complex_dtype(y):
        raise InputError(f"the target of table {name!r} has complex numbers")
    return y


def _with_target(
    X: pd.DataFrame, y: pd.Series[Any], name: str, info: dict[str, Any], notes: Notes
) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """The rows whose target is known."""
    known = y.notna()
    if known.all():
        return X, y
    if not known.any():
        raise InputError(f"the target of table {name!r} has no value at all")
    info["rows_without_target"] = int((~known).sum())
    notes.warn(f"{(~known).sum()} of {len(y)} rows have no target and are left out")
    return X[known].reset_index(drop=True), y[known].reset_index(drop=True)


def _with_values(X: pd.DataFrame, name: str, info: dict[str, Any], notes: Notes) -> pd.DataFrame:
    """The columns that have any value."""
    empty = [c for c in X.columns if X[c].isna().all()]
    if len(empty) == X.shape[1]:
        raise InputError(f"table {name!r} has no features", do="Give it a column beside the target")
    if empty:
        info["columns_without_value"] = [*info.get("columns_without_value", ()), *empty]
        notes.warn(f"left out: {shown(empty)}, {EMPTY}")
    return X.drop(columns=empty)


def _tell_of_large(X: pd.DataFrame, notes: Notes) -> None:
    large = [c for c in X.columns if X[c].dtype.kind == "f" and (X[c].abs() > LARGEST).any()]
    if large:
        notes.warn(f"numbers beyond {LARGEST:g} are cut to it in {shown(large)}")


def _feature(column: pd.Series[Any], table: str) -> pd.Series[Any]:
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
    return types.is_numeric_dtype(column) or is_moment(column)
