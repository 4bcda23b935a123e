"""Which prior tasks a table may learn from: all of a child's, without the table and its relatives.

A portfolio that holds the very table to be tuned would make the warm start look better than it is,
so such tasks are always left out, and named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from autometa import children
from autometa.errors import PortfolioError
from autometa.portfolio import Portfolio

if TYPE_CHECKING:
    from autometa.children import Child
    from autometa.tables import Table

EMBEDDED = "embedded"

Source: TypeAlias = Portfolio | str | Path
Sources: TypeAlias = Source | Sequence[Source] | None


@dataclass(frozen=True, slots=True)
class Priors:
    """The prior tasks of one child: those to learn from, and the names of those left out."""

    portfolio: Portfolio
    excluded: tuple[str, ...]


def gather(sources: Sources, child: Child, table: Table) -> Priors:
    """Prior tasks of a child's own space, relatives of the table excluded.

    Args:
        sources: "embedded", a portfolio, its folder, several of these, or None for no prior.
        child: Only tasks of its space are used.
        table: What is going to be tuned.

    Raises:
        PortfolioError: a portfolio was made with another version of the child's space.
        StoreError: a folder is not a portfolio.
    """
    from autometa.tables import relatives

    merged = Portfolio()
    for source in _listed(sources):
        merged = merged.merge(_load(source, child.name))
    usable = merged.select(child.space)
    if len(merged) and not len(usable):
        raise PortfolioError(
            f"the portfolio's space of {child.name!r} differs from that of this autometa",
            allowed="a portfolio of the child's present space",
            do="Collect it again with `autometa collect`, or use --portfolio none",
        )
    related = relatives(table, usable.tasks)
    return Priors(usable.without(related), tuple(task.name for task in related))


def _listed(sources: Sources) -> list[Source]:
    if sources is None:
        return []
    return [sources] if isinstance(sources, Portfolio | str | Path) else list(sources)


def _load(source: Source, child: str) -> Portfolio:
    if isinstance(source, Portfolio):
        return source.select(child)
    if source == EMBEDDED:
        # Runs from random weights say little of a learned start, and none from this one ship.
        return Portfolio.embedded(child) if child in children.names() else Portfolio()
    return Portfolio.load(source, space=child)
