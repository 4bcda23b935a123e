"""Results of the loop -> a figure: trials to the target along the stream, the loop beside cold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autometa.plots import check_figure_name, save_figure


def save(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw every table as a point, means over seeds, and running means as lines; a panel a child.

    Args:
        records: Of `loop.record`.
        path: File to write; its suffix decides the kind.

    Raises:
        InputError: a suffix that is not drawn.
        StoreError: the file cannot be written.
    """
    check_figure_name(path)
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(r["variant"] for r in records))
    figure = Figure(figsize=(5.0 * len(names), 3.4), layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        own = [r for r in records if r["variant"] == name]
        length = min(len(r["steps"]) for r in own)
        place = np.arange(1, length + 1)
        window = own[0]["window"]
        for arm, label, color in (("warm", "loop", "tab:blue"), ("cold", "cold", "tab:orange")):
            needed = np.mean([r["needed"][arm][:length] for r in own], axis=0)
            axes.plot(place, needed, ".", color=color, alpha=0.5)
            mean = np.convolve(needed, np.ones(window) / window, mode="valid")
            axes.plot(place[window - 1 :], mean, color=color, label=f"{label}, last {window}")
        axes.set(title=f"{name}, {len(own)} seeds", xlabel="table of the stream")
        axes.set_ylim(bottom=0.0)
    panels[0].set_ylabel("trials to 99 % of the best")
    panels[0].legend(fontsize="small")
    save_figure(figure, path)
