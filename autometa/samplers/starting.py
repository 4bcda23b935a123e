"""What `create_study` and `warm_start` do alike, of one objective and of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import optuna
from optuna.samplers import BaseSampler

from autometa.errors import InputError
from autometa.meta import MetaLearner
from autometa.priors.cost import check_cost
from autometa.priors.knowing import Wish
from autometa.priors.prior_model import Fitted
from autometa.samplers.source import Source
from autometa.space import Config, SearchSpace, Value
from autometa.suggest.stated import stated_config, stated_in_part
from autometa.task import Direction

ADAPTED = "autometa:adapted"  # user attribute of a study: the report as lines


@dataclass(frozen=True, kw_only=True)
class Request:
    """What somebody who starts a study says.

    Args:
        source: What they call a prior.
        wish: What they say of the search.
        own: The study, where it exists: it is no prior of itself.
        meta_features: Those that they give, or the task's.
        seed: As of `create_study`, like all that follow.
        base: As of `create_study`.
        learner: As of `create_study`.
        incumbent: As of `create_study`.
        defaults: As of `create_study`.
        widen: See `matched`.
    """

    source: Source
    wish: Wish
    own: optuna.Study | None
    meta_features: Mapping[str, float] | None
    seed: int
    base: BaseSampler | None
    learner: MetaLearner | None
    incumbent: Mapping[str, Value] | bool | None
    defaults: Mapping[str, Value] | None
    widen: bool = True

    @property
    def features(self) -> Mapping[str, float] | None:
        """Meta-features: those given, else those of the data."""
        if self.meta_features is None and self.wish.data is not None:
            return self.wish.data.meta_features
        return self.meta_features

    @property
    def stated(self) -> Config:
        """What is stated of the first config, where the space is not known."""
        return {**(self.defaults or {}), **stated_in_part(self.incumbent)}

    def stated_in(self, space: SearchSpace) -> Config | None:
        """The first config in a space, where one is stated."""
        return stated_config(space, self.incumbent, self.defaults)


def check_cost_alone(cost: str | None, several: Sequence[Direction]) -> None:
    """Refuse an unknown cost, and one beside several objectives.

    Raises:
        InputError: either.
    """
    if check_cost(cost) is not None and several:
        raise InputError(
            "a cost and several objectives",
            allowed='the time of trials as one of them: metric=["accuracy", "seconds"]',
        )


def note_adapted(study: optuna.Study, fitted: Fitted) -> None:
    """Note on the study what matching the prior to its space did, one line an item."""
    study.set_user_attr(ADAPTED, [*str(fitted.report).splitlines(), *fitted.notes])
