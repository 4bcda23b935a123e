"""`autometa bench own-objective`: users' own objectives, warm from a family by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autometa.cli.bench import parts
from autometa.cli.options import DataOption
from autometa.cli.output import Format, FormatOption, check_writable, show_json, show_table
from autometa.cli.progress import note
from autometa.writing import write_whole

if TYPE_CHECKING:
    from autometa_benchmarks.own_objective.measuring import Cell


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
    from autometa.bench.data import folder
    from autometa_benchmarks.own_objective.guides import GUIDES
    from autometa_benchmarks.own_objective.measuring import (
        CHECKPOINTS,
        against_cold,
        measure,
        summary,
    )

    check_writable(into)
    chosen = parts(families) or tuple(dict.fromkeys(g.family for g in GUIDES))
    cells: list[Cell] = []
    rows: list[dict[str, Any]] = []
    for cell in measure(
        folder(data, "tables"),
        families=chosen,
        tables=parts(tables),
        trials=trials,
        seeds=seeds,
        metric=metric,
    ):
        cells.append(cell)
        rows.append(_row(cell))
        if into is not None:  # at once, so that a run that is ended keeps what it measured
            write_whole(into, json.dumps(rows))
        note(f"{cell.guide} on {cell.table}, {cell.method}: {cell.regret[-1]:.3f}")
    if output is Format.JSON:
        show_json(rows)
        return
    shown = [f"@{k}" for k in CHECKPOINTS if k <= trials]
    show_table("own objectives: mean / median regret", ["method", *shown, "cells"], summary(cells))
    columns = ["prior by name", "against", "points", "low", "high", "tables"]
    show_table("the best config on other folds, above 0 is better", columns, against_cold(cells))


def _row(cell: Cell) -> dict[str, Any]:
    return {
        "guide": cell.guide,
        "table": cell.table,
        "method": cell.method,
        "seed": cell.seed,
        "values": cell.values.tolist(),
        "regret": cell.regret.tolist(),
        "judged": cell.judged.tolist(),
    }
