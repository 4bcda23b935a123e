"""A prior of several objectives -> what was learned of them, for the parameters of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autometa.errors import InputError
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.front_model import FrontModel
from autometa.portfolio import Portfolio
from autometa.portfolio.objectives import (
    SECONDS,
    by_seconds,
    common,
    each_objective,
    of_several,
    scalarised,
    spread_directions,
)
from autometa.priors.beginning import Beginning
from autometa.priors.knowing import Known, Wish, known_of, names_family
from autometa.priors.opening import PriorSource
from autometa.priors.prior_model import Fitted, fit_known, model_of
from autometa.space import SearchSpace
from autometa.task import Direction

_DIRECTIONS = 5  # in which tasks are scalarised


@dataclass(frozen=True, kw_only=True)
class KnownFront:
    """What is known of a search for several objectives before its first trial.

    Args:
        known: Of it as of any search; its prior is that of the first objective.
        portfolios: The prior tasks by each objective.
    """

    known: Known
    portfolios: tuple[Portfolio, ...]


@dataclass(frozen=True, kw_only=True)
class FittedFront:
    """A meta-model for a search for several objectives.

    Args:
        model: What was learned.
        first: How the first objective's own model was fitted: what became of the prior's trials.
        beginning: How the search starts, in a line.
    """

    model: FrontModel
    first: Fitted
    beginning: Beginning


def known_front(
    prior: PriorSource,
    wish: Wish,
    metrics: Sequence[str] | None,
    directions: Sequence[Direction] | None,
) -> KnownFront:
    """What a prior knows of several objectives; metrics are None where studies had them.

    Raises:
        InputError: objectives that are not named where they must be, or of which the prior knows
            nothing; a family and no space; and as `known_of`, like all others.
    """
    wish = replace(wish, metric=None, direction=None)
    if metrics is not None and names_family(prior):
        if wish.space is None:  # its names and units would be the family's, not the user's
            raise InputError(
                "a family for several objectives where only the trials tell what is searched",
                do="Say space=",
            )
        every = [known_of(prior, _by(wish, m)) for m in metrics]
        read = [
            _seconds(k.prior) if m == SECONDS else k.prior
            for k, m in zip(every, metrics, strict=True)
        ]
        portfolios = common([p for p in read if isinstance(p, Portfolio)])
        found = [p.tasks[0].direction for p in portfolios if len(p)]
        if directions is not None and found and found != list(directions):
            raise InputError(
                f"the directions {list(directions)} of {list(metrics)}", allowed=str(found)
            )
        return KnownFront(known=replace(every[0], prior=portfolios[0]), portfolios=portfolios)
    known = known_of(prior, wish)
    return front_of(known, metrics, directions)


def front_of(
    known: Known, metrics: Sequence[str] | None, directions: Sequence[Direction] | None
) -> KnownFront:
    """The objectives of what was opened; see `known_front`."""
    if isinstance(known.prior, MetaModel):
        raise InputError(
            "a model of one objective for a search of several",
            allowed="the portfolio or the studies that it was fitted on",
        )
    if not len(known.prior):
        count = len(directions or metrics or ())
        return KnownFront(known=known, portfolios=(known.prior,) * max(count, 2))
    portfolios = each_objective(known.prior, metrics, directions)
    return KnownFront(known=replace(known, prior=portfolios[0]), portfolios=portfolios)


def fit_front(
    found: KnownFront,
    space: SearchSpace | None,
    directions: Sequence[Direction],
    *,
    seed: int = 0,
    learner: MetaLearner | None = None,
    widen: bool = True,
    empty: str = "",
) -> FittedFront:
    """The meta-model of a prior of several objectives; arguments as of `fit_prior`."""

    def fit(portfolio: Portfolio) -> Fitted:
        return fit_known(
            replace(found.known, prior=portfolio),
            space,
            seed=seed,
            learner=learner,
            widen=widen,
            empty=empty,
        )

    each = [fit(p) for p in found.portfolios]
    weights = spread_directions(len(each), _DIRECTIONS)
    lead = fit(scalarised(found.portfolios, weights))
    metrics = tuple(p.tasks[0].metric if len(p) else str(k) for k, p in enumerate(found.portfolios))
    return FittedFront(
        model=FrontModel(
            lead=lead.model,
            models=tuple(f.model for f in each),
            directions=tuple(directions),
            metrics=metrics,
        ),
        first=each[0],
        beginning=replace(each[0].beginning, metrics=metrics),
    )


def learned_of(
    prior: PriorSource | FrontModel,
    wish: Wish,
    metrics: Sequence[str] | None,
    seed: int,
    learner: MetaLearner | None = None,
) -> FrontModel | MetaModel:
    """What a sampler learns from whatever a prior is, of one objective or of several.

    Raises:
        AutometaError: as `known_front`, `fit_front` and `model_of`.
    """
    if isinstance(prior, FrontModel | MetaModel):
        return prior
    if metrics is not None:
        found = known_front(prior, wish, metrics, None)
    elif prior is None or wish.metric is not None or names_family(prior):
        return model_of(prior, wish, seed, learner)
    else:
        known = known_of(prior, wish)
        if isinstance(known.prior, MetaModel) or not of_several(known.prior):
            return model_of(known.prior, wish, seed, learner)
        found = front_of(known, None, None)
    directions: list[Direction] = [p.tasks[0].direction for p in found.portfolios if len(p)]
    return fit_front(found, wish.space, directions, seed=seed, learner=learner).model


def _by(wish: Wish, metric: str) -> Wish:
    return wish if metric == SECONDS else replace(wish, metric=metric)


def _seconds(prior: Portfolio | MetaModel) -> Portfolio | MetaModel:
    if isinstance(prior, MetaModel):
        return prior
    found = (by_seconds(h) for h in prior.histories)
    return replace(prior, histories=tuple(h for h in found if h is not None))
