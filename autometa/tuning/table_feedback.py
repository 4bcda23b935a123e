"""The way back: a finished search becomes a history of a portfolio, for the next table."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from autometa import children
from autometa.errors import StoreError
from autometa.portfolio import Portfolio
from autometa.portfolio.merging import config_keys, free_name, judged_alike, unseen
from autometa.portfolio.store.folder import exists
from autometa.storages.addresses import check_folder
from autometa.tables import Table, fingerprint, same_data
from autometa.tables.table import SAMPLED
from autometa.task import CompletedTrial, Task, TaskHistory
from autometa.tuning.arms import TunedTrial
from autometa.tuning.result import TuneResult


def check_to_learn(folder: str | Path) -> None:
    """Refuse before a search a folder that could not be learned into after it.

    Raises:
        InputError: it is called like a URL.
        StoreError: it cannot be written, or holds something else, or what cannot be read.
    """
    path = check_folder(folder)
    place = next(p for p in (path, *path.parents, Path()) if os.access(p, os.F_OK))
    if not place.is_dir() or not os.access(place, os.W_OK):
        why = "you may not write there" if place.is_dir() else "it is a file"
        raise StoreError(
            f"{str(folder)!r} cannot be written: {why}" + f" ({str(place)!r})" * (place != path),
            allowed="a folder, which may be new, that you may write to",
        )
    if exists(path):
        Portfolio.load(path)


def learn_from(result: TuneResult, table: Table, folder: str | Path) -> Portfolio:
    """Add a search to the portfolio of a folder, which is made where there is none.

    Both arms count: a config that the cold search tried teaches as much. A config that the task's
    history already has is not added again, so learning twice from one search changes nothing.

    Args:
        result: What `tune` returned.
        table: The table it was about.
        folder: Of the portfolio; written atomically, other writers wait.

    Returns:
        The portfolio that the folder now holds.

    Raises:
        StoreError: the folder cannot be read or written.
    """
    from autometa.meta_features import compute

    features = result.meta_features or compute(table)
    rows = result.rows or len(table)
    sampled = {SAMPLED: len(table)} if rows < len(table) else {}
    trials = [trial for arm in result.arms for trial in arm.trials]
    found = []
    for name in dict.fromkeys(trial.child for trial in trials):
        task = Task(
            name=table.name,
            space=children.get(name, table.kind).space,
            direction=result.direction,
            metric=result.metric,
            family=table.family,
            meta_features=features,
            info={
                **table.provenance,
                **sampled,
                "kind": table.kind,
                "rows": rows,
                "columns": table.X.shape[1],
                "fingerprint": fingerprint(table),
                "folds": result.folds,
                "seed": result.seed,
            },
        )
        own = [_record(trial) for trial in trials if trial.child == name]
        found.append(_once(TaskHistory.of(task, own)))

    def change(old: Portfolio) -> Portfolio:
        new = [unseen(_named(history, old), old) for history in found]
        return old.merge(Portfolio(history for history in new if len(history)))

    return Portfolio.update(folder, change)


def _record(trial: TunedTrial) -> CompletedTrial:
    return CompletedTrial(
        config=trial.config,
        value=trial.value,
        state=trial.state,
        fold_scores=trial.fold_scores,
        seconds=trial.seconds,
    )


def _once(history: TaskHistory) -> TaskHistory:
    """The first trial of each config."""
    first = {key: i for i, key in reversed([*enumerate(config_keys(history))])}
    return history.take(np.array(sorted(first.values())))


def _named(history: TaskHistory, old: Portfolio) -> TaskHistory:
    """The history under a name that no other data, nor metric, has in the portfolio: `name-2`."""
    task = history.task

    def allowed(name: str) -> bool:
        return all(
            same_data(task.info["fingerprint"], known.info.get("fingerprint", {}))
            and (known.space != task.space or judged_alike(known, task))
            for known in old.tasks
            if known.name == name
        )

    return replace(history, task=replace(task, name=free_name(task.name, allowed)))
