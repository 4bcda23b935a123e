"""What callers of `tune` may write: tables in many forms, families, splits, and older names."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from autometa import children
from autometa.children.folds import Folds, Splits
from autometa.errors import InputError
from autometa.limits import whole
from autometa.tables import Table
from autometa.tables.frames import frame_of, target_of
from autometa.tables.load import check_kept, load_table

if TYPE_CHECKING:
    from autometa.children import Child
    from autometa.tables import Kind

AUTO = "auto"
FIVE_UP_TO, THREE_UP_TO = 10_000, 30_000
"""Rows up to which a config is judged by five folds, by three; by one split beyond."""
FIVE_WORK, THREE_WORK = 3_500.0, 35_000.0
"""The same of cells (rows x columns x classes, one of two) for each second of the search."""


class DefaultTime(float):
    """The time of a call that names none: it does not count where trials are counted."""


TIME = DefaultTime(60.0)


def table_of(
    X: Any,
    y: Any,
    *,
    name: str | None,
    kind: Kind | None,
    keep: Sequence[str],
    weights: Any,
    stacklevel: int,
) -> Table:
    """The table that a caller means; warns of what its user should look at.

    Args:
        X: A Table, features, or the path of a file (with `sklearn:NAME`).
        y: Target values, or the name of the column that holds them; None with a Table.
        name: What to call it; the file's name or "table" where None.
        kind: Of problem; guessed where None.
        keep: Columns that stay in any case.
        weights: What each row weighs, or the name of the column of X that says it; or None.
        stacklevel: Of the warnings.

    Raises:
        InputError: it cannot be used.
    """
    if isinstance(X, Table):
        if y is not None:
            raise InputError("a Table and a target", allowed="a Table, which holds its own")
        if kind is not None and kind != X.kind:
            raise InputError(f"kind = {kind!r} for a table of the kind {X.kind!r}")
        if weights is None:
            return X
        return X.weighted(weights) if isinstance(weights, str) else replace(X, weights=weights)
    if isinstance(X, str | os.PathLike):
        if y is not None and not isinstance(y, str):
            raise InputError(
                "a file and values of a target", allowed="a file and the name of its column"
            )
        if weights is None:
            return load_table(os.fspath(X), y, kind=kind, name=name, keep=keep)
        if not isinstance(weights, str):
            raise InputError("a file and values of weights", allowed="the name of its column")
        kept = (*keep, weights)  # or else it might be taken for numbers of the rows
        return load_table(os.fspath(X), y, kind=kind, name=name, keep=kept).weighted(weights)
    if y is None:
        raise InputError("no target y", allowed="values, or the name of a column of X")
    frame = frame_of(X)
    if isinstance(y, int | np.integer) or (isinstance(y, tuple) and y in getattr(X, "columns", ())):
        y = str(y)  # as all columns are named
    if isinstance(y, str):
        if y not in frame.columns:
            raise InputError(
                f"no column {y!r}", allowed=", ".join(map(str, list(frame.columns)[:20]))
            )
        target, frame = frame[y], frame.drop(columns=y)
    else:
        target = target_of(y)
    column = weights if isinstance(weights, str) else None
    table = Table(
        name=name or "table",
        X=frame,
        y=target,
        kind=kind,
        keep=keep if column is None else (*keep, column),
        weights=None if column is not None else weights,
    )
    check_kept(keep, [table])
    table.warn(stacklevel=stacklevel + 1)
    return table if column is None else table.weighted(column)


def families_of(asked: str | Sequence[str] | None, table: Table) -> tuple[Child, ...]:
    """The families that take part.

    Args:
        asked: Names, in a list or separated by commas; None or "auto" for all that can learn the
            table, with the weights of its rows where it has any.
        table: What they are to learn.

    Raises:
        InputError: there is none of a name, or it cannot learn the table.
        MissingExtraError: a package that it needs is not installed.
    """
    if asked is None or asked == AUTO or list(asked) == [AUTO]:
        found = []
        for name in children.names():
            child = children.get(name, table.kind)
            try:
                child.refuse(table)
            except InputError:
                continue
            if _weighed(child, table):
                found.append(child)
        return tuple(found)
    names = asked.split(",") if isinstance(asked, str) else list(asked)
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise InputError(f"families = {asked!r}", allowed=f"some of {', '.join(children.names())}")
    chosen = [children.get(name.strip(), table.kind) for name in names]
    for child in chosen:
        child.refuse(table)
        if not _weighed(child, table):
            raise InputError(
                f"family {child.name!r} for rows of different weights: all weigh the same for it",
                allowed=", ".join(c.name for c in families_of(None, table)),
            )
    return tuple({child.name: child for child in chosen}.values())


def left_out(table: Table, chosen: Sequence[Child]) -> str:
    """What a user should know of families that do not compete; "" where there is nothing.

    Args:
        table: What is learned.
        chosen: Who competes.
    """
    names = {child.name for child in chosen}
    others = [name for name in children.names() if name not in names]
    alike = [n for n in others if not _weighed(children.get(n, table.kind), table)]
    said = [f"left out: {why}" for name in children.known() if (why := children.broken(name))]
    if alike:
        listed = ", ".join(alike)
        said.append(f"left out, as rows weigh the same for them whatever is asked: {listed}")
    return "; ".join(said)


def _weighed(child: Child, table: Table) -> bool:
    return table.weights is None or child.takes_weights(table.schema)


def folds_of(
    folds: int | None,
    cv: Any,
    groups: Any,
    table: Table,
    rows: int | None = None,
    seconds: float | None = None,
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

    Raises:
        InputError: no such splits.
    """
    if cv is None and groups is None:
        if folds is None:
            return _by_size(table, seconds)
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


def _by_size(table: Table, seconds: float | None) -> Folds:
    """Five folds, or three, or one split: of many rows, or of much to learn in little time."""
    models = 1 if table.schema.classes <= 2 else table.schema.classes  # of boosting, each step
    work = len(table) * len(table.X.columns) * models / (seconds or np.inf)
    if len(table) <= FIVE_UP_TO and work <= FIVE_WORK:
        return min(5, len(table))
    if len(table) <= THREE_UP_TO and work <= THREE_WORK:
        return min(3, len(table))
    from autometa.children.folds import splits_of

    return Splits((splits_of(table, 5, 0)[0],))


def _pairs(cv: Any, groups: Any, table: Table) -> Iterable[tuple[Any, Any]]:
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, check_cv

    n = len(table)
    if groups is not None:
        groups = np.asarray(groups)
        if groups.shape != (n,):
            raise InputError(f"groups of shape {groups.shape}", allowed=f"one for each of {n} rows")
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
    return [(_rows(train, n), _rows(test, n)) for train, test in pairs]


def _rows(given: Any, n: int) -> Any:
    rows = np.asarray(given)
    if rows.dtype == bool and rows.shape == (n,):
        return np.flatnonzero(rows)
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or (len(rows) and not rows.min() >= 0):
        raise InputError("a split that is no list of rows", allowed=f"rows from 0 to {n - 1}")
    if len(rows) and rows.max() >= n:
        raise InputError(f"a split with row {rows.max()}", allowed=f"rows from 0 to {n - 1}")
    return rows.astype(np.int64)


def renamed(options: Mapping[str, Any], stacklevel: int) -> dict[str, Any]:
    """Options with today's names; older ones warn.

    Args:
        options: As the caller wrote them.
        stacklevel: Of the warnings.
    """
    found = dict(options)
    for old, new in (("child", "families"), ("timeout", "time"), ("model", "meta_model")):
        if old not in found:
            continue
        warnings.warn(
            f"tune({old}=...) is called {new} now, and goes with the next release",
            DeprecationWarning,
            stacklevel=stacklevel + 1,
        )
        found[new] = found.pop(old)
    return found


def check_workers(workers: int, storage: object) -> None:
    """Raises InputError where several processes could not share the study."""
    if workers > 1 and not _shared(storage):
        raise InputError(
            f"{workers} workers without a storage that processes can share",
            allowed="the address of a database, a journal file or a gRPC proxy",
            do="On one machine, --storage journal:///tuning.log needs no server",
        )


def _shared(storage: object) -> bool:
    memory = storage in ("sqlite://", "sqlite:///") or ":memory:" in str(storage)
    return isinstance(storage, str) and not memory
