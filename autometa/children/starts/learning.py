"""Learn a start for the perceptron on the user's own tables; see `inner.few_steps`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autometa.children.folds import prepared
from autometa.errors import InputError
from autometa.inner.few_steps import QUERIES, SHOTS, learn_start
from autometa.inner.fitted import FittedMAML
from autometa.inner.tabular import Rows
from autometa.tables import Table, fingerprint

ROWS = 1000


def rows_of(table: Table) -> Rows:
    """A classification table as what `learn_start` takes: at most 1,000 rows, prepared."""
    fold = prepared(table.subsample(ROWS, np.random.default_rng(0)), 2, 0, "scaled")[0]
    return Rows(
        np.concatenate([fold.X, fold.X_test]), np.concatenate([fold.y, fold.y_test]), table.name
    )


def usable(table: Table) -> bool:
    """Whether a start can be learned on it: a classification with enough rows."""
    return table.kind == "classification" and len(table) >= SHOTS + QUERIES


def learn_start_on(
    tables: Sequence[Table], *, iterations: int = 2000, seed: int = 0, progress: bool = False
) -> FittedMAML:
    """Meta-learn a start and rates for the child `mlp`; save it, then `tune(child="mlp@FOLDER")`.

    The result says on which tables it was learned, so that it is not used on one of them.

    Args:
        tables: Classification tables with at least 200 rows each.
        iterations: Outer updates.
        seed: Of the network and of the episodes.
        progress: Show a progress bar on stderr.

    Raises:
        InputError: no tables, or one that cannot be used.
    """
    wrong = [table.name for table in tables if not usable(table)]
    if wrong:
        raise InputError(
            f"table {wrong[0]!r} to learn a start on",
            allowed=f"classification tables with at least {SHOTS + QUERIES} rows",
        )
    fitted = learn_start(
        [rows_of(table) for table in tables], iterations=iterations, seed=seed, progress=progress
    )
    known = [
        {"name": table.name, "family": table.family, "fingerprint": fingerprint(table)}
        for table in tables
    ]
    return replace(fitted, info={**fitted.info, "tables": known})
