"""Figures: every function draws on an Axes and returns it, and shows nothing.

Names and arguments follow `optuna.visualization.matplotlib`: what to plot first, the rest by
keyword. Figures come from the object interface of matplotlib, so there is no global state and no
display is needed: `plot_warm_vs_cold(result).figure.savefig("warm.svg")`.

What is plotted: a `TuneResult` (`search`), the results of `autometa bench` as plain data
(`benchmark`), or a `MetaModel` (`mother`).
"""

from autometa.plots.benchmark import plot_regret, plot_trials_to_target, plot_win_tie_loss
from autometa.plots.figure import FIGURE_KINDS, check_figure_name, save_figure
from autometa.plots.held_out import plot_held_out
from autometa.plots.mother import plot_inner_lr, plot_param_importances, plot_task_map
from autometa.plots.search import plot_calibration, plot_warm_vs_cold, plot_weights

__all__ = [
    "FIGURE_KINDS",
    "check_figure_name",
    "plot_calibration",
    "plot_held_out",
    "plot_inner_lr",
    "plot_param_importances",
    "plot_regret",
    "plot_task_map",
    "plot_trials_to_target",
    "plot_warm_vs_cold",
    "plot_weights",
    "plot_win_tie_loss",
    "save_figure",
]
