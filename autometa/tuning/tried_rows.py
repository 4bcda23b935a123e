"""The rows that configs are tried on: all of a table, or as many as leave time for a search.

On many rows a config takes so long that a search of a minute ends after a few of them, the cheapest
ones of all families. Then configs are tried on a sample, and the best are fitted to all rows. On
200,000 made-up rows of 24 columns, 60 s on a busy machine: accuracy .752 to .755 by samples of
50,000 rows (.758 by 37,500, .752 by 20,000, .719 by 87,500), .686 to .712 by all rows; R^2 .740 and
.378. FLAML, which samples too, had .737 and .558. Of 40,000 rows in 30 s all were better than half
of them (.745 and .724), so a sample has to leave out more than half.
"""

from __future__ import annotations

import numpy as np

from autometa.tables import Table

WORK = 20_000.0
"""Cells (see `cells`) for each second of the search."""
LEAST_ROWS = 10_000
"""Rows that are never too many."""
_MUCH = 2.0  # times what there is time for, up to which all rows are worth their time
_OF_A_CLASS = 50  # rows that a sample has at least, of a class that has as many


def cells(table: Table) -> float:
    """Rows x columns x models of boosting for each step, one for two classes."""
    models = 1 if table.schema.classes <= 2 else table.schema.classes
    return float(len(table) * len(table.X.columns) * models)


def tried_on(table: Table, seconds: float | None, seed: int) -> Table:
    """The rows of a table that configs are tried on in a search of some seconds, None without end.

    Args:
        table: All rows.
        seconds: Of the search.
        seed: Of the sample.
    """
    if seconds is None:
        return table
    rows = max(LEAST_ROWS, int(len(table) * WORK * seconds / cells(table)))
    return sample(table, rows, seed) if len(table) > _MUCH * rows else table


def sample(table: Table, rows: int, seed: int) -> Table:
    """Some rows of a table, drawn by chance with all of its classes."""
    return table.subsample(rows, np.random.default_rng(seed), least=_OF_A_CLASS)
