"""Tasks of several objectives: one portfolio an objective, trial for trial the same.

A task was tried for several objectives where a study had them, which is imported as one history an
objective, or where trials were scored by several metrics; how long a trial took is one, "seconds".

    each_objective   a portfolio, and which objectives -> a portfolio for each of them
    one_objective    a portfolio, and which objective -> one that is safe for a search of one
    common           such portfolios -> the same, of the tasks that all of them have
    scalarised       such portfolios -> one of single-objective tasks, a few for each task

Scalarised by the augmented Chebyshev function of Knowles, "ParEGO" (2006), along a unit direction
w of the positive orthant: the least of u_k / w_k, where u_k is objective k in [0, 1] from a bad
config of the task to its best. The best reachable value along w, to the power of the number of
objectives and averaged over all w, is the hypervolume (Golovin and Zhang, "Random hypervolume
scalarizations", 2020): a list of configs that is good for all scalarised tasks is a good front.

Shapes: k objectives, W directions, n trials of a task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from scipy.special import ndtri

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.portfolio.portfolio import Portfolio
from autometa.space.values import listed
from autometa.task import Direction, State, Task, TaskHistory

SECONDS = "seconds"
"""The name of the objective that is a trial's time."""

_BAD = 0.1  # quantile of a task's scores that counts as bad
_AUGMENTED = 0.05  # share of the sum in a scalarised score
_WORST = -1.0  # a diverged trial is just bad
_LEAST_TRIALS = 3


def each_objective(
    portfolio: Portfolio,
    metrics: Sequence[str] | None = None,
    directions: Sequence[Direction] | None = None,
) -> tuple[Portfolio, ...]:
    """One portfolio for each objective; a task has the same name and the same trials in each.

    A trial that has failed by one objective has failed by all.

    Args:
        portfolio: Tasks; those that were not tried for these objectives are left out.
        metrics: Names of the objectives, for tasks whose trials were scored by several.
        directions: Of the objectives, where known.

    Raises:
        InputError: no task was tried for these objectives.
    """
    studies: dict[object, list[TaskHistory]] = {}
    rows: list[tuple[TaskHistory, ...]] = []
    for history in portfolio.histories:
        if "objective" in history.task.info:
            studies.setdefault(_study(history.task), []).append(history)
        elif metrics is not None:
            found = [_by(history, name) for name in metrics]
            rows += [tuple(h for h in found if h is not None)] if None not in found else []
    rows += [_asked(_joined(parts), metrics) for parts in studies.values()]
    rows = [row for row in rows if _are(row, metrics, directions)]
    if not rows:
        raise InputError(
            "no prior task was tried for these objectives"
            + ("" if directions is None else f" ({', '.join(directions)})"),
            allowed=f"studies of as many objectives, or tasks by {_known(portfolio)}",
            do=""
            if metrics is not None
            else 'Name the objectives in their order: metric=["accuracy", "seconds"]',
        )
    return tuple(
        replace(portfolio, histories=column) for column in zip(*map(_settled, rows), strict=True)
    )


def of_several(portfolio: Portfolio) -> bool:
    """Whether all tasks are objectives of studies that had several."""
    return bool(len(portfolio)) and all("objective" in t.info for t in portfolio.tasks)


def one_objective(portfolio: Portfolio, metric: str | None) -> Portfolio:
    """What a search of one objective may learn from: of studies that had several, one of them.

    Args:
        portfolio: Tasks.
        metric: The objective of these studies, where the user names one.

    Raises:
        InputError: there are tasks by several objectives of studies, and it is not said by which
            one: what is good by one of them is often bad by another.
    """
    parts = [t for t in portfolio.tasks if "objective" in t.info]
    objectives = {t.metric: t.info["objective"] for t in parts}
    if len(set(objectives.values())) < 2:
        return portfolio
    if metric not in {t.metric for t in portfolio.tasks}:
        first = next(iter(objectives))
        rest = next((t.metric for t in portfolio.tasks if t not in parts), None)
        leave = "" if rest is None else f"Say metric={rest!r} to leave these studies out. "
        raise InputError(
            f"prior studies of several objectives ({listed(objectives)}) for a search of one"
            + ("" if metric is None else f", {metric!r}"),
            allowed="one of theirs, or as many in the search (directions=)",
            do=f"{leave}Say metric={first!r} to learn from this one, or give the tasks by one: "
            f"portfolio.by({first!r})",
        )
    left = (h for h in portfolio.histories if h.task not in parts or h.task.metric == metric)
    return replace(portfolio, histories=tuple(left))


def common(portfolios: Sequence[Portfolio]) -> tuple[Portfolio, ...]:
    """Of portfolios that were read by one metric each, the tasks with the same trials in all."""
    every = [{h.task.name: h for h in p.histories} for p in portfolios]
    rows = [
        tuple(found[name] for found in every)
        for name in every[0]
        if all(name in found for found in every)
    ]
    same = [
        _settled(row)
        for row in rows
        if all(np.array_equal(h.raw, row[0].raw, equal_nan=True) for h in row)
    ]
    return tuple(
        replace(p, histories=tuple(row[k] for row in same)) for k, p in enumerate(portfolios)
    )


def by_seconds(history: TaskHistory) -> TaskHistory | None:
    """The history by the seconds that its trials took; None where nobody measured them."""
    known = history.complete & np.isfinite(history.seconds) & (history.seconds > 0.0)
    if not known.any():
        return None
    task = replace(history.task, metric=SECONDS, direction="minimize", metrics={})
    failed = np.where(history.complete & ~known, State.FAILED, history.states)
    return TaskHistory(
        task=task,
        raw=history.raw,
        values=np.where(known, history.seconds, np.nan),
        states=failed.astype(np.int8),
        fidelity=history.fidelity,
        seconds=history.seconds,
    )


def spread_directions(k: int, count: int) -> Floats:
    """Unit directions of the positive orthant, spread over it, (W, k).

    Of two objectives `count` at equal angles, of more all combinations of a few steps.
    """
    if k == 2:
        angles = (np.arange(count) + 0.5) * np.pi / (2 * count)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)
    steps = max(2, round(count ** (1.0 / k)))
    quantiles = 0.5 + 0.5 * (np.arange(steps) + 0.5) / steps
    normal = ndtri(np.array(list(product(quantiles, repeat=k))))
    unit: Floats = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    spread: Floats = np.unique(unit.round(12), axis=0)
    return spread


def chebyshev(scores: Floats, direction: Floats) -> Floats:
    """Scalarised scores (n,) of scores (n, k), higher is better, along a unit direction (k,)."""
    found: Floats = (scores / direction).min(axis=1) + _AUGMENTED * scores.sum(axis=1)
    return found


def scalarised(portfolios: Sequence[Portfolio], directions: Floats) -> Portfolio:
    """Every task of some objectives (see `each_objective`) as one task a direction, (W, k)."""
    rows = zip(*(p.histories for p in portfolios), strict=True)
    histories = tuple(history for row in rows for history in _scalarised(row, directions))
    return replace(portfolios[0], histories=histories)


def _scalarised(row: Sequence[TaskHistory], directions: Floats) -> Iterable[TaskHistory]:
    first = row[0]
    complete = first.complete
    if complete.sum() < _LEAST_TRIALS:
        return
    unit = np.full((len(first), len(row)), np.nan)
    for k, history in enumerate(row):
        scores = history.scores[complete]
        bad, best = np.quantile(scores, _BAD), scores.max()
        unit[complete, k] = np.maximum((scores - bad) / ((best - bad) or 1.0), _WORST)
    for j, direction in enumerate(directions):
        values = np.full(len(first), np.nan)
        values[complete] = chebyshev(unit[complete], direction)
        task = replace(
            first.task,
            name=f"{first.task.name} {j}",
            direction="maximize",
            metric="scalarised",
            metrics={},
        )
        yield TaskHistory(
            task=task,
            raw=first.raw,
            values=values,
            states=first.states,
            fidelity=first.fidelity,
            seconds=first.seconds,
        )


def _study(task: Task) -> object:
    return task.space, task.family, task.info.get("started")


def _joined(parts: Sequence[TaskHistory]) -> tuple[TaskHistory, ...]:
    """The objectives of one study in their order, under the study's name."""
    ordered = sorted(parts, key=lambda h: int(h.task.info["objective"]))
    places = [int(h.task.info["objective"]) for h in ordered]
    if places != list(range(len(ordered))):
        return ()
    name = ordered[0].task.name.removesuffix("/0")
    return tuple(replace(h, task=replace(h.task, name=name)) for h in ordered)


def _asked(row: tuple[TaskHistory, ...], metrics: Sequence[str] | None) -> tuple[TaskHistory, ...]:
    """The objectives of a study that are asked for, in that order, where it names them all."""
    known = {h.task.metric: h for h in row}
    return (
        row if metrics is None or not {*metrics} <= {*known} else tuple(known[m] for m in metrics)
    )


def _by(history: TaskHistory, metric: str) -> TaskHistory | None:
    name = metric.removeprefix("neg_")
    if name in (history.task.metric, *history.task.metrics):
        return history.by(name)
    return by_seconds(history) if name == SECONDS else None


def _are(
    row: Sequence[TaskHistory],
    metrics: Sequence[str] | None,
    directions: Sequence[Direction] | None,
) -> bool:
    """Whether a task has the objectives that are wanted, at least two."""
    if len(row) < 2 or (metrics is not None and len(row) != len(metrics)):
        return False
    found = [h.task.direction for h in row]
    same = all(np.array_equal(h.raw, row[0].raw, equal_nan=True) for h in row)
    return same and (directions is None or found == list(directions))


def _settled(row: Sequence[TaskHistory]) -> tuple[TaskHistory, ...]:
    """The histories of a task, a trial complete only where it is by all objectives."""
    complete = np.logical_and.reduce([h.complete for h in row])
    if all((h.complete == complete).all() for h in row):
        return tuple(row)
    return tuple(
        replace(
            h,
            states=np.where(h.complete & ~complete, State.FAILED, h.states).astype(np.int8),
            values=np.where(h.complete & ~complete, np.nan, h.values),
        )
        for h in row
    )


def _known(portfolio: Portfolio) -> str:
    names: Mapping[str, None] = dict.fromkeys(
        name for t in portfolio.tasks for name in (t.metric, *t.metrics)
    )
    return listed([*names, SECONDS])
