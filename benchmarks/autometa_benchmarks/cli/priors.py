"""`autometa bench record` and `refit`: a prior evaluated anew; one more task in a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autometa.cli.options import DataOption
from autometa.cli.output import Format, FormatOption, show_json, show_table
from autometa.cli.progress import progress
from autometa.errors import InputError


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("record")(record)
    group.command("refit")(refit)


def record(
    suite: Annotated[str, typer.Argument(help="A suite whose prior is recorded: games, solver.")],
    into: Annotated[Path, typer.Option(help="Folder of the portfolio that grows.")],
    evaluations: Annotated[int, typer.Option(min=1, help="Random configs of every task.")] = 20,
    output: FormatOption = Format.TABLE,
) -> None:
    """Evaluate random configs of every task of a suite: the prior that its runs take.

    Finished evaluations are kept: stop it when you like, and the same command goes on from there.
    """
    from autometa.bench import suites
    from autometa_benchmarks.suites.recorded import Recorded
    from autometa_benchmarks.suites.recorded import record as record_prior

    loaded = suites.load(suite)
    if not isinstance(loaded, Recorded):
        raise InputError(f"suite {suite!r} records no prior", allowed="games, solver")
    with progress("evaluations") as bar:
        found = record_prior(
            loaded, into, evaluations, lambda done, total, text: bar(suite, done, total, text)
        )
    trials = sum(map(len, found.histories))
    if output is Format.JSON:
        show_json({"tasks": len(found), "evaluations": trials})
    else:
        typer.echo(f"{len(found)} tasks with {trials} evaluations")


def refit(
    suite: Annotated[str, typer.Argument(help="A suite whose tasks share a space.")],
    data: DataOption = None,
    evaluations: Annotated[int, typer.Option(help="Of every task.", min=3)] = 200,
    into: Annotated[Path | None, typer.Option(help="Results file (JSON).")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """What adding one task to a meta-model costs, beside a whole fit."""
    from autometa.bench import show
    from autometa_benchmarks.refit import measure

    results = measure(suite, data, evaluations=evaluations)
    if into is not None:
        show.save(results, into)
    if output is Format.JSON:
        show_json(results)
    else:
        rows = [[name, results[name]] for name in results if not isinstance(results[name], dict)]
        show_table("one more task, beside a whole fit", ["what", "value"], rows)
