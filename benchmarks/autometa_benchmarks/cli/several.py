"""`autometa bench several-objectives`: accuracy and training time searched at once."""

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
    group.command("several-objectives")(several_objectives)


def several_objectives(
    methods: Annotated[str, typer.Option(help="Separated by commas; all by default.")] = "",
    problems: Annotated[str, typer.Option(help="lcbench, rbv2_xgboost; both by default.")] = "",
    split: Annotated[str, typer.Option(help="development or test.")] = "test",
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds: 0, 1, ...")] = 1,
    trials: Annotated[int, typer.Option(min=1, help="Of a search.")] = 60,
    evaluations: Annotated[int, typer.Option(min=3, help="Of every prior task.")] = 100,
    tasks: Annotated[int | None, typer.Option(min=1, help="Of a fold, at most.")] = None,
    into: Annotated[
        Path | None,
        typer.Option(help="Results file (JSON); a journal of finished cells lies next to it."),
    ] = None,
    data: DataOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Search for accuracy and training time at once; the hypervolume that is still missing."""
    import json

    from autometa.bench.suite import SPLITS
    from autometa.writing import write_whole
    from autometa_benchmarks.several import measuring
    from autometa_benchmarks.several.problems import problems as every

    check_writable(into)
    one_of("split", split, SPLITS)
    for name in parts(methods):
        one_of("method", name, tuple(measuring.METHODS))
    found = every(data)
    for name in parts(problems):
        one_of("problem", name, tuple(p.name for p in found))
    chosen = {n: m for n, m in measuring.METHODS.items() if n in (parts(methods) or n)}
    journal = None if into is None else into.parent / "cells" / f"{into.stem}.jsonl"
    done = [] if journal is None else measuring.read_cells(journal)
    cells = list(done)
    for cell in measuring.measure(
        [p for p in found if p.name in (parts(problems) or p.name)],
        methods=chosen,
        split=cast("Split", split),
        evaluations=evaluations,
        seeds=seeds,
        trials=trials,
        most=tasks,
        done=done,
    ):
        cells.append(cell)
        if journal is not None:
            measuring.write_cell(journal, cell)
        note(f"{cell.problem} {cell.task}, {cell.method}: {cell.regret[-1]:.3f}")
    results = measuring.summary(cells, split=split, trials=trials, evaluations=evaluations)
    if into is not None:
        write_whole(into, json.dumps(results, indent=1))
    if output is Format.JSON:
        show_json(results)
        return
    shown = [f"@{k}" for k in results["checkpoints"]]
    rows: list[list[Any]] = [
        [name, *(f"{a:.3f} / {b:.3f}" for a, b in zip(row["mean"], row["median"], strict=True))]
        for name, row in results["methods"].items()
    ]
    show_table(
        f"hypervolume regret, mean / median over {results['tasks']} tasks", ["method", *shown], rows
    )
