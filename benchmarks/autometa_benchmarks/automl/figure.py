"""Mean rank and relative score of each system by the seconds that it was given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autometa.plots import save_figure


def draw(results: Mapping[str, Any], path: Path) -> Path:
    """Write the figure of some results."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for system in results["systems"]:
        rows = [
            (at["seconds"], row["rank"], row["score"])
            for at in results["times"]
            for row in at["rows"]
            if row["system"] == system
        ]
        seconds = [row[0] for row in rows]
        left.plot(seconds, [row[1] for row in rows], marker="o", label=system)
        right.plot(seconds, [row[2] for row in rows], marker="o", label=system)
    left.set(xlabel="seconds asked for", ylabel="mean rank (1 is best)", xscale="log")
    left.invert_yaxis()
    right.set(xlabel="seconds asked for", ylabel="score, 0 worst to 1 best system", xscale="log")
    right.legend(fontsize=8, frameon=False)
    save_figure(figure, path)
    return path
