"""A journal's results as task histories, with what is known of the tables."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from autometa import children
from autometa._version import __version__
from autometa.collect.journal import Entries
from autometa.collect.plan import key
from autometa.meta_features import compute
from autometa.tables import fingerprint
from autometa.task import Task, TaskHistory

if TYPE_CHECKING:
    from autometa.space import Config
    from autometa.tables import Table

PACKAGES = (
    *("scikit-learn", "torch", "numpy", "scipy", "pandas"),
    *("lightgbm", "xgboost", "xgboost-cpu", "catboost"),
)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide results."""
    found = {"autometa": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


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
        found = (entries.trials.get(key(name, child, config)) for config in configs)
        trials = [outcome.trial for outcome in found if outcome is not None]
        if not trials:
            continue
        assert table.kind is not None
        task = Task(
            name=name,
            space=children.get(child, table.kind).space,
            direction="maximize",
            metric=children.metric(table.kind),
            family=table.family,
            meta_features=features,
            info=info,
        )
        result.append(TaskHistory.of(task, trials))
    return result


def _info(table: Table) -> dict[str, Any]:
    return {
        **table.info,
        "kind": table.kind,
        "rows": len(table),
        "columns": table.X.shape[1],
        "fingerprint": fingerprint(table),
    }
