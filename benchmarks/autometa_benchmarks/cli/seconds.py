"""`autometa bench seconds`: regret after equal simulated seconds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from autometa.cli.bench import one_of, parts
from autometa.cli.options import DataOption
from autometa.cli.output import Format, FormatOption, check_writable, show_json, show_table
from autometa.cli.progress import note

if TYPE_CHECKING:
    from autometa.bench.suite import Split


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("seconds")(seconds)


def seconds(
    problems: Annotated[str, typer.Option(help="lcbench, rbv2_xgboost; both by default.")] = "",
    split: Annotated[str, typer.Option(help="development or test.")] = "test",
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds: 0, 1, ...")] = 1,
    evaluations: Annotated[int, typer.Option(min=3, help="Of every prior task.")] = 100,
    tasks: Annotated[int | None, typer.Option(min=1, help="Of a fold, at most.")] = None,
    into: Annotated[
        Path | None,
        typer.Option(help="Results file (JSON); a journal of finished cells lies next to it."),
    ] = None,
    data: DataOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Search against a simulated clock: regret after 10, 30 and 100 % of a budget of seconds."""
    import json

    from autometa.bench.suite import SPLITS
    from autometa.writing import write_whole
    from autometa_benchmarks.several import measuring
    from autometa_benchmarks.several.problems import problems as every
    from autometa_benchmarks.several.seconds import SHARES, measure_seconds

    check_writable(into)
    one_of("split", split, SPLITS)
    found = every(data)
    for name in parts(problems):
        one_of("problem", name, tuple(p.name for p in found))
    journal = None if into is None else into.parent / "cells" / f"{into.stem}.jsonl"
    done = [] if journal is None else measuring.read_cells(journal)
    cells = list(done)
    for cell in measure_seconds(
        [p for p in found if p.name in (parts(problems) or p.name)],
        split=cast("Split", split),
        evaluations=evaluations,
        seeds=seeds,
        most=tasks,
        done=done,
    ):
        cells.append(cell)
        if journal is not None:
            measuring.write_cell(journal, cell)
        note(f"{cell.problem} {cell.task}, {cell.method}: {cell.regret[-1]:.3f}")
    results = measuring.summary(cells, checkpoints=SHARES, split=split, evaluations=evaluations)
    if into is not None:
        write_whole(into, json.dumps(results, indent=1))
    if output is Format.JSON:
        show_json(results)
        return
    rows: list[list[Any]] = [
        [name, *(f"{a:.3f} / {b:.3f}" for a, b in zip(row["mean"], row["median"], strict=True))]
        for name, row in results["methods"].items()
    ]
    shown = [f"{share:.0%}" for share in SHARES]
    show_table(
        f"regret after shares of a budget of seconds, mean / median over {results['tasks']} tasks",
        ["method", *shown],
        rows,
    )
