"""Results -> a figure: mean normalised regret against trials, one line a method."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autometa.bench.show import title
from autometa.plots import check_figure_name, save_figure


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
