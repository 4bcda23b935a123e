"""`autometa explain`: why each trial of a study was tried, read back from the study itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autometa.cli.output import Format, FormatOption, show_json, show_table
from autometa.cli.progress import note
from autometa.cli.storage import load_study

SHOWN = 3  # prior tasks named a trial in the table
MOST_NUMBERS = 10


def explain(
    study: Annotated[str, typer.Argument(help="Name of the study.")],
    storage: Annotated[str, typer.Option(help="Optuna storage URL, such as sqlite:///tuning.db.")],
    plot: Annotated[
        Path | None, typer.Option(help="SVG or PNG of the prior tasks' weights over the trials.")
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Say which rule, and which prior tasks, decided each trial of a study."""
    from autometa.plots import check_figure_name, plot_weights, save_figure
    from autometa.priors.beginning import NAMES, START
    from autometa.samplers.explanation import explain_study

    if plot is not None:
        check_figure_name(plot)
    loaded = load_study(study, storage)
    explained = explain_study(loaded)
    start, names = loaded.user_attrs.get(START, ""), loaded.user_attrs.get(NAMES, [])
    if plot is not None:
        figure = plot_weights(explained).get_figure(root=True)
        assert figure is not None
        save_figure(figure, plot)
    if output is Format.JSON:
        trials = [e.to_json() for e in explained]
        show_json({"study": study, "start": start, "names": names, "trials": trials})
        return
    for line in filter(None, [start, *names]):
        note(str(line))
    show_table(
        f"study {study}",
        ["trial", "value", "rule", "prior tasks' say", "heaviest prior tasks", "moved", "why"],
        [
            [
                e.number,
                e.value,
                e.rule,
                e.transfer,
                ", ".join(f"{n} {w:+.2f}" for n, w in list(e.weights.items())[:SHOWN]),
                ", ".join(e.moved),
                e.reason,
            ]
            for e in explained
        ],
    )
    broken = [str(e.number) for e in explained if e.infeasible]
    if broken:
        shown = ", ".join(broken[:MOST_NUMBERS]) + ", ..." * (len(broken) > MOST_NUMBERS)
        note(
            f"{len(broken)} of {len(explained)} trials are infeasible and count as failed: {shown}"
        )
