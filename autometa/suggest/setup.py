"""Setup: what stays the same in all trials of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autometa.encoding import Floats
from autometa.limits import whole
from autometa.meta.cost_model import CostModel
from autometa.meta.front_model import FrontModel
from autometa.meta.model import MetaModel
from autometa.meta.new_task import known_features
from autometa.meta.parts.inner_rate import InnerRate
from autometa.space import Config, SearchSpace
from autometa.suggest.cost import Cost
from autometa.suggest.front import Front
from autometa.suggest.known_spaces import KnownSpaces
from autometa.suggest.policy import Policy
from autometa.suggest.pool import Pool
from autometa.suggest.start_list import StartList


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """See the module; `Setup.of` makes one from what a user gives.

    Args:
        model: What was learned from prior tasks.
        knowledge: The same in the columns of a study's space.
        start: The zero-shot list.
        policy: How trials are shared out.
        seed: Together with a trial's number it decides all that is random.
        pool: The only configs that can be tried, where there is such a list.
        relevance: Weights of the prior tasks before any trial, (T,); None where none taught.
        rate: Where earlier tasks say that the inner rate lies, where that narrows the search.
        space_known: Whether it was said beforehand what is searched: the list keeps to it.
        base: Whether the user's own base sampler takes the cold trials.
        front: What prior tasks taught of each of several objectives; None of one.
        cost: What they taught of seconds; None where these do not count.
    """

    model: MetaModel
    knowledge: KnownSpaces
    start: StartList
    policy: Policy
    seed: int = 0
    pool: Pool | None = None
    relevance: Floats | None = None
    rate: InnerRate | None = None
    space_known: bool = False
    base: bool = False
    front: Front | None = None
    cost: Cost | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", whole(self.seed, "seed", low=0))

    @classmethod
    def of(
        cls,
        model: MetaModel | FrontModel | CostModel,
        *,
        seed: int = 0,
        policy: Policy | None = None,
        meta_features: Mapping[str, float] | None = None,
        pool: Sequence[Config] | None = None,
        space: SearchSpace | None = None,
        first: Config | None = None,
        base: bool = False,
    ) -> Setup:
        """A setup; the arguments are those of `MetaSampler`.

        Raises:
            SpaceError: a config of the pool does not fit what is searched, else the model's space.
            InputError: meta-features that are no mapping, or a seed that is no whole number from 0.
        """
        policy, features = policy or Policy(), known_features(meta_features)
        whole, front, cost = model, None, None
        if isinstance(model, FrontModel):
            front, model = Front.of(model, features), model.lead
        elif isinstance(model, CostModel):
            cost, model = Cost.of(model, features), model.quality
        listed = None if pool is None else Pool.of(space or model.space, pool)
        learned = model.transfer is not None and model.transfer.rates is not None
        return cls(
            model=model,
            knowledge=KnownSpaces(model),
            start=StartList(
                whole, features, pool=listed, within=space, stated=first, ready=policy.warm_trials
            ),
            policy=policy,
            seed=seed,
            pool=listed,
            relevance=None if model.transfer is None else model.task_relevance(features),
            rate=model.predict_inner_lr(features) if learned and policy.narrowed else None,
            space_known=space is not None,
            base=base,
            front=front,
            cost=cost,
        )

    @property
    def base_takes_cold(self) -> bool:
        """Whether cold trials are the base sampler's; one that knows no pool cannot keep to it."""
        return self.base and self.pool is None

    def rng(self, number: int, *stream: int) -> np.random.Generator:
        """Randomness of one use in one trial."""
        return np.random.default_rng([self.seed, number, *stream])

    def base_seed(self, number: int, key: int) -> int:
        """The seed of a base sampler that is made for one question of a trial."""
        return int(self.rng(number, 1, key).integers(2**31))
