"""A journal's results as task histories, with what is known of the tables, and as a portfolio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from autometa import children
from autometa.children.evaluation.evaluate import Outcome
from autometa.children.metrics import METRICS
from autometa.collect.journal import Entries
from autometa.collect.plan import key
from autometa.encoding import Floats
from autometa.meta_features import compute
from autometa.portfolio import Portfolio
from autometa.portfolio.merging import (
    free_name,
    judged_alike,
    provenance_of,
    provenance_parts,
    unseen,
)
from autometa.tables import fingerprint
from autometa.task import Task, TaskHistory

if TYPE_CHECKING:
    from autometa.space import Config, SearchSpace
    from autometa.tables import Table


def histories(
    entries: Entries,
    tables: Sequence[Table],
    designs: Mapping[tuple[str, str], Sequence[Config]],
) -> list[TaskHistory]:
    """One history per child and table that has a result, its trials in the design's order.

    Args:
        entries: What the journal holds.
        tables: As they were given, not subsampled: meta-features describe the whole table.
        designs: (table, child) -> its configs.
    """
    known = {t.name: (t, compute(t), _info(t)) for t in tables}
    order = list(dict.fromkeys(child for _, child in designs))
    result = []
    for (name, child), configs in sorted(designs.items(), key=lambda item: order.index(item[0][1])):
        table, features, info = known[name]
        outcomes = _known(entries, name, child, configs)
        if not outcomes:
            continue
        assert table.kind is not None
        own = children.metric(table.kind)
        scored = _metrics(outcomes, own)
        task = Task(
            name=name,
            space=children.get(child, table.kind).space,
            direction="maximize",
            metric=own,
            family=table.family,
            meta_features=features,
            metrics={name: METRICS[name].direction for name in scored},
            info=info,
        )
        history = TaskHistory.of(task, [outcome.trial for outcome in outcomes])
        result.append(replace(history, metrics=scored))
    return result


def joined(made: Portfolio, old: Portfolio) -> Portfolio:
    """What a collection made and what else was in its folder: nothing that was there is lost.

    That is what studies taught, and what earlier calls collected of other tables, children or
    configs. What the collection has of a config stands; of itself it tells once, as it is now. A
    task of its tables that was judged by another metric stands beside its own: `name-2`.
    """
    own = {run["started"] for run in made.provenance["runs"]}
    parts = [p for p in provenance_parts(old.provenance) if not own & _starts(p)]
    named = (_beside(history, old, made) for history in old.histories)
    kept = [more for history in named if len(more := unseen(history, made))]
    if not kept:
        return made
    return made.merge(Portfolio(kept, provenance=provenance_of(parts), licence=old.licence))


def _beside(history: TaskHistory, old: Portfolio, made: Portfolio) -> TaskHistory:
    """An old history, under a name of its own where what was made has another metric by that."""
    task = history.task

    def allowed(name: str) -> bool:
        if name != task.name and (task.space, name) in old.by_key:
            return False
        same = made.by_key.get((task.space, name))
        return same is None or judged_alike(same.task, task)

    return replace(history, task=replace(task, name=free_name(task.name, allowed)))


def _starts(provenance: Mapping[str, Any]) -> set[Any]:
    """When the runs of a collection started; empty where it is of something else."""
    runs = provenance.get("runs", [])
    return {run.get("started") for run in runs if isinstance(run, Mapping)}


def bare_histories(
    entries: Entries, planned: Mapping[tuple[str, str], Sequence[Config]], space: SearchSpace
) -> list[TaskHistory]:
    """One history a table, by the default metric and without what is known of the tables.

    Args:
        entries: What the journal holds.
        planned: (table, child) -> its configs, all of one child and one kind of problem.
        space: The child's, for that kind.
    """
    found = []
    for (name, child), configs in planned.items():
        trials = [outcome.trial for outcome in _known(entries, name, child, configs)]
        if trials:
            task = Task(name=name, space=space, direction="maximize")
            found.append(TaskHistory.of(task, trials))
    return found


def _known(entries: Entries, table: str, child: str, configs: Sequence[Config]) -> list[Outcome]:
    """What the journal holds of some configs, in their order."""
    found = (entries.trials.get(key(table, child, config)) for config in configs)
    return [outcome for outcome in found if outcome is not None]


def _metrics(outcomes: Sequence[Outcome], own: str) -> dict[str, Floats]:
    """Metrics other than the task's own that some trial has -> scores of the folds, (n, k)."""
    names = dict.fromkeys(n for outcome in outcomes for n in outcome.metrics if n != own)
    folds = max((len(f) for outcome in outcomes for f in outcome.metrics.values()), default=0)
    found = {}
    for name in names:
        matrix = np.full((len(outcomes), folds), np.nan)
        for row, outcome in zip(matrix, outcomes, strict=True):
            row[:] = outcome.metrics.get(name, np.nan)
        if np.isfinite(matrix).any():
            found[name] = matrix
    return found


def _info(table: Table) -> dict[str, Any]:
    return {
        **table.provenance,
        "kind": table.kind,
        "rows": len(table),
        "columns": table.X.shape[1],
        "fingerprint": fingerprint(table),
    }
