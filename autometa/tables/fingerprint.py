"""Is this table already in the portfolio? A fingerprint that survives copying and rescaling.

Public tables circulate with renamed and reordered columns, shuffled rows, rounded or standardised
numbers and recoded categories. So a column's signature does not depend on its name, its place, the
order of rows, an affine map or (where it has few distinct values) any recoding:

    few values    their number, and the shares of the most frequent ones, sorted
    else          skewness, excess kurtosis and standardised quantiles, mirrored to skewness >= 0

Two tables are the same data when they have about as many rows and most columns of the one find a
partner of their own in the other. The target is left out: classes are often merged. A sample of
the rows of another table is not recognised, except where the family says so (scikit-learn's
digits).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from autometa.tables.table import Table
from autometa.task import Task

MAX_COLUMNS = 24
FEW_VALUES = 20
SHARES = 6
QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
ROWS_WITHIN = 0.04
MATCHED_SHARE = 0.75
FAR = 9.0
_known: WeakKeyDictionary[Table, dict[str, Any]] = WeakKeyDictionary()


def fingerprint(table: Table) -> dict[str, Any]:
    """Number of rows, and the signatures of at most 24 columns; small and JSON-able."""
    signatures = [_signature(table.X[name]) for name in table.schema.numeric]
    signatures += [_shares(table.X[name]) for name in table.schema.categorical]
    known = [s for s in signatures if s is not None]
    # Which columns stay must not depend on their order or on rounding alone.
    known.sort(key=lambda s: (len(s), s), reverse=True)
    return {"rows": len(table), "features": len(signatures), "columns": known[:MAX_COLUMNS]}


def same_data(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two fingerprints are of the same data."""
    try:
        rows = float(a["rows"]), float(b["rows"])
        columns = list(a["columns"]), list(b["columns"])
    except (KeyError, TypeError, ValueError):
        return False
    if abs(rows[0] - rows[1]) > ROWS_WITHIN * max(rows) or not columns[0] or not columns[1]:
        return False
    fewer, more = sorted(map(len, columns))
    if fewer < 0.5 * more:
        return False
    slack = 1.0 if rows[0] == rows[1] else 3.0
    near = np.array([[_near(x, y, slack) for y in columns[1]] for x in columns[0]])
    left, right = linear_sum_assignment(-near.astype(float))
    return bool(near[left, right].sum() >= MATCHED_SHARE * fewer)


def relatives(table: Table, tasks: Iterable[Task]) -> list[Task]:
    """Tasks that are on the same data as a table or on data of the same family.

    Args:
        table: The table about to be tuned.
        tasks: Prior tasks; the ones collected by autometa carry `info["fingerprint"]`.
    """
    listed = list(tasks)
    if table not in _known:  # asked for by each family of a search
        _known[table] = fingerprint(table)
    own = _known[table]
    families = {table.name, table.family}
    seen: dict[str, bool] = {}
    for task in listed:
        # A table stands in the portfolio once for each child: compare it once.
        if task.name not in seen:
            seen[task.name] = same_data(own, task.info.get("fingerprint", {}))
        if seen[task.name]:
            families |= {task.name, task.family}
    return [t for t in listed if t.name in families or t.family in families]


def _signature(column: pd.Series[Any]) -> list[float] | None:
    values = column.dropna().to_numpy(dtype=np.float64)
    if len(np.unique(values)) <= FEW_VALUES:
        return _shares(column)
    scale = np.abs(values).max()
    z = values / scale
    z = (z - z.mean()) / z.std()
    skewness = float((z**3).mean())
    if skewness < 0:
        z, skewness = -z, -skewness
    tail = float((z**4).mean() - 3)
    return _rounded([skewness, tail, *np.quantile(z, QUANTILES)])


def _shares(column: pd.Series[Any]) -> list[float] | None:
    counts = np.sort(column.dropna().value_counts().to_numpy(dtype=np.float64))[::-1]
    counts = counts[counts > 0]
    if len(counts) < 2:
        return None
    top = np.zeros(SHARES)
    top[: min(SHARES, len(counts))] = counts[:SHARES] / counts.sum()
    return _rounded([float(len(counts)), *top])


def _rounded(numbers: Iterable[float]) -> list[float]:
    return [round(float(v), 4) for v in numbers]


def _near(a: list[float], b: list[float], slack: float) -> bool:
    if len(a) != len(b):
        return False
    x, y = np.array(a), np.array(b)
    if len(a) == SHARES + 1:
        return bool(x[0] == y[0] and np.abs(x[1:] - y[1:]).max() < 0.002 * slack)
    gap: NDArray[np.float64] = np.abs(x - y) / (1 + np.minimum(np.abs(x), np.abs(y)))
    return bool(gap[:2].max() < 0.02 * slack and gap[2:].max() < 0.1 * slack)
