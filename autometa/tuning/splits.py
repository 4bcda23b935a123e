"""On which rows configs are learned and judged: what callers of `tune` say, or what is enough."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from autometa.children.folds import Folds, Splits, splits_of
from autometa.children.problem import Pair
from autometa.errors import InputError
from autometa.limits import whole
from autometa.tables import Table
from autometa.tables.notes import shown
from autometa.tuning.tried_rows import cells

FIVE_UP_TO, THREE_UP_TO = 10_000, 30_000
"""Rows up to which a config is judged by five folds, by three; by one split beyond."""
FIVE_WORK, THREE_WORK = 3_500.0, 35_000.0
"""The same of cells for each second of the search."""


def folds_of(
    folds: int | None,
    cv: Any,
    groups: Any,
    table: Table,
    rows: int | None = None,
    seconds: float | None = None,
    *,
    sampled: bool = False,
) -> Folds:
    """How configs are judged.

    Args:
        folds: A number of folds, or None.
        cv: A number, a splitter of scikit-learn, or (training rows, test rows) pairs; None for
            five folds, three or one split of large tables.
        groups: Group of each row: rows of one are never on both sides of a split.
        table: What is split.
        rows: Rows that the caller gave, some of which may have had no target.
        seconds: For the whole search, where few may mean fewer folds.
        sampled: Whether the table is a sample of one that is too much work: one split is enough.

    Raises:
        InputError: no such splits.
    """
    if are_ours(cv, groups):
        _check_rarest(table)
    if cv is None and groups is None:
        if folds is None:
            return _one(table) if sampled else _by_size(table, seconds)
        return whole(folds, "folds", low=2, high=len(table), of="the rows of the table")
    if folds is not None:
        raise InputError("folds together with cv or groups", allowed="one of them")
    if isinstance(cv, int | np.integer) and groups is None:
        return whole(cv, "cv", low=2, high=len(table), of="the rows of the table")
    if rows is not None and rows != len(table):
        raise InputError(
            f"{rows} rows, {rows - len(table)} of them without a target, with cv or groups",
            allowed="a target in every row, so that splits mean the same rows",
            do="Leave these rows out first",
        )
    return Splits(tuple(_pairs(cv, groups, table)))


def are_ours(cv: Any, groups: Any) -> bool:
    """Whether the splits are made here, of whatever rows: none are given, nor groups of rows."""
    return groups is None and (cv is None or isinstance(cv, int | np.integer))


def _check_rarest(table: Table) -> None:
    """Refuse two classes one of which is a single row: whatever holds it out learns one class."""
    if table.schema.classes != 2:
        return
    counts = np.bincount(table.labels)
    if counts.min() < 2:
        label = table.y.cat.categories[int(counts.argmin())]
        raise InputError(
            f"one row only of the class {shown([label])} in table {table.name!r}",
            allowed="two rows or more of each class, so that one can be held out",
        )


def _by_size(table: Table, seconds: float | None) -> Folds:
    """Five folds, or three, or one split: of many rows, or of much to learn in little time.

    Each holds two rows out, where there are four: one has no variance to explain.
    """
    most = max(2, len(table) // 2)
    work = cells(table) / (seconds or np.inf)
    if len(table) <= FIVE_UP_TO and work <= FIVE_WORK:
        return min(5, most)
    if len(table) <= THREE_UP_TO and work <= THREE_WORK:
        return min(3, most)
    return _one(table)


def _one(table: Table) -> Folds:
    """A fifth of the rows held out."""
    return Splits((splits_of(table, 5, 0)[0],))


def _pairs(cv: Any, groups: Any, table: Table) -> Iterable[tuple[Any, Any]]:
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, check_cv

    n = len(table)
    if groups is not None:
        groups = np.asarray(groups)
        if groups.shape != (n,):
            raise InputError(f"groups of shape {groups.shape}", allowed=f"one for each of {n} rows")
        if missing := int(pd.isna(groups).sum()):
            raise InputError(
                f"{missing} rows without a group",
                allowed="a group for each row",
                do="Give rows that belong to none a group each",
            )
        if cv is None or isinstance(cv, int | np.integer):
            number = min(5, len(np.unique(groups))) if cv is None else int(cv)
            grouped = GroupKFold if table.kind == "regression" else StratifiedGroupKFold
            cv = grouped(n_splits=max(2, number))
    try:
        splitter = check_cv(cv, table.y, classifier=table.kind == "classification")
        pairs = list(splitter.split(table.X, table.labels, groups))
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"cv = {type(cv).__name__}: {error}",
            allowed="a number, a splitter of scikit-learn, or (training rows, test rows) pairs",
        ) from error
    rows = [(_rows(train, n), _rows(test, n)) for train, test in pairs]
    for number, (train, _) in enumerate(rows, start=1):
        if table.kind == "classification" and len(np.unique(table.labels[train])) == 1:
            raise InputError(
                f"split {number} has training rows of one class only",
                allowed="two classes or more in each",
                do="Shuffle the rows, or take splits that keep the classes' shares",
            )
    if groups is not None:
        _check_apart(groups, rows)
    return rows


def _check_apart(groups: Any, pairs: Iterable[Pair]) -> None:
    """Refuse splits, by a splitter that does not look at groups or by hand, that part a group."""
    codes, names = pd.factorize(groups)
    for number, (train, test) in enumerate(pairs, start=1):
        if len(both := np.intersect1d(codes[train], codes[test])):
            raise InputError(
                f"split {number} has rows of the group {shown(names[both[:1]])} on both sides",
                allowed="splits that keep the rows of a group together, or no groups",
                do="Take GroupKFold, or another splitter of scikit-learn that looks at groups",
            )


def on_both_sides(folds: Folds) -> str:
    """What a user should know of given splits whose test rows are learned from; "" if none are."""
    pairs = folds.pairs if isinstance(folds, Splits) else ()
    shared = [i for i, (train, test) in enumerate(pairs, start=1) if np.isin(test, train).any()]
    if not shared:
        return ""
    listed = ", ".join(map(str, shared[:5])) + ", ..." * (len(shared) > 5)
    return f"rows are on both sides of split {listed}: scores are of rows that were learned from"


def not_held_out(folds: Folds, table: Table) -> str:
    """What a user should know of classes that some folds cannot judge; "" if there are none."""
    if table.kind != "classification":
        return ""
    held = [np.unique(table.labels[test]) for _, test in splits_of(table, folds, 0)]
    in_folds = np.bincount(np.concatenate(held), minlength=table.schema.classes)
    absent = table.y.cat.categories[in_folds < len(held)]
    if not len(absent):
        return ""
    many = "es" * (len(absent) > 1)
    return (
        f"some folds hold no row of the class{many} {shown(absent)} out: their scores are of the "
        "other classes alone"
    )


def _rows(given: Any, n: int) -> Any:
    rows = np.asarray(given)
    if rows.dtype == bool and rows.shape == (n,):
        return np.flatnonzero(rows)
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or (len(rows) and not rows.min() >= 0):
        raise InputError("a split that is no list of rows", allowed=f"rows from 0 to {n - 1}")
    if len(rows) and rows.max() >= n:
        raise InputError(f"a split with row {rows.max()}", allowed=f"rows from 0 to {n - 1}")
    return rows.astype(np.int64)
