"""Results on stdout: a table for people, JSON for programs. All tables are drawn here."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from autometa.errors import InputError

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

    class Plain(Console):
        def on_broken_pipe(self) -> None:  # or else it ends the program
            raise

    Plain(width=None if sys.stdout.isatty() else WIDE).print(table)


_ADDRESS = re.compile(r"^(sqlite|journal):///")


def is_same(path: Path, other: Path) -> bool:
    """Whether two paths lead to one file, by whatever names and links."""
    try:
        return path.samefile(other)
    except OSError:  # one of them is not there
        return path.absolute() == other.absolute()


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def check_writable(path: Path | None, *read: str | Path | None, new_folder: bool = False) -> None:
    """Refuse before the work what could not be written after it, or would destroy what is read.

    Args:
        path: To be written; None for nothing.
        *read: Files that the command reads or writes as well, by path or by a storage's address;
            what is no file is passed over.
        new_folder: Whether the folder is made where it is absent.

    Raises:
        InputError: a folder, a device, a file in a folder that is absent or locked, or one of
            those.
    """
    if path is None:
        return
    for other in read:
        if other is not None and is_same(path, Path(_ADDRESS.sub("", str(other)))):
            raise InputError(
                f"{str(path)!r} to be written, which this command also uses as {str(other)!r}",
                allowed="a file of its own",
            )
    if str(path) == "-":
        raise InputError("a file called '-'", allowed="the name of a file")
    folder, other_thing = path.parent, path.exists() and not path.is_file()
    while new_folder and not folder.exists():
        folder = folder.parent
    if other_thing or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(
            f"{str(path)!r} cannot be written",
            allowed="a file in an existing folder that you may write to",
        )
