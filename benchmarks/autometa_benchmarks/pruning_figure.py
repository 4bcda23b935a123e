"""Results of suite `pruning` -> a figure: regret against epochs, one line a pruner."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autometa.plots import check_figure_name, save_figure


def save(content: Mapping[str, Any], path: Path) -> None:
    """Draw the mean over tasks and seeds after shares of the epochs, samplers side by side.

    Raises:
        InputError: a suffix that is not drawn.
        StoreError: the file cannot be written.
    """
    check_figure_name(path)
    from matplotlib.figure import Figure

    lines: dict[str, dict[str, list[list[float]]]] = {}
    for record in content["records"]:
        sampler, pruner = record["variant"].split("+")
        curve = [np.nan if v is None else v for v in record["spent"]]
        lines.setdefault(sampler, {}).setdefault(pruner, []).append(curve)
    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    parts = figure.subplots(1, max(len(lines), 1), sharey=True, squeeze=False)[0]
    spent = np.array(content["spent"])
    for axes, (sampler, pruners) in zip(parts, sorted(lines.items()), strict=False):
        for pruner, seeds in pruners.items():
            shown = spent <= (1.0 if pruner == "none" else 0.5) + 1e-9
            width = 2.5 if pruner == "learned" else 1.2
            axes.plot(spent[shown], np.mean(seeds, axis=0)[shown], label=pruner, linewidth=width)
        axes.set(xlabel="share of the epochs", title=sampler, ylim=(-0.1, 1.0))
    parts[0].set_ylabel("mean normalised regret")
    parts[0].legend(fontsize="small")
    save_figure(figure, path)
