"""The rules by which two portfolios become one; all of them idempotent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from autometa.encoding import Floats
from autometa.errors import PortfolioError
from autometa.portfolio.diff import Key, common_widths, row_keys, same_trials, trial_keys
from autometa.portfolio.histories import Histories
from autometa.task import Task, TaskHistory


def merge_histories(
    first: Mapping[Key, TaskHistory], second: Mapping[Key, TaskHistory]
) -> Iterator[TaskHistory]:
    """First's histories in order, each with second's further trials, then second's own tasks.

    Raises:
        PortfolioError: direction or metric of a common task differ.
    """
    for key, history in first.items():
        yield _union(history, second[key]) if key in second else history
    yield from (history for key, history in second.items() if key not in first)


def _union(first: TaskHistory, second: TaskHistory) -> TaskHistory:
    task = _merge_tasks(first.task, second.task)
    if same_trials(first, second):
        return first if task == first.task else replace(first, task=task)
    widths = common_widths(first, second)
    known = set(trial_keys(first, widths))
    new = [key not in known for key in trial_keys(second, widths)]
    more = second.take(np.array(new, dtype=bool))
    joined = {
        name: np.concatenate([getattr(first, name), getattr(more, name)])
        for name in ("raw", "values", "states", "fidelity", "seconds")
    }
    return TaskHistory.unchecked(
        task=task,
        metrics={
            name: _stack(_folds(first, name), _folds(more, name))
            for name in dict.fromkeys((*first.metrics, *more.metrics))
        },
        **joined,
        fold_scores=_stack(first.fold_scores, more.fold_scores),
        curves=_stack(first.curves, more.curves),
    )


def _folds(history: TaskHistory, metric: str) -> Floats:
    """Scores of the folds, (n, k); (n, 0) where the history was not scored by the metric."""
    return history.metrics.get(metric, np.empty((len(history), 0)))


def _merge_tasks(first: Task, second: Task) -> Task:
    for name in ("direction", "metric"):
        ours, theirs = getattr(first, name), getattr(second, name)
        if ours != theirs:
            raise PortfolioError(
                f"task {first.name!r} has {name} {ours!r} in one portfolio, {theirs!r} in another",
                allowed="the same in both",
                do="Correct or rename one of the two tasks before merging",
            )
    return replace(
        first,
        family=first.family if first.family != first.name else second.family,
        meta_features={**second.meta_features, **first.meta_features},
        metrics={**second.metrics, **first.metrics},
        info={**second.info, **first.info},
    )


def _stack(first: Floats, second: Floats) -> Floats:
    """Two NaN-padded matrices (n, k), (m, l) -> (n + m, max(k, l))."""
    width = max(first.shape[1], second.shape[1])
    stacked = np.full((len(first) + len(second), width), np.nan)
    stacked[: len(first), : first.shape[1]] = first
    stacked[len(first) :, : second.shape[1]] = second
    return stacked


def merge_provenance(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """One provenance as it is; several distinct ones as a list under "merged"."""
    parts: list[Any] = []
    for provenance in (first, second):
        parts += [p for p in provenance_parts(provenance) if p and p not in parts]
    return provenance_of(parts)


def provenance_parts(provenance: Mapping[str, Any]) -> list[Any]:
    """The provenances that were merged into one, or this one alone."""
    if set(provenance) == {"merged"}:
        return list(provenance["merged"])
    return [dict(provenance)]


def provenance_of(parts: Sequence[Any]) -> dict[str, Any]:
    """The provenance of what several parts have made."""
    if len(parts) > 1:
        return {"merged": list(parts)}
    return dict(parts[0]) if parts else {}


def merge_licences(first: str, second: str) -> str:
    """Distinct licences joined as an SPDX expression."""
    parts = [part for text in (first, second) for part in text.split(" AND ") if part]
    return " AND ".join(dict.fromkeys(parts))


# One at a time -----------------------------------------------------------------------------------


def judged_alike(first: Task, second: Task) -> bool:
    """Whether trials of both can stand in one history: by one metric, in one direction."""
    return (first.metric, first.direction) == (second.metric, second.direction)


def free_name(name: str, allowed: Callable[[str], bool]) -> str:
    """The first allowed of `name`, `name-2`, `name-3`, ..."""
    found, count = name, 1
    while not allowed(found):
        count += 1
        found = f"{name}-{count}"
    return found


def unseen(history: TaskHistory, old: Histories, *, fields: Sequence[str] = ()) -> TaskHistory:
    """The trials that the histories do not have for this task; see `config_keys`."""
    known = old.by_key.get((history.task.space, history.task.name))
    if known is None:
        return history
    had = set(config_keys(known, fields))
    return history.take(np.array([k not in had for k in config_keys(history, fields)], dtype=bool))


def config_keys(history: TaskHistory, fields: Sequence[str] = ()) -> list[bytes]:
    """One key a trial, equal exactly for equal configs and equal further fields, (n)."""
    return row_keys(np.column_stack([history.raw, *(getattr(history, name) for name in fields)]))
