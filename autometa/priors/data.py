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
        data: (X, y), as scikit-learn takes them: (n, m) and (n,), see `as_table`; or a Table.
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


def as_table(X: Any, y: Any, kind: Kind | None) -> Table:
    """Features (n, m) and a target (n,) or (n, 1), in any form that `tune` takes them, as a table.

    Raises:
        InputError: they make none.
    """
    from autometa.tables import Table
    from autometa.tables.frames import frame_of, target_of

    return Table(name="(these data)", X=frame_of(X), y=target_of(y), kind=kind)


def _table(data: Any, kind: Kind | None) -> Table:
    from autometa.tables import Table

    if isinstance(data, Table):
        return data
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise InputError(f"data of type {type(data).__name__}", allowed="(X, y), or a Table")
    allowed, do = "(X, y) with X (n, m) and y (n,)", "Leave data out: the search works without"
    try:
        X, y = data
        return as_table(X, y, kind)
    except InputError as error:
        why, allowed = error.given, error.allowed or allowed
        raise InputError(f"data that make no table: {why}", allowed=allowed, do=do) from error
    except (TypeError, ValueError) as error:
        raise InputError(f"data that make no table: {error}", allowed=allowed, do=do) from error
