"""Weights & Biases' runs, as CSV or JSON.

    CSV    what the table of runs exports: `Name`, `State`, `Created`, `Runtime`, `Sweep`, ... and
           one column for each config and summary key. It does not say which of the two a column
           is: name the parameters, or give the space.
    JSON   what `wandb.Api().runs(...)` gives, a list of {"name", "state", "config", "summary",
           "created_at", ...}; a config value may be {"value": ...}, as in a run's config file

Nested keys are joined by dots, keys that begin with "_" are W&B's own. A run that is running or
pending is skipped and counted; crashed, failed, killed and preempted ones are failures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import TrialState

from autometa.errors import InputError
from autometa.portfolio.cells import is_missing, number_of, read_json, read_table, time_of
from autometa.portfolio.portfolio import Portfolio
from autometa.portfolio.runs import Run, portfolio_of_runs
from autometa.space import SearchSpace
from autometa.space.values import listed
from autometa.task import Direction

_STATES = {
    "finished": TrialState.COMPLETE,
    "crashed": TrialState.FAIL,
    "failed": TrialState.FAIL,
    "killed": TrialState.FAIL,
    "preempted": TrialState.FAIL,
    "preempting": TrialState.RUNNING,
    "running": TrialState.RUNNING,
    "pending": TrialState.WAITING,
}


def import_wandb(
    path: Path,
    *,
    metric: str,
    direction: Direction,
    task: str | None,
    params: Sequence[str] | None,
    space: SearchSpace | Mapping[str, BaseDistribution] | None,
) -> Portfolio:
    """See `Portfolio.from_wandb`."""
    if params is None and space is not None:
        params = list(space.names if isinstance(space, SearchSpace) else space)
    rows = _table(path) if path.suffix.lower() == ".csv" else _records(path)
    if not rows or any("state" not in r for r in rows):
        raise InputError(
            f"{path.name} is no export of W&B runs",
            allowed="a CSV of the runs' table, or a JSON list of runs with state, config, summary",
        )
    cells = [{**r, **r.get("summary", {}), **r.get("config", {})} for r in rows]
    known = list(dict.fromkeys(k for c in cells for k in c))
    if params is None:
        if "config" not in rows[0]:
            raise InputError(
                f"{path.name} does not say which of its columns are parameters",
                allowed=listed(known),
                do="Name them: params=[...], or --param NAME for each",
            )
        params = list(dict.fromkeys(k for r in rows for k in r["config"]))
        params = [p for p in params if p not in (task, metric) and not p.startswith("_")]
    absent = [n for n in (metric, *params, *([task] if task else [])) if n not in known]
    if absent:
        raise InputError(f"no run has {absent[0]!r}", allowed=listed(known))
    return portfolio_of_runs(
        [
            _run(row, cell, metric=metric, task=task, params=params, default=path.stem)
            for row, cell in zip(rows, cells, strict=True)
        ],
        what="W&B runs",
        source=path.name,
        metric=metric,
        direction=direction,
        space=space,
    )


def _table(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV file, its own columns under the names that they have in JSON."""
    own = {name: name.lower() for name in ("Name", "State", "Created", "Runtime")}
    return [{own.get(k, k): v for k, v in row.items()} for row in read_table(path)]


def _run(
    row: Mapping[str, Any],
    cell: Mapping[str, Any],
    *,
    metric: str,
    task: str | None,
    params: Sequence[str],
    default: str,
) -> Run:
    """The run of a record; `cell` joins its own keys, its summary and its config."""
    state = str(row["state"]).lower()
    if state not in _STATES:
        raise InputError(f"state {row['state']!r} of a run", allowed=", ".join(_STATES))
    if task is not None and is_missing(cell.get(task)):
        raise InputError(f"a run without {task!r}", allowed="a key that every run has")
    started = time_of(row.get("created", row.get("created_at", row.get("createdAt"))))
    seconds = number_of(row.get("runtime", cell.get("_runtime")))
    return Run(
        task=default if task is None else str(cell[task]),
        params={p: cell.get(p) for p in params},
        # The summary first: a config may have a key of the same name.
        value=number_of(row.get("summary", cell).get(metric)),
        state=_STATES[state],
        started=started,
        ended=None if started is None or seconds is None else started + timedelta(seconds=seconds),
    )


def _records(path: Path) -> list[dict[str, Any]]:
    data = read_json(path)
    runs = data.get("runs") if isinstance(data, dict) else data
    if not isinstance(runs, list) or not all(isinstance(r, dict) for r in runs):
        raise InputError(f"{path.name} holds no list of runs", allowed='[...] or {"runs": [...]}')
    return [
        {
            **run,
            "config": dict(_flat(run.get("config") or {})),
            "summary": dict(_flat(run.get("summary") or run.get("summary_metrics") or {})),
        }
        for run in runs
    ]


def _flat(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of a nested mapping, (dotted name, value)."""
    if not isinstance(tree, Mapping):
        raise InputError(f"a config or summary of type {type(tree).__name__}", allowed="a mapping")
    for name, value in tree.items():
        if isinstance(value, Mapping) and "value" in value and set(value) <= {"value", "desc"}:
            value = value["value"]
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
