"""How a model does on held-out rows: a reliability curve of its chances, or its residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from autometa.errors import InputError
from autometa.plots import figure
from autometa.tuning.result import TuneResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_held_out(result: TuneResult, *, ax: Axes | None = None) -> Axes:
    """Of a classification, how often what the model said came true; of a regression, its errors.

    Args:
        result: Of `tune`, with a fitted model.
        ax: Where to draw; a new figure by default.

    Returns:
        The axes.

    Raises:
        InputError: the result knows no held-out predictions.
    """
    if result.held_out is None:
        raise InputError(
            "a result without held-out predictions", allowed="one of tune with a fitted model"
        )
    points = np.array(result.held_out.points)
    ax = figure.axes(ax)
    if result.held_out.kind == "reliability":
        chance, came, rows = points.T
        error = np.sqrt(came * (1 - came) / rows)
        ax.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        ax.errorbar(chance, came, yerr=error, color=figure.WARM, marker="o", capsize=2)
        ax.set(xlabel="probability that the model gave", ylabel="share that came true")
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    else:
        predicted, residual = points.T
        ax.axhline(0.0, color="0.7", linewidth=1)
        ax.scatter(predicted, residual, s=8, color=figure.WARM, alpha=0.5, linewidths=0)
        ax.set(xlabel="predicted", ylabel="true minus predicted")
    ax.set_title("Held-out rows")
    return ax
