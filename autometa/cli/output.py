"""Results on stdout: a table for people, JSON for programs. All tables are drawn here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from autometa.bench.journal import Cell
    from autometa.bench.runner import Progress

WIDE = 200  # columns where the output is no terminal, so that a file's lines are not folded


class Format(StrEnum):
    """How a command shows its result."""

    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[
    Format, typer.Option("--format", "-f", help="A table for people or JSON for programs.")
]


def show_json(data: Any) -> None:
    """One JSON document; numbers that JSON has no word for must be None already."""
    typer.echo(json.dumps(data, indent=2, allow_nan=False))


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; numbers to the right, None as a dash."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    listed = [list(row) for row in rows]
    # Text, not str: a data set named "[a]" is a name and no mark-up.
    table = Table(title=Text(title), title_justify="left")
    for j, column in enumerate(columns):
        numeric = all(isinstance(row[j], int | float | None) for row in listed)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        table.add_row(*(Text(_cell(value)) for value in row))
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


@contextmanager
def cell_progress() -> Iterator[Progress]:
    """A bar on stderr where that is a terminal, else nothing."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:
        shown = bar.add_task("cells", total=None)

        def advance(done: int, total: int, cell: Cell) -> None:
            bar.update(
                shown, completed=done, total=total, description=f"{cell.method} on {cell.task}"
            )

        yield advance
