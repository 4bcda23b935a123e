"""Results of `autometa bench`: regret over trials, trials to a target, wins task by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.plots import figure
from autometa.plots.search import Results, listed_runs
from autometa.tuning.result import TuneResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMED_TASKS = 24
_HIGHEST = 1.25  # regret above this is off the page: 1 is a median random config
_OUTCOMES = {"won": figure.WARM, "tied": figure.OTHER, "lost": figure.COLD}


def plot_regret(
    results: Mapping[str, Any],
    *,
    methods: Sequence[str] | None = None,
    error_bar: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Mean normalised regret after each trial, one line a method.

    Args:
        results: Of `autometa.bench.run`, or its JSON file.
        methods: Which, in this order; all by default.
        error_bar: Draw a band: the standard error of the mean over tasks, at the checkpoints.
        ax: Where to draw; a new figure by default.

    Raises:
        InputError: a method that is not in the results.
    """
    ax = figure.axes(ax)
    curves = []
    for i, name in enumerate(_methods(results, methods)):
        found = results["methods"][name]
        curve = np.array(found["curve"], dtype=float)
        style = figure.style(i)
        width = 2.2 if name == results["paired"].get("reference") else 1.3
        x = np.arange(1, len(curve) + 1)
        ax.plot(x, curve, linewidth=width, label=name, **style)
        curves.append(curve)
        if error_bar:
            middle, error = _band(found)
            at = results["checkpoints"][: len(middle)]
            low, high = middle - error, middle + error
            ax.fill_between(at, low, high, color=style["color"], alpha=0.13, lw=0)
    ax.axhline(0.0, color=figure.OTHER, linewidth=0.7)
    ax.set_xscale("log")
    if curves:
        drawn = np.concatenate(curves)
        ax.set_ylim(drawn.min() - 0.08, min(drawn.max() + 0.08, _HIGHEST))
        figure.legend_below(ax)
    ax.set_xlabel("trials")
    ax.set_ylabel("mean normalised regret")
    figure.title(ax, "Regret")
    return ax


def plot_trials_to_target(
    results: Results | Mapping[str, Any],
    *,
    methods: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """How many trials the warm search needs for what another one has after some.

    Below the dashed line the warm search is the faster one.

    Args:
        results: Tuning results with a cold arm (the median over them is drawn), or the results of
            `autometa.bench.run` (the median over tasks).
        methods: Which other methods of a benchmark; all by default.
        ax: Where to draw; a new figure by default.

    Raises:
        InputError: no result was given, or a method that is not in the results.
    """
    ax = figure.axes(ax)
    lines = (
        _benchmark_lines(results, methods) if isinstance(results, Mapping) else _run_lines(results)
    )
    for i, (name, (x, y)) in enumerate(lines.items()):
        ax.plot(x, y, marker=".", linewidth=1.4, label=name, **figure.style(i + 1))
    if lines:
        end = max(float(x[-1]) for x, _ in lines.values())
        ax.plot([1, end], [1, end], "--", color=figure.OTHER, linewidth=1.0, label="equal speed")
        figure.legend_below(ax)
    else:
        figure.say(ax, "there is no other search to compare with")
    figure.title(ax, "Trials to the same value")
    figure.count_trials(ax)
    ax.set_xlabel("trials of the other search")
    ax.set_ylabel("trials needed")
    return ax


def plot_win_tie_loss(
    results: Mapping[str, Any],
    *,
    against: str | None = None,
    after: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Difference in regret to another method task by task: won, tied, lost.

    Args:
        results: Of `autometa.bench.run`, or its JSON file.
        against: The other method; a cold one by default.
        after: Trials, one of the checkpoints; the last one by default.
        ax: Where to draw; a new figure by default.

    Raises:
        InputError: the reference was not run, or an unknown method or checkpoint.
    """
    paired = results["paired"]
    others = list(paired.get("against", {}))
    if not others:
        raise InputError(
            "results of one method only", allowed="two methods or more, the reference among them"
        )
    if against is None:
        against = next((name for name in others if name.startswith("cold")), others[0])
    if against not in others:
        raise InputError(f"method {against!r}", allowed=", ".join(others))
    checkpoints = list(results["checkpoints"])
    after = checkpoints[-1] if after is None else after
    if after not in checkpoints:
        raise InputError(f"after {after} trials", allowed=", ".join(map(str, checkpoints)))
    ax = figure.axes(ax)
    _draw_differences(ax, results, against, checkpoints.index(after))
    ax.set_ylabel(f"regret saved by {figure.short(paired['reference'])}", parse_math=False)
    figure.title(ax, f"against {figure.short(against, 30)}, after {after} trials")
    return ax


def _draw_differences(ax: Axes, results: Mapping[str, Any], against: str, at: int) -> None:
    paired = results["paired"]
    ours = results["methods"][paired["reference"]]["per_task"]
    theirs = results["methods"][against]["per_task"]
    saved = {task: theirs[task][at] - ours[task][at] for task in ours if task in theirs}
    order = sorted(saved, key=lambda task: -saved[task])
    heights = np.array([saved[task] for task in order])
    outcomes = np.where(
        heights > paired["tie"], "won", np.where(heights < -paired["tie"], "lost", "tied")
    )
    for outcome, color in _OUTCOMES.items():
        rows = np.flatnonzero(outcomes == outcome)
        ax.bar(rows, heights[rows], width=0.8, color=color, label=f"{len(rows)} {outcome}")
    ax.axhline(0.0, color=figure.OTHER, linewidth=0.7)
    if np.abs(heights).max(initial=0.0) > 2.0 * _HIGHEST:  # a method that diverged on a task
        ax.set_ylim(max(heights.min(), -_HIGHEST) - 0.05, min(heights.max(), _HIGHEST) + 0.05)
    if len(order) <= _NAMED_TASKS:
        names = [figure.short(task, 16) for task in order]
        ax.set_xticks(range(len(order)), names, rotation=90, fontsize="x-small")
        for text in ax.get_xticklabels():
            text.set_parse_math(False)
    else:
        ax.set_xticks([])
        ax.set_xlabel(f"{len(order)} tasks")
    ax.legend(fontsize="small", loc="best")


def _methods(results: Mapping[str, Any], wanted: Sequence[str] | None) -> list[str]:
    known = list(results["methods"])
    chosen = known if wanted is None else list(wanted)
    for name in chosen:
        if name not in known:
            raise InputError(f"method {name!r}", allowed=", ".join(known))
    return chosen


def _band(found: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """Mean over tasks and its standard error at the checkpoints, (c,) each."""
    table = np.array(list(found["per_task"].values()), dtype=float)
    spread = table.std(axis=0, ddof=1) if len(table) > 1 else np.zeros(table.shape[1])
    return table.mean(axis=0), spread / np.sqrt(len(table))


def _benchmark_lines(
    results: Mapping[str, Any], wanted: Sequence[str] | None
) -> dict[str, tuple[Floats, Floats]]:
    against = results["trials_to_match"].get("against", {})
    chosen = [m for m in _methods(results, wanted) if m in against]
    return {
        name: (
            np.array([row["after"] for row in against[name]], dtype=float),
            np.array([np.nan if row["median"] is None else row["median"] for row in against[name]]),
        )
        for name in chosen
    }


def _run_lines(results: Results) -> dict[str, tuple[Floats, Floats]]:
    rows = [_needed(run) for run in listed_runs(results) if run.cold is not None]
    length = min(map(len, rows), default=0)
    if not length:
        return {}
    with np.errstate(invalid="ignore"):  # a median of two never-reached ones
        median = np.median([row[:length] for row in rows], axis=0)
    return {"cold": (np.arange(1.0, length + 1), np.where(np.isfinite(median), median, np.nan))}


def _needed(run: TuneResult) -> Floats:
    """Warm trials for what the cold arm has after each of its own; infinite = never reached."""
    assert run.cold is not None
    needed = [run.warm.trials_to(value) for value in run.cold.best_so_far]
    return np.array([np.inf if n is None else float(n) for n in needed])
