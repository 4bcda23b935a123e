"""How two portfolios differ, and which trials of two histories are the same trial.

Two trials are the same where every stored field is: config, value, state, fidelity, seconds, fold
scores and curve. A config evaluated twice has two run times and so stays two trials.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory

Key: TypeAlias = tuple[SearchSpace, str]
FIELDS = ("direction", "metric", "family", "meta_features", "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """What differs in a task that both portfolios have.

    Args:
        task: Its name.
        space: The name of its space.
        fields: Names of the task's fields that differ.
        added: Number of trials that only the second portfolio has.
        removed: Number of trials that only the first one has.
    """

    task: str
    space: str
    fields: tuple[str, ...]
    added: int
    removed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioDiff:
    """The difference between a first and a second portfolio; false where there is none.

    Args:
        added: Tasks that only the second has.
        removed: Tasks that only the first has.
        changed: Tasks that both have, but not alike.
        licence, provenance: Whether these differ.
    """

    added: tuple[Task, ...]
    removed: tuple[Task, ...]
    changed: tuple[TaskChange, ...]
    licence: bool = False
    provenance: bool = False

    def __bool__(self) -> bool:
        return any((self.added, self.removed, self.changed, self.licence, self.provenance))

    def to_json(self) -> dict[str, Any]:
        """Plain data: names of tasks with their space, and the changes."""
        return {
            "added": [{"task": t.name, "space": t.space.name} for t in self.added],
            "removed": [{"task": t.name, "space": t.space.name} for t in self.removed],
            "changed": [
                {
                    "task": c.task,
                    "space": c.space,
                    "fields": list(c.fields),
                    "trials_added": c.added,
                    "trials_removed": c.removed,
                }
                for c in self.changed
            ],
            "licence": self.licence,
            "provenance": self.provenance,
        }


def diff_histories(
    first: Mapping[Key, TaskHistory], second: Mapping[Key, TaskHistory]
) -> tuple[tuple[Task, ...], tuple[Task, ...], tuple[TaskChange, ...]]:
    """(tasks added, tasks removed, tasks changed) from the first to the second."""
    added = tuple(h.task for key, h in second.items() if key not in first)
    removed = tuple(h.task for key, h in first.items() if key not in second)
    changed = []
    for key, history in first.items():
        if key in second and (change := _change(history, second[key])) is not None:
            changed.append(change)
    return added, removed, tuple(changed)


def _change(first: TaskHistory, second: TaskHistory) -> TaskChange | None:
    fields = tuple(f for f in FIELDS if getattr(first.task, f) != getattr(second.task, f))
    more = fewer = 0
    if not same_trials(first, second):
        widths = common_widths(first, second)
        rows, others = Counter(trial_keys(first, widths)), Counter(trial_keys(second, widths))
        more, fewer = (others - rows).total(), (rows - others).total()
    if not (fields or more or fewer):
        return None
    return TaskChange(
        task=first.task.name,
        space=first.task.space.name,
        fields=fields,
        added=more,
        removed=fewer,
    )


def trial_keys(history: TaskHistory, widths: tuple[int, int]) -> list[bytes]:
    """One key a trial, (n): equal exactly where all fields are, padded to `common_widths`."""
    n = len(history)
    folds, curves = history.fold_scores, history.curves
    parts = [
        history.raw,
        *(c[:, None] for c in (history.values, history.fidelity, history.seconds, history.states)),
        folds,
        np.full((n, widths[0] - folds.shape[1]), np.nan),
        curves,
        np.full((n, widths[1] - curves.shape[1]), np.nan),
    ]
    return row_keys(np.concatenate(parts, axis=1))


def row_keys(rows: NDArray[Any]) -> list[bytes]:
    """One key a row of floats (n, k), (n): equal exactly where all numbers of two rows are."""
    matrix = np.ascontiguousarray(rows) + 0.0  # -0.0 becomes 0.0
    matrix[np.isnan(matrix)] = np.nan  # one NaN, whatever its bits were
    buffer, size = matrix.tobytes(), matrix.shape[1] * matrix.itemsize
    return [buffer[i : i + size] for i in range(0, len(buffer), size)]


def common_widths(first: TaskHistory, second: TaskHistory) -> tuple[int, int]:
    """Columns (of fold scores, of curves) that hold those of both histories."""
    return (
        max(first.fold_scores.shape[1], second.fold_scores.shape[1]),
        max(first.curves.shape[1], second.curves.shape[1]),
    )


def same_trials(first: TaskHistory, second: TaskHistory) -> bool:
    """Whether two histories have the same trials in the same order, cheaply."""
    return all(
        np.array_equal(getattr(first, name), getattr(second, name), equal_nan=True)
        for name in ("raw", "values", "states", "fidelity", "seconds", "fold_scores", "curves")
    )


def row_lengths(padded: Floats) -> NDArray[np.int64]:
    """Cells (n,) of each row of a NaN-padded matrix (n, k) up to its last number."""
    known = ~np.isnan(padded)
    if not padded.shape[1]:
        return np.zeros(len(padded), dtype=np.int64)
    last = padded.shape[1] - np.argmax(known[:, ::-1], axis=1)
    return np.where(known.any(axis=1), last, 0).astype(np.int64)
