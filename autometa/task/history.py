"""TaskHistory: a task with its finished trials.

It is columnar (arrays over trials), since a portfolio may hold ten million trials; `CompletedTrial`
is the readable view of one row. Higher or lower is better is decided in exactly one place:
`TaskHistory.folded`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.errors import RecordError
from autometa.task.task import Task
from autometa.task.trial import CompletedTrial, State

_ABSENT: Any = None  # default of array fields; __post_init__ puts the array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskHistory:
    """A task with its finished trials, n of them.

    Args:
        task: What was tuned.
        raw: Configs, (n, p), see `space`.
        values: Metric, (n,), in the task's own direction; NaN where there is none.
        states: `State` codes, (n,) int8. A COMPLETE trial has a finite value.
        fidelity: Share of the full budget in (0, 1], (n,).
        seconds: Training time, (n,), NaN where unknown.
        fold_scores: (n, k), NaN where a fold has none; k may be 0.
        curves: (n, l), one value a step, NaN after the last; l may be 0.
        metrics: Other metric of the task -> scores of the folds, (n, k), in its own direction.

    Raises:
        RecordError, SpaceError: an array does not fit.
    """

    task: Task
    raw: Floats
    values: Floats
    states: NDArray[np.int8] = _ABSENT
    fidelity: Floats = _ABSENT
    seconds: Floats = _ABSENT
    fold_scores: Floats = _ABSENT
    curves: Floats = _ABSENT
    metrics: Mapping[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        raw = self.task.space.check_raw(self.raw)
        n = len(raw)
        try:
            values = np.array(self.values, dtype=np.float64)
            states = (
                np.where(np.isfinite(values), State.COMPLETE, State.FAILED)
                if self.states is None
                else np.array(self.states)
            )
            columns: dict[str, NDArray[Any]] = {
                "raw": raw,
                "values": values,
                "states": states,
                "fidelity": _filled(self.fidelity, (n,), 1.0),
                "seconds": _filled(self.seconds, (n,), np.nan),
                "fold_scores": _filled(self.fold_scores, (n, 0), np.nan),
                "curves": _filled(self.curves, (n, 0), np.nan),
            }
        except (TypeError, ValueError) as error:
            raise RecordError(
                f"a column of task {self.task.name!r} is not numeric: {error}",
                allowed="arrays of numbers",
            ) from error
        for name, array in columns.items():
            if array.ndim != (2 if name in _MATRICES else 1) or len(array) != n:
                raise RecordError(
                    f"{name} of shape {array.shape} for task {self.task.name!r}",
                    allowed=f"one row for each of the {n} configs",
                )
            object.__setattr__(self, name, array)
        object.__setattr__(self, "metrics", _scored(self.metrics, self.task, n))
        self._check()
        values[~np.isfinite(values)] = np.nan  # of trials that are not COMPLETE
        object.__setattr__(self, "states", self.states.astype(np.int8))
        for name in columns:
            getattr(self, name).setflags(write=False)

    def _check(self) -> None:
        name = self.task.name
        wrong = ~np.isin(self.states, list(State))
        if wrong.any():
            raise RecordError(
                f"state {self.states[wrong][0]} in task {name!r}",
                allowed=", ".join(f"{s.value} ({s.name})" for s in State),
            )
        complete = self.complete
        if not np.isfinite(self.values[complete]).all():
            row = int(np.flatnonzero(complete & ~np.isfinite(self.values))[0])
            raise RecordError(
                f"trial {row} of task {name!r} is COMPLETE with value {self.values[row]}",
                allowed="a finite value",
                do="Mark the trial FAILED",
            )
        if not ((self.fidelity > 0) & (self.fidelity <= 1)).all():
            raise RecordError(
                f"fidelity of task {name!r} spans {self.fidelity.min()} to {self.fidelity.max()}",
                allowed="a share of the full budget, in (0, 1]",
                do="Divide by the full budget",
            )

    @classmethod
    def of(cls, task: Task, trials: Sequence[CompletedTrial]) -> TaskHistory:
        """The history of a list of trials."""
        return cls(
            task=task,
            raw=task.space.to_raw(t.config for t in trials),
            values=np.array([math.nan if t.value is None else t.value for t in trials]),
            states=np.array([t.state for t in trials], dtype=np.int8),
            fidelity=np.array([t.fidelity for t in trials], dtype=np.float64),
            seconds=np.array([math.nan if t.seconds is None else t.seconds for t in trials]),
            fold_scores=_padded([t.fold_scores for t in trials]),
            curves=_padded([t.curve for t in trials]),
        )

    def __len__(self) -> int:
        return len(self.raw)

    def __repr__(self) -> str:
        # Of a history that is read when it is looked at, nothing is read for this.
        about = f"{len(self)} trials of {len(self.task.space.names)} parameters"
        return f"TaskHistory({self.task.name!r}: {about}, {self.task.direction} {self.task.metric})"

    def __iter__(self) -> Iterator[CompletedTrial]:
        for i, config in enumerate(self.task.space.from_raw(self.raw)):
            seconds, value = float(self.seconds[i]), float(self.values[i])
            yield CompletedTrial(
                config=config,
                value=value if math.isfinite(value) else None,
                state=State(int(self.states[i])),
                fold_scores=_unpadded(self.fold_scores[i]),
                seconds=seconds if math.isfinite(seconds) else None,
                fidelity=float(self.fidelity[i]),
                curve=_unpadded(self.curves[i]),
            )

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Which trials are COMPLETE, (n,)."""
        return np.asarray(self.states == State.COMPLETE)

    @property
    def scores(self) -> Floats:
        """Values with "higher is better" whatever the direction, (n,)."""
        return self.folded(self.values)

    def folded(self, values: Floats) -> Floats:
        """Values of the metric -> higher is better, any shape: the one place for direction."""
        return values if self.task.direction == "maximize" else -values

    @property
    def curve_scores(self) -> Floats:
        """Curves with "higher is better" whatever the direction, (n, l)."""
        return self.curves if self.task.direction == "maximize" else -self.curves

    def take(self, rows: NDArray[Any]) -> TaskHistory:
        """The history of some of the trials, by index or mask."""
        return TaskHistory.unchecked(
            task=self.task,
            metrics={name: folds[rows] for name, folds in self.metrics.items()},
            **{name: getattr(self, name)[rows] for name in COLUMNS},
        )

    def by(self, metric: str) -> TaskHistory:
        """The history by another of its metrics: a trial without a finite mean of it has FAILED.

        Its own metric then stands among the others. Curves, which are of the own metric, are left
        out.

        Raises:
            RecordError: it was not scored by that metric.
        """
        task = self.task
        if metric == task.metric:
            return self
        if metric not in self.metrics:
            raise RecordError(
                f"metric {metric!r} of task {task.name!r}",
                allowed=", ".join((task.metric, *self.metrics)),
            )
        rest = {name: d for name, d in task.metrics.items() if name != metric}
        folds = self.metrics[metric]
        means = folds.mean(axis=1) if folds.shape[1] else np.full(len(self), np.nan)
        kept = self.complete & np.isfinite(means)
        return replace(
            self,
            task=replace(
                task,
                metric=metric,
                direction=task.metrics[metric],
                metrics={task.metric: task.direction, **rest},
            ),
            values=np.where(kept, means, np.nan),
            states=np.where(self.complete & ~kept, State.FAILED, self.states).astype(np.int8),
            fold_scores=folds,
            curves=np.empty((len(self), 0)),
            metrics={task.metric: self.fold_scores, **{n: self.metrics[n] for n in rest}},
        )

    @classmethod
    def unchecked(
        cls, *, task: Task, metrics: Mapping[str, Floats] | None = None, **columns: NDArray[Any]
    ) -> TaskHistory:
        """A history of columns that were checked already: rows of a valid history, a stored file.

        Spares ten thousand tasks ten thousand checks. All columns must be given; the arrays are
        kept as they are (views stay views) and become read-only.
        """
        history = object.__new__(cls)
        object.__setattr__(history, "task", task)
        object.__setattr__(history, "metrics", dict(metrics or {}))
        for name in COLUMNS:
            array = columns[name]
            array.setflags(write=False)
            object.__setattr__(history, name, array)
        return history


_VECTORS = ("values", "states", "fidelity", "seconds")
_MATRICES = ("raw", "fold_scores", "curves")
COLUMNS = (*_VECTORS, *_MATRICES)
"""Names of a history's arrays."""


def _scored(metrics: Mapping[str, Floats], task: Task, n: int) -> dict[str, Floats]:
    found = {name: np.array(folds, dtype=np.float64) for name, folds in metrics.items()}
    for name, folds in found.items():
        if name not in task.metrics or folds.ndim != 2 or len(folds) != n:
            raise RecordError(
                f"scores by {name!r} of shape {folds.shape} for task {task.name!r}",
                allowed=f"(trials, folds) by {', '.join(task.metrics) or 'no other metric'}",
            )
        folds.setflags(write=False)
    return found


def _filled(array: Floats | None, shape: tuple[int, ...], value: float) -> Floats:
    return np.full(shape, value) if array is None else np.array(array, dtype=np.float64)


def _padded(rows: Sequence[Sequence[float]]) -> Floats:
    matrix = np.full((len(rows), max(map(len, rows), default=0)), np.nan)
    for i, row in enumerate(rows):
        matrix[i, : len(row)] = row
    return matrix


def _unpadded(row: Floats) -> tuple[float, ...]:
    """A padded row without its trailing NaN; NaN inside it (a failed fold) stays."""
    known = np.flatnonzero(~np.isnan(row))
    return tuple(row[: known[-1] + 1].tolist()) if len(known) else ()
