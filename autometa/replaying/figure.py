"""A replay -> its picture: mean regret after every trial, and study by study."""

from __future__ import annotations

from pathlib import Path

from autometa.plots import check_figure_name, save_figure
from autometa.plots.figure import COLD, OTHER, WARM
from autometa.replaying.found import Replay


def save_replay(found: Replay, path: Path) -> None:
    """Draw mean regret after every trial, and every study: autometa against the cold search.

    Args:
        found: Of `autometa.replay`.
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
