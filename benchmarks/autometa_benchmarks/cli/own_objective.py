"""`autometa bench own-objective`: users' own objectives, warm from a family by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from autometa.cli.bench import parts
from autometa.cli.loudness import hush_optuna
from autometa.cli.options import DataOption
from autometa.cli.output import Format, FormatOption, check_writable, show_json, show_table
from autometa.cli.progress import note
from autometa.writing import write_whole


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("own-objective")(own_objective)


def own_objective(
    families: Annotated[
        str, typer.Option(help="Whose spaces, separated by commas; all of them by default.")
    ] = "",
    tables: Annotated[str, typer.Option(help="Names of tables; small ones by default.")] = "",
    trials: Annotated[int, typer.Option(min=1, help="Of a search.")] = 25,
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds: 0, 1, ...")] = 1,
    metric: Annotated[
        str, typer.Option(help="Of the objective: balanced_accuracy or neg_log_loss.")
    ] = "balanced_accuracy",
    into: Annotated[
        Path | None,
        typer.Option(help="Results file (JSON); what it has of the same run is not run again."),
    ] = None,
    data: DataOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Search users' own spaces in their own objectives, from a family's name and cold."""
    from autometa.bench.data import folder
    from autometa_benchmarks.own_objective import measuring
    from autometa_benchmarks.own_objective.guides import GUIDES

    check_writable(into)
    hush_optuna()
    done = [] if into is None else measuring.read_cells(into, metric=metric, trials=trials)
    cells = list(done)
    for cell in measuring.measure(
        folder(data, "tables"),
        families=parts(families) or tuple(dict.fromkeys(g.family for g in GUIDES)),
        tables=parts(tables),
        trials=trials,
        seeds=seeds,
        metric=metric,
        done=done,
    ):
        cells.append(cell)
        note(f"{cell.guide} on {cell.table}, {cell.method}: {cell.regret[-1]:.3f}")
        if into is not None:  # at once, so that a run that is ended keeps what it measured
            found = measuring.results(cells, metric=metric, trials=trials)
            write_whole(into, json.dumps(found, indent=1))
    if output is Format.JSON:
        show_json(measuring.results(cells, metric=metric, trials=trials))
        return
    shown = [k for k in measuring.CHECKPOINTS if k <= trials]
    rows = [
        [method, *(f"{a:.3f} / {b:.3f}" for a, b in zip(mean, median, strict=True)), count]
        for method, mean, median, count in measuring.summary(cells)
    ]
    columns = ["method", *(f"@{k}" for k in shown), "cells"]
    show_table("own objectives: mean / median regret", columns, rows)
    show_table(
        "prior by name, the best config on other folds: above 0 is better",
        list(measuring.AGAINST),
        [[f"@{row[0]}", *row[1:]] for row in measuring.against_cold(cells)],
    )
