"""Which prior tasks a table may learn from: all of a child's, without the table and its relatives.

A portfolio that holds the very table to be tuned would make the warm start look better than it is,
so such tasks are always left out, and named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import optuna

from autometa import children
from autometa.errors import InputError, PortfolioError
from autometa.meta import MetaModel
from autometa.portfolio import Portfolio
from autometa.portfolio.store.shipped import embedded_names
from autometa.priors.opening import EMBEDDED, PriorSource, open_prior
from autometa.priors.own_tasks import without_study
from autometa.space.values import listed
from autometa.storages.studies import opened

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from autometa.children import Child
    from autometa.tables import Table


@dataclass(frozen=True, slots=True)
class Priors:
    """The prior tasks of one child: those to learn from, and the names of those left out."""

    portfolio: Portfolio
    excluded: tuple[str, ...]


def gatherer(
    sources: PriorSource,
    chosen: Sequence[Child],
    table: Table,
    metric: str | None = None,
    storage: BaseStorage | str | None = None,
    study_name: str | None = None,
) -> Callable[[Sequence[str]], Mapping[str, Priors]]:
    """As `gather_each`, for some of the children at a time: what ships is read as it is needed.

    What the study holds that is going to be continued, by its storage and name, is no prior task.

    Returns:
        (names of children) -> the prior tasks of each.
    """
    if not _ships(sources):
        every = gather_each(sources, chosen, table, metric)
        if study_name is not None:
            own = _studies(storage, study_name)
            every = {name: _without_own(priors, own) for name, priors in every.items()}
        return lambda names: {name: every[name] for name in names}
    known = {child.name: child for child in chosen}
    return lambda names: gather_each(sources, [known[name] for name in names], table, metric)


def _ships(sources: PriorSource) -> bool:
    return isinstance(sources, str) and sources == EMBEDDED


def _studies(storage: BaseStorage | str | None, study_name: str) -> list[optuna.Study]:
    """The studies of a search: of its families, and of its cold arm."""
    place = opened(storage)
    if place is None:
        return []
    names = optuna.get_all_study_names(place)
    own = [n for n in names if n == study_name or n.startswith(f"{study_name}-")]
    return [optuna.load_study(study_name=name, storage=place) for name in own]


def _without_own(priors: Priors, own: Sequence[optuna.Study]) -> Priors:
    portfolio = priors.portfolio
    for study in own:
        left = without_study(portfolio, study)
        assert isinstance(left, Portfolio)
        portfolio = left
    gone = {task.name for task in priors.portfolio.tasks} - {t.name for t in portfolio.tasks}
    return Priors(portfolio, (*priors.excluded, *sorted(gone)))


def gather_each(
    sources: PriorSource, chosen: Sequence[Child], table: Table, metric: str | None = None
) -> dict[str, Priors]:
    """Prior tasks in the space of each child, by the child's name; relatives of the table excluded.

    Args:
        sources: Whatever `open_prior` opens, but a model. "embedded" is what ships for each child.
        chosen: Children. Each gets the tasks of its own space and studies of other spaces that can
            be adapted to it, but none of another child's.
        table: What is going to be tuned.
        metric: By which tasks are seen, where they were scored by it.

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
            do="Give it as tune(..., meta_model=MetaModel.load(FILE))",
        )
    known = _seen_by(metric, known)
    alone = len(chosen) == 1 and not _ships(sources)
    return {c.name: _of(known, c, table, alone=alone) for c in chosen}


def _seen_by(metric: str | None, known: Portfolio) -> Portfolio:
    """Every task by a metric, where it was scored by that; as it is where it was not."""
    if metric is None:
        return known
    scored = [h for h in known.histories if metric in h.task.metrics and metric != h.task.metric]
    if not scored:
        return known
    again = Portfolio(scored).by(metric).by_key
    kept = [again.get(key, history) for key, history in known.by_key.items()]
    return replace(known, histories=tuple(kept))


def _of(known: Portfolio, child: Child, table: Table, *, alone: bool) -> Priors:
    from autometa.tables import relatives

    kind = str(table.kind)
    usable = known.select(child.space).of_kind(kind)
    same_name = known.select(child.name).of_kind(kind)
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


def _older(known: Portfolio, child: Child) -> Portfolio:
    """Tasks of the child in a space that it had before, in its present one."""
    others = replace(
        known, histories=tuple(h for h in known.histories if h.task.space != child.space)
    )
    return others.adapt(child.space, outside="drop")[0] if len(others) else others


def _adapted(known: Portfolio, child: Child, *, alone: bool) -> Portfolio:
    """Studies that are of no child's space, in this child's."""
    own = {child.name, *children.names()}
    others = replace(
        known, histories=tuple(h for h in known.histories if h.task.space.name not in own)
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
