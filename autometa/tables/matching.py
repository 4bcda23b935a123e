"""Whether further rows go with a table: the columns that they need, and the labels that it knows.

>>> import pandas as pd
>>> labels_known(pd.Series(["b", "a"]), pd.Index(["a", "b"]), "rows")
array([1, 0])
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autometa.errors import InputError
from autometa.tables.notes import shown


def columns_there(have: Iterable[object], needed: Iterable[str], what: str) -> None:
    """Refuse rows that lack a column.

    Args:
        have: Columns of the rows.
        needed: Columns of the table.
        what: How a message calls the rows.

    Raises:
        InputError: one is missing; all that are missing are named.
    """
    known, needed = set(have), list(needed)
    if absent := [name for name in needed if name not in known]:
        raise InputError(
            f"{what} without the column{'s' * (len(absent) > 1)} {shown(absent)}",
            allowed=f"rows with the columns of the table: {shown(needed)}",
        )


def labels_known(given: pd.Series[Any], labels: pd.Index[Any], what: str) -> NDArray[np.int64]:
    """Places (n,) of the rows' labels among those of the table.

    Args:
        given: Labels, (n,).
        labels: Of the table, (c,).
        what: How a message calls the rows.

    Raises:
        InputError: the table has no row with one of them.
    """
    places = labels.get_indexer(pd.Index(given))
    if (unknown := places < 0).any():
        strange = given[unknown]
        raise InputError(
            f"{what} with labels that no row of the table has: {shown(pd.unique(strange))}",
            allowed=shown(labels),
            do=_remedy(_types(strange.dropna()), _types(labels)),
        )
    return np.asarray(places, dtype=np.int64)


def _remedy(here: set[str], there: set[str]) -> str:
    if not here:
        return "Leave out rows without a label"
    if here & there:
        return ""
    return f"Write them alike: they are {', '.join(here)} here and {', '.join(there)} in the table"


def _types(labels: pd.Series[Any] | pd.Index[Any]) -> set[str]:
    return {type(label).__name__ for label in labels.tolist()}
