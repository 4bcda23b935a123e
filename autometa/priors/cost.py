"""A prior whose trials have seconds -> a meta-model that knows what configs cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autometa.errors import InputError
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.cost_model import CostModel
from autometa.portfolio import Portfolio
from autometa.portfolio.objectives import SECONDS, by_seconds
from autometa.priors.knowing import Known, Wish, known_of
from autometa.priors.opening import PriorSource
from autometa.priors.prior_model import Fitted, fit_known
from autometa.space import SearchSpace


def check_cost(cost: str | None) -> str | None:
    """The name of a cost, if it is one.

    Raises:
        InputError: anything but None and "seconds".
    """
    if cost not in (None, SECONDS):
        raise InputError(f"cost={cost!r}", allowed="None, 'seconds'")
    return cost


def with_seconds(
    known: Known,
    fitted: Fitted,
    space: SearchSpace | None,
    *,
    seed: int = 0,
    learner: MetaLearner | None = None,
) -> CostModel:
    """What was fitted, and beside it what the same tasks' trials cost.

    Raises:
        InputError: a model, which does not know its tasks' seconds.
    """
    if isinstance(known.prior, MetaModel):
        raise InputError(
            "a model where the seconds of its prior tasks are needed",
            allowed="the portfolio or the studies that it was fitted on",
        )
    found = (h for h in map(by_seconds, known.prior.histories) if h is not None)
    logs = replace(known.prior, histories=tuple(replace(h, values=np.log(h.values)) for h in found))
    if not len(logs):  # the search then learns from its own trials alone what they cost
        nothing = MetaLearner(seed=seed).fit(Portfolio(), space=fitted.model.space)
        return CostModel(quality=fitted.model, seconds=nothing)
    seconds = fit_known(replace(known, prior=logs), space, seed=seed, learner=learner)
    return CostModel(quality=fitted.model, seconds=seconds.model)


def cost_model_of(
    prior: PriorSource | CostModel, wish: Wish, seed: int, learner: MetaLearner | None = None
) -> CostModel:
    """What a sampler learns of a prior that is searched for its seconds, too.

    Raises:
        AutometaError: as `known_of`, `fit_known` and `with_seconds`.
    """
    if isinstance(prior, CostModel):
        return prior
    known = known_of(prior, wish)
    fitted = fit_known(known, wish.space, seed=seed, learner=learner)
    return with_seconds(known, fitted, wish.space, seed=seed, learner=learner)
