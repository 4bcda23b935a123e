"""`autometa replay`: would autometa have helped on the user's own finished studies?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autometa.cli.ending import or_told, tell_lost
from autometa.cli.output import Format, FormatOption, check_writable, show_json, show_table
from autometa.cli.progress import busy, note, progress

if TYPE_CHECKING:
    from autometa.replaying import Replay

SHOWN = 5  # studies named in a note


def replay(
    storage: Annotated[
        list[str],
        typer.Argument(
            help="URLs as Optuna reads them, sqlite or journal files, or a portfolio; only read."
        ),
    ],
    names: Annotated[
        list[str] | None,
        typer.Option(help="Name or glob pattern of studies; repeat for several. Default: all."),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(help="First trials that count. Default: half of the smallest study, max 30."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Number of seeds: 0, 1, ...")] = 5,
    studies: Annotated[
        int, typer.Option(help="At most so many are held out, spread evenly over all.")
    ] = 20,
    prior: Annotated[
        str | None,
        typer.Option(help="A family that ships, ...: have your own studies overtaken it?"),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="What the studies' values measure, for --prior.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option(help="Also write everything to this JSON file.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Figure to write: .svg, .png or .pdf.")] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Would this have helped me? Search each finished study again, knowing all the others."""
    from autometa import replaying
    from autometa.bench import show
    from autometa.plots import check_figure_name
    from autometa.priors.opening import open_portfolio
    from autometa.replaying.figure import save_replay

    if plot is not None:
        check_figure_name(plot)
    check_writable(into, plot, *storage, new_folder=True)
    check_writable(plot, into, *storage)
    with busy("reading the studies"):
        portfolio = open_portfolio(storage, names=names)
    with progress("cells") as bar:
        found = replaying.replay(
            portfolio,
            trials=trials,
            seeds=seeds,
            studies=studies,
            prior=prior,
            metric=metric,
            progress=lambda done, total, cell: bar(
                "replay", done, total, f"{cell.method} on {cell.task}"
            ),
            message=note,
        )
    lost: list[str] = []
    if into is not None:
        with or_told(lost, f"the results {str(into)!r}"):
            show.save(found.to_json(), into)
    if plot is not None:
        with or_told(lost, f"the figure {str(plot)!r}"):
            save_replay(found, plot)
    if form is Format.JSON:
        show_json(found.to_json())
    else:
        _show(found)
    tell_lost(lost)


def _show(found: Replay) -> None:
    methods = list(found.results["methods"])
    show_table(
        f"mean regret over the first {found.trials} trials (0 = the study's best config, "
        "1 = its median one)",
        ["study", "recorded", *methods, "trials to match cold"],
        [
            [s.study, s.recorded, *(s.regret[m] for m in methods), s.trials_to_match]
            for s in found.studies
        ],
    )
    show_table(
        "autometa against",
        ["method", "studies won", "tied", "lost", "difference", "95 % from", "to"],
        [
            [m, p["win"], p["tie"], p["loss"], p["difference"], p["low"], p["high"]]
            for m, p in found.against.items()
        ],
    )
    for why, count in Counter(found.left_out.values()).items():
        names = [study for study, reason in found.left_out.items() if reason == why]
        shown = ", ".join(names[:SHOWN]) + ", ..." * (count > SHOWN)
        note(f"{shown} left out: {why}")
    if found.infeasible:
        each = [f"{count} of {study}" for study, count in list(found.infeasible.items())[:SHOWN]]
        total = sum(found.infeasible.values())
        more = ", ..." * (len(found.infeasible) > SHOWN)
        note(f"{total} trials are infeasible and count as failed: {', '.join(each)}{more}")
    typer.echo(found.verdict)
