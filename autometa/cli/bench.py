"""`autometa bench`: compare methods on public benchmarks."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer
import typer.core

from autometa.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autometa.bench.journal import Cell
    from autometa.bench.runner import Progress

_DEFAULT_METHODS = "autometa,random,cold-tpe,cold-gp,greedy-portfolio,enqueue3-tpe,enqueue3-gp"


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        cls=_RunUnlessNamed, help="Compare methods on public benchmarks.", no_args_is_help=True
    )
    group.command("run")(run)
    group.command("table")(table)
    group.command("plot")(plot)
    group.command("list")(list_all)
    app.add_typer(group, name="bench")


class _RunUnlessNamed(typer.core.TyperGroup):
    """`autometa bench lcbench` means `autometa bench run lcbench`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name in front of what is not one."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["run", *args]
        return super().parse_args(ctx, args)


def run(
    suite: Annotated[str, typer.Argument(help="Name of a suite; `autometa bench list` has all.")],
    methods: Annotated[
        str, typer.Option(help='Methods, separated by commas, or "all".')
    ] = _DEFAULT_METHODS,
    data: Annotated[
        Path | None, typer.Option(help="Root of the public data. Default: AUTOMETA_DATA.")
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(help="Results file (JSON); a journal of finished cells lies next to it."),
    ] = None,
    split: Annotated[str, typer.Option(help="development or test.")] = "test",
    tasks: Annotated[str, typer.Option(help="Only these tasks, separated by commas.")] = "",
    seeds: Annotated[int, typer.Option(help="Number of seeds: 0, 1, ...")] = 5,
    trials: Annotated[
        int | None, typer.Option(help="Trials of every study. Default: to the last checkpoint.")
    ] = None,
    evaluations: Annotated[
        str | None,
        typer.Option(help="Evaluations of every prior task, or all. Default: the suite's own."),
    ] = None,
    reference: Annotated[
        str, typer.Option(help="The method that the others are paired with.")
    ] = "autometa",
    again: Annotated[str, typer.Option(help="Methods to run again though they are finished.")] = "",
    workers: Annotated[int, typer.Option(help="Processes, each with one thread.")] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address of a running Dask scheduler; it has no login, keep it private."),
    ] = None,
    output: Annotated[str, typer.Option("-f", "--format", help="table or json.")] = "table",
) -> None:
    """Run methods side by side on the tasks of a suite.

    Finished cells are kept: stop it when you like, and the same command goes on from there.
    """
    from autometa.bench import methods as known
    from autometa.bench import show
    from autometa.bench.runner import run as run_suite
    from autometa.bench.suite import SPLITS, Split

    _one_of("split", split, SPLITS)
    _one_of("format", output, ("table", "json"))
    with _progress() as progress:
        results = run_suite(
            suite,
            known.names() if methods == "all" else _listed(methods),
            data=data,
            split=cast("Split", split),
            tasks=_listed(tasks),
            seeds=range(seeds),
            trials=trials,
            evaluations=_evaluations(evaluations),
            reference=reference,
            cells=None if into is None else journal_of(into, suite),
            again=_listed(again),
            workers=workers,
            scheduler=scheduler,
            progress=progress,
            message=_message,
        )
    if into is not None:
        show.save(results, into)
    _print(results, output)


def table(
    files: Annotated[list[Path], typer.Argument(help="Results that `autometa bench run` wrote.")],
    measures: Annotated[
        str, typer.Option(help="mean_regret, median_regret, mean_rank; separated by commas.")
    ] = "mean_regret,median_regret",
    page: Annotated[
        Path | None,
        typer.Option(
            "--into",
            help="Markdown file with <!-- bench:begin NAME --> and <!-- bench:end NAME --> lines, "
            "NAME being the results file's without .json; the tables go between them.",
        ),
    ] = None,
) -> None:
    """Turn results into Markdown tables."""
    from autometa.bench import show

    chosen = _listed(measures)
    for measure in chosen:
        _one_of("measure", measure, tuple(show.MEASURES))
    texts = {path: show.markdown(show.load(path), chosen) for path in files}
    if page is None:
        typer.echo("\n\n".join(texts.values()), nl=False)
        return
    if not page.exists():
        raise InputError(f"{page} does not exist", allowed="a Markdown file")
    written = page.read_text(encoding="utf-8")
    for path, text in texts.items():
        written = show.replace_between_markers(written, path.stem, text)
    page.write_text(written, encoding="utf-8")


def plot(
    file: Annotated[Path, typer.Argument(help="Results that `autometa bench run` wrote.")],
    into: Annotated[Path, typer.Option(help="Figure to write: .svg, .png or .pdf.")],
) -> None:
    """Draw mean regret against trials."""
    from autometa.bench import show
    from autometa.bench.figure import save_regret

    save_regret(show.load(file), into)


def list_all() -> None:
    """List suites and methods."""
    from autometa.bench import methods, suites

    typer.echo("suites")
    for name in suites.names():
        typer.echo(f"  {name:<22} {suites.about(name)}")
    typer.echo("methods")
    for name in methods.names():
        method = methods.get(name)
        missing = method.missing()
        typer.echo(
            f"  {name:<22} {method.about}" + (f" (needs {', '.join(missing)})" if missing else "")
        )


def journal_of(results: Path, suite: str) -> Path:
    """Where finished cells are kept: one journal a suite, shared by all results in a folder."""
    return results.parent / "cells" / f"{suite}.jsonl"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _one_of(what: str, given: str, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        raise InputError(f"{what} {given!r}", allowed=", ".join(allowed))


def _evaluations(text: str | None) -> int | Literal["all"] | None:
    if text is None or text == "all":
        return cast("Literal['all'] | None", text)
    if not text.isdigit() or int(text) < 1:
        raise InputError(f"evaluations {text!r}", allowed="a number above 0, or all")
    return int(text)


def _message(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@contextmanager
def _progress() -> Iterator[Progress]:
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


def _print(results: dict[str, Any], output: str) -> None:
    if output == "json":
        typer.echo(json.dumps(results, indent=1))
        return
    from rich.console import Console

    from autometa.bench import show

    console = Console()
    for measure in show.MEASURES:
        console.print(show.terminal_table(results, measure))
    pairs = show.pairs_table(results)
    if pairs is not None:
        console.print(pairs)
