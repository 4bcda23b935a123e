"""What one search found, warm against cold, and what the prior had to do with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.plots import figure
from autometa.samplers.explanation import Explanation
from autometa.tuning.arms import Arm, TunedTrial
from autometa.tuning.result import TuneResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Results: TypeAlias = TuneResult | Sequence[TuneResult]

_COLORS = {"warm": figure.WARM, "cold": figure.COLD}


def plot_warm_vs_cold(
    results: Results,
    *,
    target_name: str | None = None,
    error_bar: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Best value so far after each trial, one line an arm.

    Args:
        results: One result, or several runs (seeds) of the same search, whose mean is drawn.
        target_name: Label of the value axis; the metric's name by default.
        error_bar: Draw a band. For several runs: the standard error of their mean. For one run:
            the standard error over the folds of the incumbent, which includes the difficulty of
            the folds that both arms share.
        ax: Where to draw; a new figure by default.

    Returns:
        The axes.

    Raises:
        InputError: no result was given.
    """
    runs = listed_runs(results)
    ax = figure.axes(ax)
    for name, arms in (
        ("warm", [r.warm for r in runs]),
        ("cold", [r.cold for r in runs if r.cold is not None]),
    ):
        length = min(map(len, arms), default=0)
        if length == 0:
            continue
        curves = np.array([_curve(a)[:length] for a in arms])
        x = np.arange(1, length + 1)
        mean = curves.mean(axis=0)  # NaN until every run has a value
        ax.plot(x, mean, drawstyle="steps-post", color=_COLORS[name], linewidth=2, label=name)
        if len(arms) == 1:
            some = _thin(length)
            values = _values(arms[0].trials)
            ax.plot(x[some], values[some], ".", color=_COLORS[name], alpha=0.45, markersize=5)
        if error_bar:
            error = _run_error(curves) if len(arms) > 1 else _fold_error(arms[0])
            ax.fill_between(
                x, mean - error, mean + error, step="post", color=_COLORS[name], alpha=0.15, lw=0
            )
    _around_incumbents(ax, runs)
    figure.count_trials(ax)
    ax.set_ylabel(figure.label(target_name or runs[0].metric))
    figure.title(ax, "Best so far")
    if len(ax.lines):
        ax.legend(loc="lower right" if runs[0].direction == "maximize" else "upper right")
    return ax


def plot_calibration(results: Results, *, ax: Axes | None = None) -> Axes:
    """What the prior expected of each warm trial against what happened.

    Args:
        results: One result, or several of the same table.
        ax: Where to draw; a new figure by default.

    Returns:
        The axes; its title holds the rank correlation where there are three trials or more.

    Raises:
        InputError: no result was given.
    """
    runs = listed_runs(results)
    ax = figure.axes(ax)
    pairs = np.array(
        [
            (t.expected, t.value)
            for r in runs
            for t in r.warm.trials
            if t.expected is not None and t.value is not None
        ]
    ).reshape(-1, 2)
    if len(pairs):
        shown = pairs[_thin(len(pairs))]
        ax.scatter(shown[:, 0], shown[:, 1], s=26, color=figure.WARM, alpha=0.75, linewidths=0)
    else:
        figure.say(ax, "the prior expected nothing here")
    title = "Expected and observed"
    if len(pairs) > 2 and np.ptp(pairs[:, 0]) > 0 and np.ptp(pairs[:, 1]) > 0:
        title += f" (rank correlation {_rank_correlation(pairs):.2f})"
    figure.title(ax, title)
    ax.set_xlabel("expected by the prior (normal score)")
    ax.set_ylabel(figure.label(f"observed {runs[0].metric}"))
    return ax


def plot_weights(
    trials: TuneResult | Sequence[TunedTrial | Explanation],
    *,
    n_tasks: int = 6,
    ax: Axes | None = None,
) -> Axes:
    """Weights over prior tasks while the search goes on, for the tasks that mattered most.

    Args:
        trials: A result, whose warm trials are shown, or the explained trials of a study.
        n_tasks: How many tasks get a line of their own.
        ax: Where to draw; a new figure by default.

    Returns:
        The axes.
    """
    ax = figure.axes(ax)
    every = trials if isinstance(trials, Sequence) else trials.warm.trials
    weighed = [t for t in every if t.weights]
    totals: dict[str, float] = {}
    for trial in weighed:
        for task, weight in trial.weights.items():
            totals[task] = totals.get(task, 0.0) + abs(weight)
    shown = sorted(totals, key=lambda task: (-totals[task], task))[: max(n_tasks, 0)]
    x = _places(weighed)
    marker = "." if len(weighed) <= 50 else ""
    for i, task in enumerate(shown):
        y = [t.weights.get(task, 0.0) for t in weighed]
        ax.plot(x, y, marker=marker, linewidth=1.4, label=figure.short(task), **figure.style(i))
    if shown:
        figure.legend_below(ax)
    else:
        figure.say(ax, "no weights were recorded")
    figure.title(ax, "Weights of prior tasks")
    figure.count_trials(ax)
    ax.set_ylabel("weight")
    return ax


def listed_runs(results: Results) -> list[TuneResult]:
    """Results as a list.

    Raises:
        InputError: there is none.
    """
    runs = [results] if isinstance(results, TuneResult) else list(results)
    if not runs:
        raise InputError("no results to plot", allowed="one TuneResult or several")
    return runs


def _places(trials: Sequence[TunedTrial | Explanation]) -> list[int]:
    """Numbers of trials, or 0, 1, ... where they are of several studies."""
    numbers = [t.number for t in trials]
    return numbers if len(set(numbers)) == len(numbers) else list(range(len(numbers)))


def _values(trials: Sequence[TunedTrial]) -> Floats:
    return np.array([np.nan if t.value is None else t.value for t in trials])


def _curve(arm: Arm) -> Floats:
    return np.array([np.nan if v is None else v for v in arm.best_so_far])


def _thin(n: int, limit: int = 300) -> NDArray[np.int64]:
    """Indices of at most `limit` of n points, evenly spread: a drawing of more helps nobody."""
    return np.unique(np.linspace(0, n - 1, min(n, limit)).round().astype(np.int64))


def _run_error(curves: Floats) -> Floats:
    """Standard error of the mean over runs, curves (runs, n) -> (n,)."""
    error: Floats = curves.std(axis=0, ddof=1) / np.sqrt(len(curves))
    return error


def _fold_error(arm: Arm) -> Floats:
    """Standard error over folds of the incumbent after each trial, (n,)."""
    errors = []
    for trial in arm.incumbents:
        scores = np.array(trial.fold_scores if trial is not None else ())
        known = scores[np.isfinite(scores)]
        errors.append(known.std(ddof=1) / np.sqrt(len(known)) if len(known) > 1 else 0.0)
    return np.array(errors)


def _around_incumbents(ax: Axes, runs: Sequence[TuneResult]) -> None:
    """Limits that show where the search spends its time; bad first trials may lie outside."""
    curves = [_curve(arm)[len(arm) // 8 :] for r in runs for arm in r.arms]
    known = np.concatenate([c[np.isfinite(c)] for c in curves]) if curves else np.array([])
    if len(known):
        low, high = float(known.min()), float(known.max())
        pad = max(0.35 * (high - low), 1e-3 * max(abs(high), 1e-9))
        ax.set_ylim(low - pad, high + pad)


def _rank_correlation(pairs: Floats) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(pairs[:, 0], pairs[:, 1]).statistic)
