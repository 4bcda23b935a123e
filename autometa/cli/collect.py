"""`autometa collect`: evaluate children on tables and write a portfolio."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autometa.cli.output import Format, FormatOption, show_json, show_table
from autometa.errors import without_passwords

if TYPE_CHECKING:
    from autometa.collect import Progress, Report
    from autometa.portfolio import Portfolio

LINE_EVERY = 30.0  # seconds between two lines of progress where there is no terminal


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("collect")(collect)


def collect(
    tables: Annotated[
        list[str],
        typer.Argument(
            help="Folders of CSV or Parquet files (an index.csv there may name family, kind and "
            "source), single files, or sklearn:NAME."
        ),
    ],
    into: Annotated[
        Path, typer.Option(help="Folder of the journal and the portfolio; continued if it exists.")
    ],
    child: Annotated[
        list[str] | None,
        typer.Option("--children", help="A child by name; repeat for several. Default: all."),
    ] = None,
    configs: Annotated[int, typer.Option(help="Configs a child, beside its defaults.")] = 64,
    folds: Annotated[int, typer.Option(help="Cross-validation folds.")] = 3,
    rows: Annotated[int, typer.Option(help="Subsample larger tables to this many rows.")] = 1500,
    seed: Annotated[int, typer.Option(help="Decides everything random.")] = 0,
    timeout: Annotated[float, typer.Option(help="Seconds for one evaluation.")] = 20.0,
    target: Annotated[str, typer.Option(help="Column to predict, in files.")] = "target",
    workers: Annotated[
        int | None, typer.Option(help="Processes on this machine. Default: one a core.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address of a running Dask scheduler; it has no login, keep it private."),
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence of the results, noted in them.")] = "",
    finish_partial: Annotated[
        bool, typer.Option("--finish-partial", help="Write what is there, evaluate nothing.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Evaluate children on tables and write the results as a portfolio.

    Every result is kept at once: stop it when you like, and the same command goes on from there.
    """
    from autometa.collect import Collection, Protocol, load_tables

    collection = Collection(
        tables=tuple(load_tables(tables, target=target)),
        folder=into,
        children=tuple(n for names in child or () for n in names.split(",")),
        configs=configs,
        protocol=Protocol(folds=folds, rows=rows, seed=seed),
    )
    if not finish_partial:
        try:
            with _progress() as report:
                collection.run(
                    timeout=timeout,
                    processes=workers,
                    scheduler=scheduler,
                    report=report,
                    command=_command(),
                )
        except KeyboardInterrupt:
            sys.stderr.write("stopped; the same command goes on from here\n")
            raise typer.Exit(130) from None
    portfolio = collection.portfolio(licence=licence)
    portfolio.save(into)
    _show(portfolio, into, output)


def _command() -> str:
    """The command as typed, without passwords and machines: paths are cut to their last part."""
    words = map(without_passwords, sys.argv[1:])
    return shlex.join(["autometa", *(Path(w).name if "/" in w else w for w in words)])


@contextmanager
def _progress() -> Iterator[Report]:
    """A bar with rate and time left on a terminal, else a line every half minute, on stderr."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("collecting"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        row = bar.add_task("", total=None, note="")
        yield lambda now: bar.update(row, total=now.total, completed=now.done, note=_note(now))


class _Lines:
    """Progress for a log file."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, now: Progress) -> None:
        if time.monotonic() >= self._next or now.done == now.total:
            self._next = time.monotonic() + LINE_EVERY
            sys.stderr.write(f"{now.done} of {now.total} evaluations, {_note(now)}\n")
            sys.stderr.flush()


def _note(now: Progress) -> str:
    minutes = "" if now.left is None else f", {now.left / 60:.0f} min left"
    return f"{now.failed} failed, {now.rate:.1f}/s{minutes}"


def _show(portfolio: Portfolio, into: Path, output: Format) -> None:
    """What the portfolio holds, a line a child, on stdout."""
    rows: list[tuple[str, int, int, int]] = []
    for space in portfolio.spaces:
        histories = portfolio.select(space).histories
        trials = sum(map(len, histories))
        failed = trials - sum(int(h.complete.sum()) for h in histories)
        rows.append((space.name, len(histories), trials, failed))
    columns = ("child", "tables", "trials", "failed")
    if output is Format.JSON:
        listed = [dict(zip(columns, row, strict=True)) for row in rows]
        show_json({"portfolio": str(into), "children": listed})
    else:
        show_table(f"portfolio in {into}", columns, rows)
