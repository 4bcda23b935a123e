"""`autometa bench own-objective`: users' own objectives, warm from a family by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autometa.cli.bench import parts
from autometa.cli.options import DataOption
from autometa.cli.output import Format, FormatOption, check_writable, show_json, show_table
from autometa.cli.progress import note


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
    into: Annotated[Path | None, typer.Option(help="Results file (JSON).")] = None,
    data: DataOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Search users' own spaces in their own objectives, from a family's name and cold."""
    import json

    from autometa.bench.data import folder
    from autometa.writing import write_whole
    from autometa_benchmarks.own_objective.guides import GUIDES
    from autometa_benchmarks.own_objective.measuring import CHECKPOINTS, measure, summary

    check_writable(into)
    chosen = parts(families) or tuple(dict.fromkeys(g.family for g in GUIDES))
    cells = []
    for cell in measure(
        folder(data, "tables"),
        families=chosen,
        tables=parts(tables),
        trials=trials,
        seeds=seeds,
        metric=metric,
    ):
        cells.append(cell)
        note(f"{cell.guide} on {cell.table}, {cell.method}: {cell.regret[-1]:.3f}")
    rows = [
        {
            "guide": c.guide,
            "table": c.table,
            "method": c.method,
            "seed": c.seed,
            "values": c.values.tolist(),
            "regret": c.regret.tolist(),
        }
        for c in cells
    ]
    if into is not None:
        write_whole(into, json.dumps(rows))
    if output is Format.JSON:
        show_json(rows)
        return
    shown = [f"@{k}" for k in CHECKPOINTS if k <= trials]
    show_table("own objectives: mean / median regret", ["method", *shown, "cells"], summary(cells))
