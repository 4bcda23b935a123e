"""Results -> figures: mean normalised regret against trials, one line a method; a replay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autometa.bench.show import title
from autometa.plots import check_figure_name, save_figure
from autometa.plots.figure import COLD, OTHER, WARM

if TYPE_CHECKING:
    from autometa.bench.replay import Replay


def save_regret(results: Mapping[str, Any], path: Path) -> None:
    """Draw the mean over tasks and seeds after every trial, and the medians at the checkpoints.

    Args:
        results: Of `autometa.bench.run`.
        path: File to write; its suffix decides the kind.

    Raises:
        InputError: a suffix that is not drawn.
        StoreError: the file cannot be written.
    """
    check_figure_name(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    mean, median = figure.subplots(1, 2, sharex=True)
    for name, found in results["methods"].items():
        style = {"label": name, "linewidth": 2.5 if name == "autometa" else 1.2}
        mean.plot(range(1, len(found["curve"]) + 1), found["curve"], **style)
        median.plot(results["checkpoints"], found["median_regret"], marker=".", **style)
    for axes, what in ((mean, "mean"), (median, "median")):
        axes.set(xlabel="trials", ylabel=f"{what} normalised regret", xscale="log")
        axes.axhline(0.0, color="grey", linewidth=0.6)
        axes.set_ylim(top=1.0)
    median.legend(fontsize="small")
    figure.suptitle(title(results), fontsize="medium")
    save_figure(figure, path)


def save_replay(found: Replay, path: Path) -> None:
    """Draw mean regret after every trial, and every study: autometa against the cold search.

    Args:
        found: Of `autometa.bench.replay.replay`.
        path: File to write; its suffix decides the kind.

    Raises:
        InputError: a suffix that is not drawn.
        StoreError: the file cannot be written.
    """
    check_figure_name(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    mean, each = figure.subplots(1, 2)
    colors = {"autometa": WARM, "cold-tpe": COLD}
    dashes = {"as-recorded": "--", "random": ":"}
    for name, method in found.results["methods"].items():
        mean.plot(
            range(1, found.trials + 1),
            method["curve"],
            label=name,
            color=colors.get(name, OTHER),
            linestyle=dashes.get(name, "-"),
            linewidth=2.2 if name == "autometa" else 1.2,
        )
    mean.set(xlabel="trials", ylabel="mean regret", title="Mean over studies")
    mean.legend(fontsize="small")
    cold, warm = ([s.regret[m] for s in found.studies] for m in ("cold-tpe", "autometa"))
    each.plot(cold, warm, "o", color=WARM, alpha=0.8)
    each.axline((0, 0), slope=1, color=OTHER, linewidth=0.8)
    each.set(
        xlabel="cold-tpe: mean regret",
        ylabel="autometa: mean regret",
        title="Each study; below the line autometa is better",
    )
    figure.suptitle(f"your studies, first {found.trials} trials", fontsize="medium")
    save_figure(figure, path)
