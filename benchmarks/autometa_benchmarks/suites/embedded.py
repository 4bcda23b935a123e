"""The embedded portfolio as a prior: without the table at hand, its family and its copies."""

from __future__ import annotations

import numpy as np

from autometa import children
from autometa.errors import InputError, PortfolioError
from autometa.portfolio import Portfolio
from autometa.tables import Table, relatives
from autometa.task import TaskHistory


def embedded() -> dict[str, Portfolio]:
    """Child -> its embedded histories.

    Raises:
        InputError: this build ships no portfolio.
    """
    found = {}
    for child in children.names():
        try:
            found[child] = Portfolio.embedded(child)
        except PortfolioError:
            continue
    if not found:
        raise InputError(
            "no embedded portfolio in this build",
            allowed="a release, or a checkout with the portfolio's files",
            do="Collect one with `autometa collect`",
        )
    return found


def without_relatives(
    portfolio: Portfolio, table: Table, evaluations: int | None, seed: int
) -> Portfolio:
    """The histories of tables that are no relatives of a table, by name, family or fingerprint.

    Args:
        portfolio: Of one child.
        table: Whole, as its file has it.
        evaluations: At most this many random ones a prior task; None = all there are.
        seed: Which ones.
    """
    left = portfolio.without([table.name, table.family, *relatives(table, portfolio.tasks)])
    return Portfolio(some_of(h, evaluations, seed) for h in left.histories)


def some_of(history: TaskHistory, n: int | None, seed: int) -> TaskHistory:
    """At most n trials of a history, drawn at random."""
    if n is None or n >= len(history):
        return history
    rng = np.random.default_rng([seed, len(history), n])
    return history.take(np.sort(rng.choice(len(history), size=n, replace=False)))
