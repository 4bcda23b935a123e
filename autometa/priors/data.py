"""The user's data, where they give them: a table, its meta-features, and how long these took."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from autometa.errors import InputError
from autometa.priors.written import Facts

if TYPE_CHECKING:
    from autometa.tables import Kind, Table


@dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """See the module.

    Args:
        table: What the user gave, as a table.
        meta_features: Its meta-features.
        line: What was computed and how long it took, in a sentence.
    """

    table: Table
    meta_features: dict[str, float] = field(default_factory=dict)
    line: str = ""

    @property
    def facts(self) -> Facts:
        """Features are taken to reach a kernel standardised, as its guides advise."""
        columns = max(len(self.table.X.columns), 1)
        return Facts(columns=columns, width=float(columns))


def read_data(data: Any, kind: Kind | None = None) -> Data:
    """The data of a search.

    Args:
        data: (X, y), as scikit-learn takes them: (n, m) and (n,); or a Table.
        kind: The kind of problem, where the metric tells it; else the target does.

    Raises:
        InputError: not data that a table can be made of.
    """
    from autometa.meta_features import compute

    start = perf_counter()
    table = _table(data, kind)
    features = compute(table)
    return Data(
        table=table,
        meta_features=features,
        line=f"{len(features)} meta-features of {len(table):,} rows x {len(table.X.columns)} "
        f"features ({table.kind}) in {perf_counter() - start:.2f} s",
    )


def _table(data: Any, kind: Kind | None) -> Table:
    import numpy as np
    import pandas as pd

    from autometa.tables import Table

    if isinstance(data, Table):
        return data
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise InputError(f"data of type {type(data).__name__}", allowed="(X, y), or a Table")
    X, y = data
    try:
        frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X))
        return Table(name="(these data)", X=frame, y=pd.Series(np.asarray(y)), kind=kind)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"data that make no table: {error}",
            allowed="(X, y) with X (n, m) numbers or categories and y (n,)",
            do="Leave data out: the search works without",
        ) from error
