"""MLflow's runs, as CSV or JSON.

    CSV    `mlflow.search_runs(...).to_csv`, `mlflow experiments csv`: columns `run_id`,
           `experiment_id`, `status`, `start_time`, `end_time`, `params.*`, `metrics.*`, `tags.*`
    JSON   records of these columns, in a list, one a line or as `DataFrame.to_json` writes them; or
           runs as the REST interface and `Run.to_dictionary` give them, {"info": ..., "data":
           {"params", "metrics", "tags"}}, in a list, one a line or under "runs"

Layouts: https://mlflow.org/docs/latest/ml/search/search-runs and the REST reference of MLflow 2, 3.
A run that is RUNNING or SCHEDULED is skipped and counted; FAILED and KILLED ones are failures.

Optuna's MLflow callback finishes every run and writes the trial's state to the tag `state`, and
what a parameter was drawn from to `NAME_distribution`: both are read. A parent run, which has no
parameters, is skipped and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import TrialState

from autometa.errors import InputError
from autometa.portfolio.histories import Histories
from autometa.portfolio.importers.importing import table_kind
from autometa.portfolio.importers.ranges import written_distribution
from autometa.portfolio.importers.runs import Run, histories_of_runs
from autometa.portfolio.importers.tracker_values import (
    is_missing,
    name_of_task,
    read_records,
    read_table,
    time_of,
    value_of,
)
from autometa.space import SearchSpace
from autometa.task import Direction

_STATES = {
    "FINISHED": TrialState.COMPLETE,
    "FAILED": TrialState.FAIL,
    "KILLED": TrialState.FAIL,
    "RUNNING": TrialState.RUNNING,
    "SCHEDULED": TrialState.WAITING,
}
_PARTS = ("params", "metrics", "tags")


def import_mlflow(
    path: Path,
    *,
    metric: str,
    direction: Direction,
    task: str,
    space: SearchSpace | Mapping[str, BaseDistribution] | None,
) -> Histories:
    """See `Portfolio.from_mlflow`."""
    rows = read_table(path) if table_kind(path) == "csv" else _flat_runs(path)
    if not any("status" in r and any(k.startswith("params.") for k in r) for r in rows):
        raise InputError(
            f"{path.name} is no export of MLflow runs",
            allowed="columns status, params.* and metrics.*, or runs with info and data",
            do="Export them: mlflow.search_runs(...).to_csv('runs.csv', index=False)",
        )
    column = metric if metric.startswith("metrics.") else f"metrics.{metric}"
    name = column.removeprefix("metrics.")
    known = sorted({k.removeprefix("metrics.") for r in rows for k in r if k.startswith("metrics")})
    if name not in known:
        raise InputError(f"metric {name!r} of MLflow runs", allowed=", ".join(known) or "none")
    return histories_of_runs(
        [_run(row, column, task, number) for number, row in enumerate(rows)],
        what="MLflow runs",
        source=path.name,
        metric=name,
        direction=direction,
        space=space,
    )


def _run(row: Mapping[str, Any], metric: str, task: str, number: int) -> Run:
    status = str(row.get("status", "")).upper()
    if status not in _STATES:
        raise InputError(f"status {status!r} of run {number}", allowed=", ".join(_STATES))
    if is_missing(row.get(task)):
        raise InputError(
            f"run {number} has no {task!r}, which names its task",
            allowed="a column that every run has, such as experiment_id or tags.dataset",
        )
    params = {k.removeprefix("params."): v for k, v in row.items() if k.startswith("params.")}
    state = _STATES[status]
    if state == TrialState.COMPLETE:  # Optuna's callback finishes the run of every trial
        tag = str(row.get("tags.state", "")).rpartition(".")[2]
        state = TrialState[tag] if tag in TrialState.__members__ else state
    written = {n: written_distribution(n, row.get(f"tags.{n}_distribution")) for n in params}
    return Run(
        task=name_of_task(row[task]),
        params=params,
        distributions={n: d for n, d in written.items() if d is not None},
        value=value_of(row.get(metric), metric),
        state=state,
        started=time_of(row.get("start_time")),
        ended=time_of(row.get("end_time")),
    )


def _flat_runs(path: Path) -> list[dict[str, Any]]:
    """The runs of a JSON file as records with the columns of the CSV file."""
    runs = read_records(path)
    return [_flat(r) if "info" in r or "data" in r else r for r in runs]


def _flat(run: Mapping[str, Any]) -> dict[str, Any]:
    data = _mapping(run, "data")
    row = dict(_mapping(run, "info"))
    for part in _PARTS:
        pairs = data.get(part)
        if isinstance(pairs, list):  # as the REST interface lists them
            data = {**data, part: {p["key"]: p.get("value") for p in pairs if _is_pair(p)}}
        row |= {f"{part}.{name}": value for name, value in _mapping(data, part).items()}
    return row


def _is_pair(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("key"), str)


def _mapping(tree: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    found = tree.get(part) or {}
    if not isinstance(found, Mapping):
        raise InputError(f"a run whose {part!r} is a {type(found).__name__}", allowed="a mapping")
    return found
