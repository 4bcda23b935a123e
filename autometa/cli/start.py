"""`autometa start`: where the perceptron starts, learned on the user's tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autometa.cli.ending import tell_lost
from autometa.cli.loudness import Loudness, loudness
from autometa.cli.options import KeepOption
from autometa.cli.output import Format, FormatOption, show_json
from autometa.cli.progress import note
from autometa.cli.reading import read_tables
from autometa.showing import counted


def start(
    tables: Annotated[
        list[str],
        typer.Argument(
            help="Folders of CSV or Parquet files, single files, or sklearn:NAME; regressions and "
            "tables with fewer than 200 rows are left out."
        ),
    ],
    into: Annotated[Path, typer.Option(help="Folder of the start.")],
    target: Annotated[str, typer.Option(help="Column to predict, in files.")] = "target",
    keep: KeepOption = None,
    iterations: Annotated[int, typer.Option(help="Outer updates.", min=1)] = 2000,
    seed: Annotated[int, typer.Option(help="Of the network and the episodes.", min=0)] = 0,
    output: FormatOption = Format.TABLE,
) -> None:
    """Learn where `tune --child mlp@FOLDER` starts training and how fast each layer moves."""
    from autometa.children.starts.learning import learn_start_on, usable
    from autometa.inner import fitted, store

    lost: list[str] = []
    loaded = read_tables(tables, target, keep=keep, lost=lost)
    fit = [table for table in loaded if usable(table)]
    for table in loaded:
        if not usable(table):
            note(f"{table.name}: left out, not a classification with 200 rows or more")
    if fit:
        store.made(into, fitted.KIND)  # refused before minutes are spent on it
    progress = loudness() is not Loudness.QUIET
    learn_start_on(fit, iterations=iterations, seed=seed, progress=progress).save(into)
    if output is Format.JSON:
        show_json({"start": str(into), "tables": [table.name for table in fit], "left_out": lost})
    else:
        typer.echo(
            f"learned on {counted(len(fit), 'table')}; "
            f"use it with: autometa tune ... --child mlp@{into}"
        )
    tell_lost(lost)
