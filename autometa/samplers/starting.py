"""What `create_study` and `warm_start` do alike: features, samplers and what a study is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import optuna

from autometa.errors import InputError
from autometa.meta import MetaModel
from autometa.meta.cost_model import CostModel
from autometa.priors.beginning import Beginning, say
from autometa.priors.cost import check_cost, with_seconds
from autometa.priors.knowing import Known, Wish
from autometa.priors.opening import which_family
from autometa.priors.prior_model import Fitted
from autometa.samplers.sampler import MetaSampler
from autometa.samplers.source import Source
from autometa.space import SearchSpace, Value
from autometa.task import Direction, Task

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


ADAPTED = "autometa:adapted"  # user attribute of a study: the report as lines


def sampler_of(
    model: MetaModel | CostModel, space: SearchSpace | None, **options: Any
) -> BaseSampler:
    """A sampler of what was fitted, in the space that is searched."""
    return MetaSampler(model, space=space, **options)


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


def for_cost(
    cost: str | None, known: Known, fitted: Fitted, space: SearchSpace | None, **options: Any
) -> MetaModel | CostModel:
    """What was fitted; with what its tasks' trials took, where that counts."""
    return fitted.model if cost is None else with_seconds(known, fitted, space, **options)


def by_run(
    source: Source,
    known: Known,
    wish: Wish,
    first: Mapping[str, Value],
    **options: Any,
) -> tuple[BaseSampler, Beginning]:
    """A sampler that learns from the trials what is searched, and how it begins."""
    if isinstance(known.prior, MetaModel):  # of a list there is none
        raise which_family(known.families)
    sampler = MetaSampler(
        source.prior,
        first=dict(first),
        metric=wish.metric,
        data=None if wish.data is None else wish.data.table,
        fixed=wish.fixed,
        rules=wish.rules,
        **options,
    )
    tasks = known.prior.tasks
    return sampler, Beginning(
        tasks=len(tasks),
        trials=sum(map(len, known.prior.histories)),
        metrics=tuple(dict.fromkeys(t.metric for t in tasks)),
        known=tuple(dict.fromkeys(n for s in known.prior.spaces for n in s.names)),
        why="" if tasks else "no prior task is of this kind",
    )


def given_features(
    given: Mapping[str, float] | None, named: Task | None
) -> Mapping[str, float] | None:
    """Meta-features that the user gives, else the task's."""
    if given is None and named is not None and named.meta_features:
        return named.meta_features
    return given


def features_of(
    given: Mapping[str, float] | None, named: Task | None, wish: Wish
) -> Mapping[str, float] | None:
    """Meta-features: those given, else the task's, else those of the data."""
    found = given_features(given, named)
    return wish.data.meta_features if found is None and wish.data is not None else found


def tell(study: optuna.Study, fitted: Fitted, known: Known, *, asked: bool) -> None:
    """Note on the study, and log, how it begins."""
    note_adapted(study, fitted)
    say(study, fitted.beginning, asked=asked, names=known.lines)


def note_adapted(study: optuna.Study, fitted: Fitted) -> None:
    """Note on the study what matching the prior to its space did, one line an item."""
    study.set_user_attr(ADAPTED, [*str(fitted.report).splitlines(), *fitted.notes])
