"""`autometa explain`: why each trial of a study was tried, read back from the study itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autometa.cli.ending import or_told, tell_lost
from autometa.cli.output import Format, FormatOption, check_writable, show_json, show_table
from autometa.cli.progress import note
from autometa.cli.storage import StorageOption, load_study, studies_of

if TYPE_CHECKING:
    from autometa.samplers.explanation import Explanation

SHOWN = 3  # prior tasks named a trial in the table
MOST_NUMBERS = 10


def explain(
    study: Annotated[str, typer.Argument(help="Name of the study.")],
    storage: StorageOption,
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
        check_writable(plot, storage)
    with studies_of(storage) as studies:
        loaded = load_study(study, studies)
        explained = explain_study(loaded)
        start, names = loaded.user_attrs.get(START, ""), loaded.user_attrs.get(NAMES, [])
    lost: list[str] = []
    if plot is not None:
        with or_told(lost, f"the figure {str(plot)!r}"):
            figure = plot_weights(explained).get_figure(root=True)
            assert figure is not None
            save_figure(figure, plot)
    if output is Format.JSON:
        trials = [e.to_json() for e in explained]
        show_json({"study": study, "start": start, "names": names, "trials": trials})
    else:
        _show(study, explained, [start, *names])
    tell_lost(lost)


def _show(study: str, explained: Sequence[Explanation], notes: Sequence[Any]) -> None:
    for line in filter(None, notes):
        note(str(line))
    show_table(
        f"study {study}",
        ["trial", "value", "rule", "prior tasks' say", "heaviest prior tasks", "moved", "why"],
        [
            [
                e.number,
                _value(e),
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


def _value(explained: Explanation) -> float | str | None:
    """What a trial found, or why it found nothing."""
    if explained.state == "complete" and len(explained.values) == 1:
        return explained.value
    found = ", ".join("-" if v is None else f"{v:.5g}" for v in explained.values)
    return found if explained.state == "complete" else f"{explained.state} {found}".strip()
