"""`autometa loop`: train, feed back, adapt, repeat over a stream of tables."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autometa.cli.loudness import hush_optuna
from autometa.cli.output import Format, FormatOption, show_json, show_table
from autometa.cli.progress import progress

if TYPE_CHECKING:
    from autometa_benchmarks.loop import LoopStep


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("loop")(loop)


def loop(
    tables: Annotated[
        list[str],
        typer.Argument(help="Folders of CSV or Parquet files, single files, or sklearn:NAME."),
    ],
    into: Annotated[
        Path, typer.Option(help="Folder of the portfolio that grows; continued if it exists.")
    ],
    child: Annotated[str, typer.Option(help="What to tune.")] = "hist_gradient_boosting",
    tasks: Annotated[
        int | None,
        typer.Option(help="So many tables, one a family, in a fixed order. Default: as given."),
    ] = None,
    trials: Annotated[int, typer.Option(help="Trials of each search.", min=1)] = 30,
    seed: Annotated[int, typer.Option(help="Of searches and folds.", min=0)] = 0,
    target: Annotated[str, typer.Option(help="Column to predict, in files.")] = "target",
    results: Annotated[
        Path | None, typer.Option(help="JSON file; records of other children or seeds in it stay.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Figure: .svg, .png or .pdf.")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Tune one table after another, each search started from all before it, beside cold ones.

    The portfolio starts empty, so what the last tables gain is what the loop has learned. Stop it
    when you like: the same command goes on from there.
    """
    from autometa.collect.sources import load_tables
    from autometa.plots import check_figure_name
    from autometa_benchmarks import loop as looping

    if plot is not None:
        check_figure_name(plot)
    hush_optuna()
    chosen = load_tables(tables, target=target)
    if tasks is not None:
        chosen = looping.stream(chosen, tasks)
    try:
        with progress("tables") as bar:
            steps = looping.run(
                chosen,
                into,
                child=child,
                trials=trials,
                seed=seed,
                progress=lambda step, done: bar("loop", done, len(chosen), _told(step)),
            )
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on from here\n")
        raise typer.Exit(130) from None
    record = looping.record(steps, child=child, seed=seed)
    if results is not None:
        looping.add_records(results, [record])
    if plot is not None:
        from autometa_benchmarks.loop_figure import save

        save([record] if results is None else looping.records(results), plot)
    if output is Format.JSON:
        show_json(record)
    else:
        _show(record, steps)


def _told(step: LoopStep) -> str:
    return f"{step.table}: {step.needed(step.warm)} trials, cold {step.needed(step.cold)}"


def _show(record: dict[str, Any], steps: list[LoopStep]) -> None:
    rows = [[s.table, s.prior_tasks, s.needed(s.warm), s.needed(s.cold)] for s in steps]
    show_table("trials to 99 % of the best", ("table", "prior tasks", "loop", "cold"), rows)
    window = record["window"]
    parts = [
        [arm, record[arm]["first"]["mean"], record[arm]["last"]["mean"], record[arm]["fall"]]
        for arm in ("warm", "cold")
    ]
    show_table("means", ("search", f"first {window}", f"last {window}", "last / first"), parts)
    fall = record["fall_against_cold"]
    typer.echo(
        f"against cold, the last {window} tables need {fall['value']:.2f} of the trials of the "
        f"first {window} (95 %: {fall['low']:.2f} to {fall['high']:.2f})"
    )
