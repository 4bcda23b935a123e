"""Weights & Biases' runs, as CSV or JSON.

    CSV    what the table of runs exports: `Name`, `State`, `Created`, `Runtime`, `Sweep`, ... and
           one column for each config and summary key. It does not say which of the two a column
           is: name the parameters, or give the space
    CSV    of the frame that W&B's own guide makes: `summary`, `config` and `name`, the first two
           dicts as `DataFrame.to_csv` writes them
    JSON   what `wandb.Api().runs(...)` gives: {"name", "state", "config", "summary", "created_at",
           ...}, in a list, one a line, under "runs" or as `DataFrame.to_json` writes them; a config
           value may be {"value": ...}, as in a run's config file; both trees may be text

Tables of other trackers whose columns say it themselves (`config/lr` of Ray Tune, `parameters/lr`
of Neptune, `params_lr` of Optuna's `trials_dataframe`) need no names; the prefix is left out. When
a run began and how long it took is read under the names of W&B, Ray Tune and Optuna.

Nested keys are joined by dots, keys that begin with "_" are W&B's own. A run that is running or
pending is skipped and counted; crashed, failed, killed and preempted ones are failures. Where no
run has a state, those with a value have finished and the others failed; a note says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import TrialState

from autometa.errors import InputError
from autometa.portfolio.histories import Histories
from autometa.portfolio.importers.importing import table_kind
from autometa.portfolio.importers.runs import Run, histories_of_runs
from autometa.portfolio.importers.tracker_values import (
    is_missing,
    name_of_task,
    quantity_of,
    read_records,
    read_table,
    time_of,
    value_of,
)
from autometa.space import SearchSpace
from autometa.space.literals import as_json
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
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "fail": TrialState.FAIL,
    "waiting": TrialState.WAITING,
    "terminated": TrialState.COMPLETE,
    "error": TrialState.FAIL,
}
_BEGAN = ("created", "created_at", "createdAt", "datetime_start")
_TOOK = ("runtime", "_runtime", "time_total_s")
_ENDED = ("datetime_complete", "timestamp")
_PREFIXES = ("config/", "parameters/", "hparams/", "params_")

_TREES = ("config", "summary")


def import_wandb(
    path: Path,
    *,
    metric: str,
    direction: Direction,
    task: str | None,
    params: Sequence[str] | None,
    space: SearchSpace | Mapping[str, BaseDistribution] | None,
) -> Histories:
    """See `Portfolio.from_wandb`."""
    if params is None and space is not None:
        params = list(space.names if isinstance(space, SearchSpace) else space)
    read = _table(path) if table_kind(path) == "csv" else read_records(path)
    rows = [_with_trees(r, path) for r in (_with_config(read) if params is None else read)]
    if not rows or any(k.startswith(("params.", "metrics.")) for k in rows[0]):
        raise InputError(
            f"{path.name} is no export of W&B runs",
            allowed="a CSV of the runs' table, or runs with state, config and summary",
            do="Runs of MLflow are read by from_mlflow, or --layout mlflow",
        )
    cells = [{**r, **r.get("summary", {}), **r.get("config", {})} for r in rows]
    known = list(dict.fromkeys(k for c in cells for k in c if k not in _TREES))
    if params is None:
        params = [p for p in _configured(rows, known, path) if p not in (task, metric)]
    absent = [n for n in (metric, *params, *([task] if task else [])) if n not in known]
    if absent:
        raise InputError(
            f"no run has {absent[0]!r}",
            allowed=listed(known),
            do="Name another, or rename it: frame.rename(columns={OLD: NEW})",
        )
    inferred = any("config" in r for r in rows) and not any("config" in r for r in read)
    stateless = all(is_missing(r.get("state")) for r in rows)
    notes = [f"{path.name} has no states: runs with a value have finished"] if stateless else []
    return histories_of_runs(
        [
            _run(row, cell, metric=metric, task=task, params=params, default=path.stem)
            for row, cell in zip(rows, cells, strict=True)
        ],
        what="runs of a tracker's table" if inferred else "W&B runs",
        source=path.name,
        metric=metric,
        direction=direction,
        space=space,
        notes=notes,
    )


def _configured(
    rows: Sequence[Mapping[str, Any]], known: Sequence[str], path: Path
) -> Iterator[str]:
    """Keys of the runs' configs, but for W&B's own."""
    if not any("config" in r for r in rows):
        raise InputError(
            f"{path.name} does not say which of its columns are parameters",
            allowed=listed(known),
            do="Name them: params=[...], or --param NAME for each",
        )
    every = dict.fromkeys(k for r in rows for k in r.get("config", {}))
    yield from (key for key in every if not key.startswith("_"))


def _with_config(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with a config of the columns whose prefix says that they are parameters, if any is."""
    if any("config" in row for row in rows):
        return list(rows)
    columns = dict.fromkeys(name for row in rows for name in row)
    for prefix in _PREFIXES:
        named = {c: c.removeprefix(prefix) for c in columns if c.startswith(prefix) and c != prefix}
        if named and not set(named.values()) & (columns.keys() - named.keys()):
            return [
                {
                    **{k: v for k, v in row.items() if k not in named},
                    "config": {named[k]: v for k, v in row.items() if k in named},
                }
                for row in rows
            ]
    return list(rows)


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
    # The summary first: a config may have a key of the same name.
    value = value_of(row.get("summary", cell).get(metric), metric)
    given = row.get("state")
    if is_missing(given):
        given = "failed" if value is None else "finished"
    state = str(given).lower()
    if state not in _STATES:
        raise InputError(f"state {given!r} of a run", allowed=", ".join(_STATES))
    if task is not None and is_missing(cell.get(task)):
        raise InputError(f"a run without {task!r}", allowed="a key that every run has")
    started, ended = _times(row, {**cell, **row})
    return Run(
        task=default if task is None else name_of_task(cell[task]),
        params={p: cell.get(p) for p in params},
        value=value,
        state=_STATES[state],
        started=started,
        ended=ended,
    )


def _times(
    row: Mapping[str, Any], cell: Mapping[str, Any]
) -> tuple[datetime | None, datetime | None]:
    """When a run began and ended; two of begin, end and seconds say the third."""
    began, ended = (
        next((t for k in names if (t := time_of(row.get(k))) is not None), None)
        for names in (_BEGAN, _ENDED)
    )
    took = next((s for k in _TOOK if (s := quantity_of(cell.get(k))) is not None), None)
    with suppress(OverflowError):  # what lasts beyond the year 9999 is no duration
        if took is not None and began is not None:
            ended = began + timedelta(seconds=took)
        elif took is not None and ended is not None:
            began = ended - timedelta(seconds=took)
    return began, ended


def _with_trees(run: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """A run with config and summary as flat mappings, where it has them."""
    row = dict(run)
    if "summary" not in row and "summary_metrics" in row:
        row["summary"] = row.pop("summary_metrics")
    for part in _TREES:
        if part in row:
            row[part] = dict(_flat(_tree(row[part], part, path)))
    return row


def _tree(cell: Any, part: str, path: Path) -> Any:
    """A config or summary, also as text."""
    if is_missing(cell):
        return {}
    if not isinstance(cell, str):
        return cell
    try:
        return as_json(cell)
    except ValueError as error:
        raise InputError(
            f"column {part!r} of {path.name} holds what is no plain data: {cell[:60]!r}",
            allowed="a dict of numbers, text and lists, as Python or JSON writes it",
            do=f"Write it as JSON: frame[{part!r}] = frame[{part!r}].map(lambda c: "
            "json.dumps(dict(c), default=str))",
        ) from error


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
