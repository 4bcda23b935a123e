"""warm_start: a study that exists gets a sampler that starts where earlier ones ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import BaseDistribution

from autometa.errors import InputError
from autometa.meta import MetaLearner
from autometa.meta.new_task import known_features
from autometa.priors.knowing import wish_of
from autometa.priors.opening import PriorSource
from autometa.samplers.own_study import base_of, own_space
from autometa.samplers.source import Source
from autometa.samplers.start_one import start_one
from autometa.samplers.start_several import asked_directions, start_several
from autometa.samplers.starting import Request, check_cost_alone
from autometa.space import SearchSpace, Value
from autometa.space.rates import as_space
from autometa.space.rules import Rules
from autometa.storages.studies import check_study
from autometa.task import Direction

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


def warm_start(
    study: optuna.Study,
    prior: PriorSource,
    *,
    space: SearchSpace | Mapping[str, BaseDistribution] | None = None,
    metric: str | Sequence[str] | None = None,
    data: Any = None,
    fixed: Mapping[str, Value] | None = None,
    seed: int = 0,
    meta_features: Mapping[str, float] | None = None,
    base: BaseSampler | None = None,
    learner: MetaLearner | None = None,
    renamed: Mapping[str, str] | None = None,
    choices: Mapping[str, Mapping[Value, Value]] | None = None,
    defaults: Mapping[str, Value] | None = None,
    incumbent: Mapping[str, Value] | bool | None = None,
    cost: str | None = None,
) -> optuna.Study:
    """Give a study that exists a sampler that starts from a prior; no trial is added to it.

    Trials that the study has already count as always; the study itself is never part of its prior.

    Args:
        study: With or without trials.
        prior: As of `create_study`.
        space: What is tuned; by default what `create_study` noted, else what the study's trials
            show, else the prior's only space.
        metric: As of `create_study`, like the next two.
        data: As of `create_study`.
        fixed: As of `create_study`.
        seed: Of the model and of the sampler.
        meta_features: Of the task, where known; by default those of the data.
        base: See `MetaSampler`; by default the study's own sampler, where that models trials
            (not Optuna's default TPE, nor a random, grid or quasi-random one).
        learner: Fits the prior; `MetaLearner(seed=seed)` by default.
        renamed: As of `create_study`, like the next three.
        choices: As of `create_study`.
        defaults: As of `create_study`.
        incumbent: As of `create_study`.
        cost: As of `create_study`.

    Returns:
        The same study.

    Raises:
        InputError: not a study, a sampler that fixes parameters, or as `create_study`, like all
            others.
    """
    check_study(study)
    upwards = [d == optuna.study.StudyDirection.MAXIMIZE for d in study.directions]
    every: tuple[Direction, ...] = tuple("maximize" if up else "minimize" for up in upwards)
    one = metric if isinstance(metric, str) else None
    if len(every) == 1 and metric is not one:
        raise InputError(f"metric={metric!r} for one objective", allowed="the name of one metric")
    several = every if len(every) > 1 else ()
    asked_directions(None, several or None, metric)
    base = base or base_of(study)
    asked = own_space(study) if space is None else as_space(space)
    rules = Rules(renamed=renamed or {}, choices=choices or {}, defaults=defaults or {})
    if meta_features is not None:
        meta_features = known_features(meta_features)  # here, so that it warns once
    source = Source(prior, given=prior is not None)
    wish = wish_of(
        space=asked,
        direction=every[0],
        metric=one,
        data=data,
        fixed=fixed,
        features=meta_features,
        rules=rules,
    )
    check_cost_alone(cost, several)
    request = Request(
        source=source,
        wish=wish,
        own=study,
        meta_features=meta_features,
        seed=seed,
        base=base,
        learner=learner,
        incumbent=incumbent,
        defaults=defaults,
    )
    given = partial(_given, study)
    if several:
        return start_several(given, request, several, metric=metric)
    return start_one(given, request, cost=cost, only_space=False)


def _given(study: optuna.Study, sampler: BaseSampler) -> optuna.Study:
    study.sampler = sampler
    return study
