"""Whether own studies know more by now than another prior, such as a family that ships.

Two further methods of a replay: the other prior alone, and both in one model, where each of its
tasks is a task like any other. The own studies have overtaken it once searches that know only them
have less regret.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autometa.bench.method import Method, Start, Starter
from autometa.portfolio import Portfolio
from autometa.priors.knowing import known_of, wish_of
from autometa.priors.prior_model import fit_known, must_help
from autometa.replaying.found import alone_name, together_name
from autometa.samplers.sampler import MetaSampler
from autometa.space import Config, SearchSpace
from autometa.task import Task


def beside(prior: str, metric: str | None) -> tuple[Method, Method]:
    """See the module.

    Args:
        prior: A family's name, or what else `open_prior` opens.
        metric: What the studies' values measure, where a family is to teach by it.
    """
    return (
        Method(
            name=alone_name(prior),
            about=f"autometa that knows {prior} and none of your studies",
            prepare=_prepare(lambda own: prior, metric),
        ),
        Method(
            name=together_name(prior),
            about=f"autometa that knows {prior} and your other studies",
            prepare=_prepare(lambda own: [prior, own], metric),
        ),
    )


def _prepare(
    prior: Callable[[Portfolio], Any], metric: str | None
) -> Callable[[Portfolio, SearchSpace, int], Starter]:
    def prepare(portfolio: Portfolio, space: SearchSpace, seed: int) -> Starter:
        wish = wish_of(space=space, direction=portfolio.tasks[0].direction, metric=metric)
        fitted = must_help(fit_known(known_of(prior(portfolio), wish), space, seed=seed))

        def start(task: Task, seed: int) -> Start:
            def within(pool: Sequence[Config] | None) -> MetaSampler:
                return MetaSampler(
                    fitted.model,
                    seed=seed,
                    meta_features=task.meta_features or None,
                    space=space,
                    pool=pool,
                )

            return Start(sampler=within(None), within=within)

        return start

    return prepare
