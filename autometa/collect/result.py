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

PACKAGES = ("scikit-learn", "torch", "numpy", "scipy", "pandas")


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
    entries: Entries, tables: Sequence[Table], designs: Mapping[str, Sequence[Config]]
) -> list[TaskHistory]:
    """One history per child and table that has a result, its trials in the design's order.

    Args:
        entries: What the journal holds.
        tables: As they were given, not subsampled: meta-features describe the whole table.
        designs: Child name -> its configs.
    """
    known = [(table, compute(table), _info(table)) for table in tables]
    result = []
    for child, configs in designs.items():
        space = children.get(child).space
        for table, features, info in known:
            found = (entries.trials.get(key(table.name, child, config)) for config in configs)
            trials = [trial for trial in found if trial is not None]
            if not trials:
                continue
            assert table.kind is not None
            task = Task(
                name=table.name,
                space=space,
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
        **table.provenance,
        "kind": table.kind,
        "rows": len(table),
        "columns": table.X.shape[1],
        "fingerprint": fingerprint(table),
    }
