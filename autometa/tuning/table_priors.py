"""Which prior tasks a table may learn from: all of a child's, without the table and its relatives.

A portfolio that holds the very table to be tuned would make the warm start look better than it is,
so such tasks are always left out, and named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from autometa import children
from autometa.errors import InputError, PortfolioError
from autometa.meta import MetaModel
from autometa.portfolio import Portfolio
from autometa.portfolio.store.shipped import embedded_names
from autometa.priors.opening import PriorSource, open_prior
from autometa.space.values import listed

if TYPE_CHECKING:
    from autometa.children import Child
    from autometa.tables import Table


Sources: TypeAlias = PriorSource


@dataclass(frozen=True, slots=True)
class Priors:
    """The prior tasks of one child: those to learn from, and the names of those left out."""

    portfolio: Portfolio
    excluded: tuple[str, ...]


def gather(sources: Sources, child: Child, table: Table) -> Priors:
    """Prior tasks of one child, see `gather_each`."""
    return gather_each(sources, [child], table)[child.name]


def gather_each(sources: Sources, chosen: Sequence[Child], table: Table) -> dict[str, Priors]:
    """Prior tasks in the space of each child, by the child's name; relatives of the table excluded.

    Args:
        sources: Whatever `open_prior` opens, but a model. "embedded" is what ships for each child.
        chosen: Children. Each gets the tasks of its own space and studies of other spaces that can
            be adapted to it, but none of another child's.
        table: What is going to be tuned.

    Raises:
        InputError: a model, or not a prior.
        PortfolioError: a portfolio was made with another version of a child's space, or studies
            know nothing of the only child's parameters.
        StoreError: a file, folder or storage is not there, or cannot be read.
    """

    def shipped(family: str) -> Portfolio:
        joined = Portfolio()
        for name in [family] if family else [child.name for child in chosen]:
            # Runs from random weights say little of a learned start, and none from this one ship.
            joined = joined.merge(
                Portfolio.embedded(name) if name in embedded_names() else Portfolio()
            )
        return joined

    space = chosen[0].space if len(chosen) == 1 else None
    known = open_prior(sources, shipped=shipped, space=space, direction="maximize")
    if isinstance(known, MetaModel):
        raise InputError(
            "a model as the portfolio",
            allowed="portfolios and studies",
            do="Give it as tune(..., model=MetaModel.load(FILE))",
        )
    return {c.name: _of(known, c, table, alone=len(chosen) == 1) for c in chosen}


def _of(known: Portfolio, child: Child, table: Table, *, alone: bool) -> Priors:
    from autometa.tables import relatives

    usable = _of_kind(known.select(child.space), table)
    same_name = _of_kind(known.select(child.name), table)
    usable = usable.merge(_older(same_name, child))
    if alone and len(same_name) and not len(usable):
        raise PortfolioError(
            f"the portfolio's space of {child.name!r} differs too much from that of this autometa",
            allowed=f"a portfolio of {listed(child.space.names)}",
            do="Collect it again with `autometa collect`, or use --portfolio none",
        )
    usable = usable.merge(_adapted(known, child, alone=alone))
    related = relatives(table, usable.tasks)
    return Priors(usable.without(related), tuple(task.name for task in related))


def _of_kind(known: Portfolio, table: Table) -> Portfolio:
    """Tasks of the table's kind of problem: a regression says little of a classification."""
    return Portfolio(
        (h for h in known.histories if h.task.info.get("kind", table.kind) == table.kind),
        provenance=known.provenance,
        licence=known.licence,
    )


def _older(known: Portfolio, child: Child) -> Portfolio:
    """Tasks of the child in a space that it had before, in its present one."""
    others = Portfolio(
        (h for h in known.histories if h.task.space != child.space),
        provenance=known.provenance,
        licence=known.licence,
    )
    return others.adapt(child.space, outside="drop")[0] if len(others) else others


def _adapted(known: Portfolio, child: Child, *, alone: bool) -> Portfolio:
    """Studies that are of no child's space, in this child's."""
    own = {child.name, *children.names()}
    others = Portfolio(
        (h for h in known.histories if h.task.space.name not in own),
        provenance=known.provenance,
        licence=known.licence,
    )
    if not len(others):
        return Portfolio()
    found, report = others.adapt(child.space, outside="drop")
    if alone and not report.helps and len(others) == len(known):
        raise PortfolioError(
            f"none of the studies helps {child.name!r}: {report.spaces[0].too_different}",
            allowed=f"studies of {listed(child.space.names)}",
            do="Name the parameters alike, or use --portfolio none",
        )
    return found
