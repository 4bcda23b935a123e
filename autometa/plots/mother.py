"""What a meta-model knows before a search: inner rates, tasks alike, parameters that matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.meta.inspect.importance import param_importances
from autometa.meta.inspect.task_map import task_map
from autometa.plots import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from autometa.meta import MetaModel
    from autometa.meta.parts.inner_rate import InnerRate


def plot_inner_lr(
    predictions: Mapping[str, InnerRate],
    *,
    observed: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Predicted inner learning rates with their intervals, one row each.

    Args:
        predictions: Label (a task, a config) -> what `MetaModel.predict_inner_lr` says.
        observed: Label -> the rate that proved good there; a cross in its row.
        ax: Where to draw; a new figure by default.

    Raises:
        InputError: an observed rate without a prediction, or one that is not positive.
    """
    ax = figure.axes(ax)
    rows = {name: row for row, name in enumerate(predictions)}
    for name, rate in (observed or {}).items():
        if name not in rows or not rate > 0:
            raise InputError(
                f"observed rate {rate!r} of {name!r}",
                allowed="a positive rate for a label among the predictions",
            )
    if rows:
        low, mean, high = (
            10.0 ** np.array([getattr(p, end) for p in predictions.values()])
            for end in ("low", "mean", "high")
        )
        ax.errorbar(
            mean,
            list(rows.values()),
            xerr=[mean - low, high - mean],
            fmt="o",
            color=figure.WARM,
            capsize=3,
            label="predicted",
        )
        ax.set_xscale("log")
        figure.name_rows(ax, list(rows))
        if observed:
            ax.plot(
                list(observed.values()),
                [rows[name] for name in observed],
                "x",
                color=figure.COLD,
                label="observed",
            )
            figure.legend_below(ax)
    else:
        figure.say(ax, "there is no inner learning rate here")
    figure.title(ax, "Inner learning rate")
    ax.set_xlabel("inner learning rate")
    return ax


def plot_task_map(
    model: MetaModel,
    *,
    meta_features: Mapping[str, float] | None = None,
    n_labels: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """Prior tasks on a plane: those that rank configs alike lie close together.

    Args:
        model: What was learned; see `autometa.meta.inspect.task_map`.
        meta_features: Of a new task: the more a prior task counts for it, the larger its point.
        n_labels: How many tasks are named at most: those that count most, then the outermost,
            where there is room.
        ax: Where to draw; a new figure by default.

    Raises:
        ModelError: the model learned nothing.
    """
    found = task_map(model, meta_features=meta_features)
    ax = figure.axes(ax)
    x, y = found.places.T
    sizes = 30.0 * found.relevance * len(found.tasks)
    ax.scatter(x, y, s=np.clip(sizes, 6.0, 200.0), color=figure.WARM, alpha=0.6, linewidths=0)
    order = np.lexsort((-np.hypot(x, y), -found.relevance.round(6)))
    for i in _apart(found.places, order)[: max(n_labels, 0)]:
        ax.annotate(
            figure.short(found.tasks[i], 16),
            (x[i], y[i]),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize="x-small",
            parse_math=False,
        )
    ax.margins(0.18)
    ax.set_aspect("equal", adjustable="datalim")
    figure.title(ax, f"Prior tasks ({found.shown:.0%} of their distances)")
    ax.set_xlabel("tasks that rank configs alike lie close")
    return ax


def plot_param_importances(
    model: MetaModel,
    params: Sequence[str] | None = None,
    *,
    error_bar: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """How much each parameter matters to what prior tasks predict.

    Args:
        model: What was learned; see `autometa.meta.inspect.importance`.
        params: Only these parameters; all by default.
        error_bar: Draw the range of the middle half of the prior tasks.
        ax: Where to draw; a new figure by default.

    Returns:
        The axes: one bar a parameter, the mean share of the variance over prior tasks.

    Raises:
        InputError: a parameter that is not in the space.
        ModelError: the model learned nothing.
    """
    shares = param_importances(model)
    for name in params or ():
        if name not in shares:
            raise InputError(f"parameter {name!r}", allowed=", ".join(shares))
    shown = {n: s for n, s in shares.items() if params is None or n in params}
    ax = figure.axes(ax)
    means = np.array([s.mean() for s in shown.values()])
    rows = range(len(shown))
    ax.barh(rows, means, height=0.7, color=figure.WARM, alpha=0.85)
    if error_bar:
        low, high = np.array([np.quantile(s, [0.25, 0.75]) for s in shown.values()]).T
        ax.hlines(rows, low, high, color=figure.OTHER, linewidth=1.4)
    figure.name_rows(ax, list(shown))
    figure.title(ax, "Importance of parameters")
    ax.set_xlabel("share of the predicted variance")
    return ax


def _apart(places: Floats, order: NDArray[np.signedinteger[Any]]) -> list[int]:
    """Those of some places, in this order, whose names would not lie on an earlier one's."""
    room = np.array([0.22, 0.08]) * max(float(np.ptp(places, axis=0).max()), 1e-9)
    chosen: list[int] = []
    for i in order:
        if all((np.abs(places[i] - places[j]) > room).any() for j in chosen):
            chosen.append(int(i))
    return chosen
