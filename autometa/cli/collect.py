"""`autometa collect`: evaluate children on tables and write a portfolio."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autometa.cli.ending import tell_lost
from autometa.cli.options import KeepOption, KindOption
from autometa.cli.output import Format, FormatOption, show_json, show_table
from autometa.cli.progress import busy, note, progress
from autometa.cli.reading import left_out, read_tables
from autometa.errors import InputError, without_passwords
from autometa.showing import counted

if TYPE_CHECKING:
    from autometa.collect import Protocol, Report
    from autometa.portfolio import Portfolio
    from autometa.tables import Table


def collect(
    tables: Annotated[
        list[str],
        typer.Argument(
            help="Folders of CSV or Parquet files (an index.csv there may name family, kind and "
            "source), single files, or sklearn:NAME."
        ),
    ],
    into: Annotated[
        Path, typer.Option(help="Folder of the journal and the portfolio; both grow if they exist.")
    ],
    child: Annotated[
        list[str] | None,
        typer.Option("--children", help="A child by name; repeat for several. Default: all."),
    ] = None,
    configs: Annotated[
        list[str] | None,
        typer.Option(
            help="Configs a child, beside its defaults: a number for all, or CHILD=NUMBER; repeat "
            "for several. Default: 64."
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option(help="Rounds of refinement once the design is through.")
    ] = 0,
    each: Annotated[
        list[str] | None,
        typer.Option(help="Configs of a round, like --configs. Default: 16."),
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            help="A portfolio's folder, or embedded: its tables take part in the choice of rounds, "
            "so that --configs 0 --rounds 1 evaluates what they would start with."
        ),
    ] = None,
    derived: Annotated[
        int, typer.Option(help="So many regressions more, made of other columns of the tables.")
    ] = 0,
    folds: Annotated[int, typer.Option(help="Cross-validation folds.")] = 3,
    rows: Annotated[int, typer.Option(help="Subsample larger tables to this many rows.")] = 1500,
    seed: Annotated[int, typer.Option(help="Decides everything random.")] = 0,
    timeout: Annotated[
        float, typer.Option(help="Seconds of processor time for one evaluation.")
    ] = 20.0,
    target: Annotated[str, typer.Option(help="Column to predict, in files.")] = "target",
    kind: KindOption = None,
    keep: KeepOption = None,
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
    A table that cannot be used is left out and named, now and at the end (exit code 3).
    """
    from autometa import children
    from autometa.collect import Collection, Protocol, with_derived
    from autometa.collect.derived import FEWEST_ROWS

    names = tuple(n for names in child or () for n in names.split(",")) or children.names()
    protocol = Protocol(folds=folds, rows=rows, seed=seed)
    lost: list[str] = []
    counts = _counts("configs", configs or [], 64)
    size = _counts("each", each or [], 16)
    given = _usable(read_tables(tables, target, kind, keep, lost), names, protocol, lost)
    with busy("choosing derived tables"):
        loaded = tuple(with_derived(given, derived, into, seed))
    if (made := len(loaded) - len(given)) < derived:
        note(
            f"{made} of {derived} derived tables: the folder was begun with no more, or no further "
            f"table has {FEWEST_ROWS} rows and a number column that the others predict"
        )
    collection = Collection(
        tables=loaded,
        folder=into,
        children=names,
        configs=counts,
        rounds=rounds,
        each=size,
        protocol=protocol,
        prior=None if prior is None else _opened(prior, names),
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
    with busy("writing the portfolio"):
        portfolio = collection.portfolio(licence=licence)
        kept = _trials(collection.save(portfolio)) - _trials(portfolio)
    if kept:
        note(f"{into} keeps what else it held: {counted(kept, 'trial')}")
    for name, reasons in collection.failures().items():
        told, times = reasons.most_common(1)[0]
        said = f"{name}: {counted(reasons.total(), 'trial')} failed, {times:,} by: {told}"
        note(" ".join(said.split()))
    _show(portfolio, into, output, lost)
    tell_lost(lost)


def _usable(
    tables: list[Table], names: Sequence[str], protocol: Protocol, lost: list[str]
) -> list[Table]:
    """The tables that can be collected, as long as there is one."""
    from autometa.children import get
    from autometa.collect import check_table

    known = [get(name).name for name in names]  # a wrong name is no table's fault
    usable = []
    for table in tables:
        try:
            check_table(table, known, protocol)
            usable.append(table)
        except InputError as error:
            if len(tables) == 1:
                raise
            left_out(lost, table.name, error)
    if not usable:
        raise InputError(f"none of {len(tables)} tables can be collected; the first: {lost[0]}")
    return usable


def _opened(prior: str, names: Sequence[str]) -> Portfolio:
    """The portfolio that a text names; what ships of some children where it is "embedded"."""
    from autometa.portfolio.store.shipped import embedded_names
    from autometa.priors.opening import EMBEDDED, open_portfolio

    with busy("reading the prior"):
        if prior != EMBEDDED:
            return open_portfolio(prior)
        return open_portfolio([f"{EMBEDDED}:{n}" for n in names if n in embedded_names()])


def _counts(option: str, given: Sequence[str], default: int) -> dict[str, int]:
    """Numbers by child, "" for all others.

    Raises:
        InputError: something else than a number or CHILD=NUMBER.
    """
    counts = {"": default}
    for text in (part for words in given for part in words.split(",")):
        child, _, number = text.rpartition("=")
        if not number.isdecimal():
            raise InputError(f"--{option} {text}", allowed="a number, or CHILD=NUMBER")
        counts[child] = int(number)
    return counts


def _command() -> str:
    """The command as typed, without passwords and machines: paths are cut to their last part."""
    words = map(without_passwords, sys.argv[1:])
    return shlex.join(["autometa", *(Path(w).name if "/" in w else w for w in words)])


@contextmanager
def _progress() -> Iterator[Report]:
    with progress("evaluations") as show:
        yield lambda now: show("collecting", now.done, now.total, f"{now.failed} failed")


def _trials(portfolio: Portfolio) -> int:
    return sum(map(len, portfolio.histories))


def _show(portfolio: Portfolio, into: Path, output: Format, lost: Sequence[str]) -> None:
    """What was collected, a line a child, on stdout."""
    rows: list[tuple[str, int, int, int]] = []
    for space in portfolio.spaces:
        histories = portfolio.select(space).histories
        trials = sum(map(len, histories))
        failed = trials - sum(int(h.complete.sum()) for h in histories)
        rows.append((space.name, len(histories), trials, failed))
    columns = ("child", "tables", "trials", "failed")
    if output is Format.JSON:
        listed = [dict(zip(columns, row, strict=True)) for row in rows]
        show_json({"portfolio": str(into), "children": listed, "left_out": list(lost)})
    else:
        show_table(f"portfolio in {into}", columns, rows)
