"""What callers of `tune` may write: tables in many forms, families, and older names."""

from __future__ import annotations

import difflib
import os
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from autometa import children
from autometa.errors import InputError
from autometa.priors.aliases import PREFIXES
from autometa.tables import Table
from autometa.tables.frames import frame_of, in_other_order, target_of
from autometa.tables.load import check_kept, read_table
from autometa.tables.notes import TableWarning

if TYPE_CHECKING:
    import pandas as pd

    from autometa.children import Child
    from autometa.meta import MetaModel
    from autometa.tables import Kind

AUTO = "auto"


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
) -> Table:
    """The table that a caller of `tune` means; warns there of what its user should look at.

    Args:
        X: A Table, features, or the path of a file (with `sklearn:NAME`).
        y: Target values, or the name of the column that holds them; None with a Table.
        name: What to call it; the file's name or "table" where None.
        kind: Of problem; guessed where None.
        keep: Columns that stay in any case.
        weights: What each row weighs, or the name of the column of X that says it; or None.

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
    column = weights if isinstance(weights, str) else None
    kept = keep if column is None else (*keep, column)  # or else it might be taken for row numbers
    if isinstance(X, str | os.PathLike):
        if y is not None and not isinstance(y, str):
            raise InputError(
                "a file and values of a target", allowed="a file and the name of its column"
            )
        if weights is not None and column is None:
            raise InputError("a file and values of weights", allowed="the name of its column")
        table = read_table(os.fspath(X), y, kind=kind, name=name, keep=kept)
    else:
        features, target = _in_memory(X, y)
        table = Table(
            name=name or "table",
            X=features,
            y=target,
            kind=kind,
            keep=kept,
            weights=None if column is not None else weights,
        )
    check_kept(keep, [table])
    table.warn(stacklevel=4)
    return table if column is None else table.weighted(column)


def _in_memory(X: Any, y: Any) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Features and target; y may be the name of a column of X."""
    if y is None:
        raise InputError("no target y", allowed="values, or the name of a column of X")
    frame = frame_of(X)
    if isinstance(y, int | np.integer) or (isinstance(y, tuple) and y in getattr(X, "columns", ())):
        y = str(y)  # as all columns are named
    if not isinstance(y, str):
        return frame, target_of(y)
    if y not in frame.columns:
        raise InputError(f"no column {y!r}", allowed=", ".join(map(str, list(frame.columns)[:20])))
    return frame.drop(columns=y), frame[y]


def warn_of_order(X: Any, **columns: Any) -> None:
    """Warn the caller's caller of columns whose rows have the labels of X in another order."""
    for name, column in columns.items():
        if in_other_order(X, column):
            said = f"the index of {name} has the labels of X in another order; rows go by place"
            warnings.warn(said, TableWarning, stacklevel=3)


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
            if children.here_only(name):
                continue
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
    chosen = [_family(name.strip(), table.kind) for name in names]
    for child in chosen:
        child.refuse(table)
        if children.here_only(child.name):
            raise InputError(
                f"family {child.name!r}, which only this process knows",
                allowed="families that the processes which evaluate can import",
                do="Give the Child a name in a module that you import, and register it from there",
            )
        if not _weighed(child, table):
            raise InputError(
                f"family {child.name!r} for rows of different weights: all weigh the same for it",
                allowed=", ".join(c.name for c in families_of(None, table)),
            )
    return tuple({child.name: child for child in chosen}.values())


def _family(name: str, kind: Kind | None) -> Child:
    """A family by its name; one that other programs call otherwise is named in the error."""
    try:
        return children.get(name, kind)
    except InputError as error:
        plain = re.sub(r"classifier|regressor|[^a-z]", "", name.lower())
        meant = [
            repr(family)
            for family, words in PREFIXES.items()
            if family in children.known()
            and (plain == family.replace("_", "") or plain in words.split())
        ]
        if not meant:
            raise
        do = f"Did you mean {' or '.join(meant)}?"
        raise InputError(error.given, allowed=error.allowed, do=do) from error


def left_out(table: Table, chosen: Sequence[Child]) -> str:
    """What a user should know of families that do not compete; "" where there is nothing."""
    names = {child.name for child in chosen}
    others = [name for name in children.names() if name not in names]
    alike = [n for n in others if not _weighed(children.get(n, table.kind), table)]
    said = [f"left out: {why}" for name in children.known() if (why := children.broken(name))]
    if here := [name for name in others if children.here_only(name)]:
        said.append(f"left out, as no module holds them: {', '.join(here)}")
    if alike:
        listed = ", ".join(alike)
        said.append(f"left out, as rows weigh the same for them whatever is asked: {listed}")
    return "; ".join(said)


def _weighed(child: Child, table: Table) -> bool:
    return table.weights is None or child.takes_weights(table.schema)


def renamed(options: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """Options with today's names; older ones warn the caller's caller.

    Raises:
        TypeError: there is none of a name, as Python says it.
    """
    found = dict(options)
    for old, new in (("child", "families"), ("timeout", "time"), ("model", "meta_model")):
        if old not in found:
            continue
        warnings.warn(
            f"tune({old}=...) is called {new} now, and goes with the next release",
            DeprecationWarning,
            stacklevel=3,
        )
        found[new] = found.pop(old)
    names = list(known)
    if unknown := [name for name in found if name not in names]:
        near = " or ".join(map(repr, difflib.get_close_matches(unknown[0], names, 2)))
        said = f"tune() got an unexpected keyword argument {unknown[0]!r}"
        raise TypeError(said + f". Did you mean {near}?" * bool(near))
    return found


def check_model(model: MetaModel | None, chosen: Sequence[Child], asked: str) -> None:
    """Raises InputError where a fitted meta-model is not of the only family's space."""
    if model is not None and [child.space for child in chosen] != [model.space]:
        raise InputError(
            f"a model of the space {model.space.name!r} for {asked!r}",
            allowed="a model of the family's own space, and one family",
            do="Fit it with MetaLearner.fit on a portfolio of this family",
        )


def check_shared(
    workers: int, total: bool, storage: object, study_name: str | None, n_trials: int | None
) -> None:
    """Raises InputError where several processes or calls could not share the study, as asked."""
    if workers > 1 and not _shared(storage):
        raise InputError(
            f"{workers} workers without a storage that processes can share",
            allowed="the address of a database, a journal file or a gRPC proxy",
            do="On one machine, --storage journal:///tuning.log needs no server",
        )
    given = {"storage": storage, "study_name": study_name, "n_trials": n_trials}
    if total and (missing := [name for name, value in given.items() if value is None]):
        raise InputError(
            f"total without {' and '.join(missing)}",
            allowed="all three: it counts the trials that a study of a storage has already",
        )


def _shared(storage: object) -> bool:
    memory = storage in ("sqlite://", "sqlite:///") or ":memory:" in str(storage)
    return isinstance(storage, str) and not memory
