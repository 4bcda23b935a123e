"""Tables that a command is asked to read; what was done to them on the way in goes to stderr."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autometa.cli.output import is_same
from autometa.cli.progress import busy, note
from autometa.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from autometa.cli.options import KindChoice
    from autometa.errors import AutometaError
    from autometa.tables import Kind, Table


def read_table(
    source: str, target: str | None, kind: KindChoice | None, keep: Sequence[str] | None
) -> Table:
    """As `tables.load_table`."""
    from autometa.tables import load_table

    with busy("reading the table"), _without_warnings():
        table = load_table(source, target, kind=_kind(kind), keep=keep or ())
    _tell(table)
    return table


def read_parts(
    source: str,
    target: str | None,
    kind: KindChoice | None,
    keep: Sequence[str] | None,
    *,
    share: float,
    seed: int,
) -> tuple[Table, pd.DataFrame]:
    """As `tables.holding_out.read_parts`."""
    from autometa.tables.holding_out import read_parts as parts
    from autometa.tables.load import check_kept

    with busy("reading the table"), _without_warnings():
        table, rows = parts(
            source, target, share=share, seed=seed, kind=_kind(kind), keep=keep or ()
        )
        check_kept(keep or (), [table])
    _tell(table)
    note(f"{table.name}: {len(rows)} of {len(table) + len(rows)} rows are held out for the end")
    return table, rows


def read_with_apart(
    source: str,
    test: str | None,
    target: str | None,
    kind: KindChoice | None,
    keep: Sequence[str],
    weights: str | None,
    seed: int,
) -> tuple[Table, tuple[Any, ...] | None]:
    """The table, and what `_parted` makes of rows apart, where there are any."""
    kept = [*keep, *([weights] if weights else ())]
    apart: tuple[Any, ...] | None = None
    if test is not None and (share := _share(test)) is not None:
        data, rows = read_parts(source, target, kind, kept, share=share, seed=seed)
        apart = _parted(rows, "the rows held out", target, weights)
    else:
        data = read_table(source, target, kind, kept)
        if test is not None:
            apart = _read_test(test, target, weights)
            if is_same(Path(test), Path(source)):
                by_heart = "what is learned by heart scores best"
                note(f"the test rows are the rows of the table: {by_heart}")
    data = data if weights is None else data.weighted(weights)
    if apart is not None:
        from autometa.tuning.rows_apart import check_apart

        check_apart(data, apart[0].columns, apart[1])
    return data, apart


def _share(test: str) -> float | None:
    """The share of rows that is asked for; None where it is a table."""
    try:
        return None if Path(test).exists() else float(test)
    except ValueError:
        return None


def _read_test(source: str, target: str | None, weights: str | None) -> tuple[Any, ...]:
    from autometa.tables.load import TARGET, read_rows

    with warned_as_notes():
        rows = read_rows(source, target or TARGET)
    return _parted(rows, f"the test table {source!r}", target, weights)


def _parted(
    rows: pd.DataFrame, what: str, target: str | None, weights: str | None
) -> tuple[Any, ...]:
    """Rows apart, what is true of them, and what they weigh."""
    from autometa.tables.load import TARGET

    name = target or TARGET
    for column in (name, *([weights] if weights else ())):
        if column not in rows.columns:
            raise InputError(f"{what} has no column {column!r}")
    rows = rows[rows[name].notna()]
    if weights is None:
        return rows.drop(columns=name), rows[name]
    return rows.drop(columns=[name, weights]), rows[name], rows[weights]


def read_tables(
    sources: Sequence[str],
    target: str | None,
    kind: KindChoice | None = None,
    keep: Sequence[str] | None = None,
    lost: list[str] | None = None,
) -> list[Table]:
    """As `collect.load_tables`; what is wrong with tables that are left out is added to `lost`."""
    from autometa.collect import load_tables

    with busy("reading the tables"), _without_warnings():
        tables = load_tables(
            sources,
            target=target,
            kind=_kind(kind),
            keep=keep or (),
            broken=None if lost is None else partial(left_out, lost),
        )
    for table in tables:
        _tell(table)
    return tables


def left_out(lost: list[str], name: str, error: AutometaError) -> None:
    """A table cannot be used: say so now, and keep the sentence for the end."""
    sentence = f"{name} is left out: {error}"
    note(sentence)
    lost.append(sentence)


def _kind(kind: KindChoice | None) -> Kind | None:
    return None if kind is None else kind.value


def _tell(table: Table) -> None:
    for sentence in table.notes:
        note(f"{table.name}: {sentence}")


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Without Python's warnings of what the notes say anyway."""
    from autometa.tables import TableWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TableWarning)
        yield


@contextmanager
def warned_as_notes() -> Iterator[None]:
    """Warnings to the user as notes, each once, in place of Python's lines of code."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    told = (w for w in caught if issubclass(w.category, UserWarning))  # no library's deprecations
    for sentence in dict.fromkeys(str(w.message) for w in told):
        note(sentence)
