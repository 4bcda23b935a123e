"""Orders in which pairs of family and config are tried on a held-out table.

Each strategy learns from prior tables only, and on the new table from the scores of what it has
tried; the seconds that a pair takes there it must predict.

Shapes: T prior tables, m pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.tuning.pairs import Pairs

NOTHING = 1.5  # regret before the first result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """What prior tables say, for one new table.

    Args:
        regret: On the prior tables, (T, m): 0 for the best pair, 1 for the median one.
        pairs: The same as the search learns it, with predicted seconds.
        seed: Of what is drawn.
    """

    regret: Floats
    pairs: Pairs
    seed: int

    @property
    def family(self) -> NDArray[np.int64]:
        """Number of each pair's family, (m,)."""
        return np.unique(self.pairs.families, return_inverse=True)[1]


Ask: TypeAlias = Callable[[int], float]
"""The score of a pair on the new table."""
Strategy: TypeAlias = Callable[[Known, Ask], Iterator[int]]


def pairs(known: Known, ask: Ask) -> Iterator[int]:
    """What the search does: expected improvement for each root of a second."""
    seen: dict[int, float | None] = {}
    while (pair := known.pairs.next(seen)) is not None:
        seen[pair] = ask(pair)
        yield pair


def pairs_by_trials(known: Known, ask: Ask) -> Iterator[int]:
    """The same, whatever a pair costs."""
    even = replace(known.pairs, seconds=np.ones_like(known.pairs.seconds))
    yield from pairs(replace(known, pairs=even), ask)


def greedy(known: Known, ask: Ask) -> Iterator[int]:
    """A list of pairs that complement one another on the prior tables."""
    yield from _greedy(known.regret, np.ones(known.regret.shape[1]))


def greedy_per_second(known: Known, ask: Ask) -> Iterator[int]:
    """The same, by what a pair adds for each predicted second."""
    yield from _greedy(known.regret, known.pairs.seconds)


def halving(known: Known, ask: Ask) -> Iterator[int]:
    """Sequential halving of the families (Karnin et al., 2013), each by its own greedy list."""
    own = [np.flatnonzero(known.family == k) for k in range(known.family.max() + 1)]
    lists = [list(places[list(_greedy(known.regret[:, places], None))]) for places in own]
    order = np.argsort([known.regret[:, places].min(axis=1).mean() for places in own])
    alive, best = [int(k) for k in order], np.full(len(own), -np.inf)
    while any(lists[k] for k in alive):
        each = max(1, len(own) * 2 // len(alive))
        for k in alive:
            for _ in range(each if len(alive) > 1 else len(lists[k])):
                if lists[k]:
                    pair = int(lists[k].pop(0))
                    best[k] = max(best[k], ask(pair))
                    yield pair
        alive = sorted(alive, key=lambda k: -best[k])[: max(1, (len(alive) + 1) // 2)]


def random(known: Known, ask: Ask) -> Iterator[int]:
    """In any order."""
    yield from map(int, np.random.default_rng(known.seed).permutation(known.regret.shape[1]))


STRATEGIES: Mapping[str, Strategy] = {
    "pairs": pairs,
    "pairs by trials": pairs_by_trials,
    "greedy": greedy,
    "greedy per second": greedy_per_second,
    "halving": halving,
    "random": random,
}


def _greedy(regret: Floats, seconds: Floats | None) -> Iterator[int]:
    """Columns (m,) by what each takes off the mean of the least regret (T,), for its seconds."""
    cost = np.ones(regret.shape[1]) if seconds is None else seconds
    reached, left = np.full(len(regret), NOTHING), np.ones(regret.shape[1], dtype=bool)
    while left.any():
        gain = np.maximum(reached[:, None] - regret, 0.0).mean(axis=0) / cost
        if not gain[left].max() > 0:  # nothing is added any more: the best by itself
            gain = -regret.mean(axis=0) / cost
        pair = int(np.where(left, gain, -np.inf).argmax())
        left[pair] = False
        reached = np.minimum(reached, regret[:, pair])
        yield pair
