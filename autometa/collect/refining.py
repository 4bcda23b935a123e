"""Rounds after the design: the configs that the prior tasks themselves would start with.

What limits a start is how well the prior tasks are judged where it matters. So once a family's
design is evaluated on every table, the meta-model is fitted to it and the configs that complement
one another best over all tables are evaluated on every table, too; and again. On two public
benchmarks four rounds of 16 after 65 random configs halved the regret of a start's first three
trials, where 64 random configs more took off a fifth.

Histories of other tables may take part in the choice. Then a round after nothing but the defaults
evaluates what these tables would start with: few configs for tables that are dear.

A round depends on the seed, its number and the results in the design's order, never on the order in
which they arrived.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autometa.meta import MetaLearner
from autometa.meta.parts.zero_shot import greedy_portfolio
from autometa.portfolio import Portfolio
from autometa.space import Config, SearchSpace
from autometa.task import TaskHistory

STREAM = 7919  # of the seeds of rounds, apart from those of designs


def refine(
    histories: Sequence[TaskHistory],
    space: SearchSpace,
    n: int,
    seed: int,
    number: int,
    others: Sequence[TaskHistory] = (),
) -> list[Config]:
    """At most n configs that none of the histories has, the most useful first.

    Configs that were evaluated are weighed like the others and take their place in the list, but do
    not count. Where nothing can be learned (no table with two different results) there are none.

    Args:
        histories: Of one child and one kind of problem, in a fixed order.
        space: The child's, for that kind.
        n: How many.
        seed: Of the collection.
        number: Of the round, from 1.
        others: Histories of other tables, which are weighed alike; what they tried may be chosen.
    """
    portfolio = Portfolio([*others, *histories])
    fit_seed = int(np.random.default_rng([seed, STREAM, number]).integers(2**31))
    model = MetaLearner(seed=fit_seed).fit(portfolio, space=space)
    if model.transfer is None:
        return []
    catalogue = model.transfer.catalogue
    weights = np.ones(len(catalogue.judges))
    order = greedy_portfolio(catalogue.regret, len(catalogue.unit), weights)
    had = {tuple(row) for h in histories for row in space.encode_raw(h.raw).round(9).tolist()}
    found: list[Config] = []
    for config in space.from_raw(space.decode_raw(catalogue.unit[order])):
        place = tuple(space.encode(config).round(9).tolist())
        if place not in had:
            had.add(place)
            found.append(config)
        if len(found) == n:
            break
    return found
