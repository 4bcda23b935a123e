"""A finished search on rows that it never saw, beside the best untuned default."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autometa.errors import InputError
from autometa.tables import Table
from autometa.tables.columns import Reading
from autometa.tables.matching import columns_there, labels_known
from autometa.tuning import ensembling
from autometa.tuning.clock import refit_seconds
from autometa.tuning.model import TunedModel
from autometa.tuning.result import TuneResult
from autometa.tuning.worth import best_default

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

_CALLED = "test rows"  # by messages
_LEAST_SECONDS = 10.0  # that the best default may be fitted for


def check_apart(table: Table, columns: Iterable[str], y: pd.Series[Any]) -> None:
    """Refuse, before a search, rows that its model could not be scored on.

    Args:
        table: What is to be searched.
        columns: Of the rows apart.
        y: Their targets (n,).

    Raises:
        InputError: a column is missing, there is no row, or a label that no row of the table has.
    """
    columns_there(columns, table.X.columns, _CALLED)
    if not len(y):
        raise InputError(f"{_CALLED} without a row that has a target", allowed="one row or more")
    if table.kind == "classification":
        labels_known((table.reading or Reading()).truth(y), table.y.cat.categories, _CALLED)


def scored_apart(
    result: TuneResult, table: Table, X: Any, y: Any, sample_weight: Any = None
) -> TuneResult:
    """The result with its score, and the best default's, on rows apart.

    The default that did best on the folds of the search is fitted to the same table: what somebody
    has who does not search, but tries the defaults of all families. Where that would take longer
    than the search, its score is not known.

    Args:
        result: Of `tune`; with a fitted model, else it is returned as it is.
        table: What was searched.
        X: Rows (n, m) with the table's columns.
        y: Their targets (n,).
        sample_weight: What each counts, (n,).

    Raises:
        InputError: labels that no training row had, or a column is missing.
    """
    model = result.fitted
    if model is None:
        return result
    result = replace(result, test_score=model.score(X, y, sample_weight))
    default = best_default(result.warm)
    if default is None:
        return result
    end = time.perf_counter() + max(result.seconds, _LEAST_SECONDS)
    made = ensembling.fit(
        ensembling.single(default),
        [default],
        table,
        result.seed,
        tried=result.rows,
        seconds=lambda trial: refit_seconds(trial, result.folds, 1.0),
        left=lambda: end - time.perf_counter(),
    )
    if made.pipeline is None:
        return result
    if made.rows < len(table):
        said = f"{default.child} with its defaults is not scored on the {_CALLED}"
        why = "to learn all rows it would take longer than the search"
        return replace(result, notes=(*result.notes, f"{said}: {why}"))
    untuned = TunedModel(made.pipeline, {}, model.scoring)
    return replace(result, default_test_score=untuned.score(X, y, sample_weight))
