"""The first configs of a new search: greedy over the catalogue, the prior tasks as its judges.

Which ones are chosen is decided in `zero_shot`; here they are given a reason each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from autometa.encoding import Floats
from autometa.errors import ModelError
from autometa.meta.learned import Learned
from autometa.meta.parts.catalogue import Catalogue
from autometa.meta.parts.zero_shot import greedy_portfolio
from autometa.showing import counted
from autometa.space import Config, SearchSpace
from autometa.space.clipping import clip_to
from autometa.space.ranges import inside


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One config to try before anything is known of the new task.

    Args:
        config: What to try.
        inner_lr: Its inner learning rate; None where the space has none or it is inactive.
        expected: Mean normal score that prior tasks predict for it: 0 = a median random config,
            1.28 = better than nine in ten. NaN where nothing was learned.
        reason: Why, in a sentence.
    """

    config: Config
    inner_lr: float | None
    expected: float
    reason: str

    def __repr__(self) -> str:
        rate = "" if self.inner_lr is None else f", inner_lr={self.inner_lr:.3g}"
        nothing = self.expected != self.expected
        score = "unknown" if nothing else f"{self.expected:+.2f} normal scores"
        return f"Candidate({self.config}{rate}, expected: {score}, {self.reason!r})"


def first_configs(
    learned: Learned,
    n: int,
    *,
    meta_features: Mapping[str, float] | None = None,
    within: SearchSpace | None = None,
    dearness: Callable[[Floats], Floats] | None = None,
) -> list[Candidate]:
    """At most n configs, in the order in which to try them; see `MetaModel.warm_start`.

    With `dearness`, the relative cost of unit configs (m, d) -> (m,), the list that gains most for
    its cost.

    Raises:
        ModelError: n is negative.
    """
    if n < 0:
        raise ModelError(f"n = {n}", allowed="0 or more candidates")
    space = learned.space
    if learned.transfer is None:
        return _defaults(space)[:n]
    catalogue = learned.transfer.catalogue
    relevance = learned.task_relevance(meta_features)[catalogue.judges]
    weights = relevance / relevance.sum()
    equal = np.full(len(weights), 1.0 / len(weights))
    rows = np.arange(len(catalogue.unit))
    if within is not None and within != space:
        rows = np.flatnonzero(inside(within, space, space.decode_raw(catalogue.unit)))
    cost = None if dearness is None else dearness(catalogue.unit[rows])
    chosen = rows[greedy_portfolio(catalogue.regret[rows], n, equal, cost)]
    configs = space.from_raw(space.decode_raw(catalogue.unit[chosen]))
    if within is not None:
        configs = [_searched(config, within) for config in configs]
    return [
        Candidate(
            config=config,
            inner_lr=_inner_lr(space, config),
            expected=float(predicted @ weights),
            reason=_reason(learned.tasks, catalogue, predicted, rank),
        )
        for rank, (config, predicted) in enumerate(
            zip(configs, catalogue.scores[chosen], strict=True)
        )
    ]


def _searched(config: Config, within: SearchSpace) -> Config:
    """What is searched of a config; what a rounding error put beyond a bound lies on it."""
    found: Config = {}
    for name, distribution in within.distributions.items():
        if name in config:
            near = clip_to(distribution, config[name])
            found[name] = config[name] if near is None else near[0]
    return found


def _defaults(space: SearchSpace) -> list[Candidate]:
    if not space.defaults:
        return []
    config = dict(space.defaults)
    return [
        Candidate(
            config=config,
            inner_lr=_inner_lr(space, config),
            expected=float("nan"),
            reason="the space's default config; nothing has been learned from prior tasks",
        )
    ]


def _reason(tasks: tuple[str, ...], catalogue: Catalogue, predicted: Floats, rank: int) -> str:
    """Why the config is at this place of the list, from 0; `predicted` (J,) of each judge."""
    order = np.argsort(-predicted)
    best_for = ", ".join(tasks[catalogue.judges[i]] for i in order[:3])
    role = "best on average over" if rank == 0 else f"adds most to the {rank} before it, over"
    return f"{role} {counted(len(tasks), 'prior task')}; strongest on {best_for}"


def _inner_lr(space: SearchSpace, config: Config) -> float | None:
    value = config.get(space.inner_lr) if space.inner_lr else None
    return None if value is None else float(value)
