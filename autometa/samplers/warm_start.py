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
from autometa.priors.beginning import say
from autometa.priors.knowing import wish_of
from autometa.priors.opening import PriorSource
from autometa.priors.prior_model import fit_known
from autometa.samplers.create_several import asked_directions, start_several
from autometa.samplers.own_study import base_of, own_space
from autometa.samplers.source import Source
from autometa.samplers.starting import (
    by_run,
    check_cost_alone,
    features_of,
    for_cost,
    note_adapted,
    sampler_of,
    tell,
)
from autometa.space import SearchSpace, Value
from autometa.space.rates import as_space
from autometa.space.rules import Rules
from autometa.suggest.stated import stated_config, stated_in_part
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
    if not isinstance(study, optuna.Study):
        raise InputError(f"a study of type {type(study).__name__}", allowed="an optuna Study")
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
    if several:
        _, front = start_several(
            partial(_given, study),
            source,
            wish,
            several,
            metric=metric,
            own=study,
            seed=seed,
            meta_features=features_of(meta_features, None, wish),
            base=base,
            learner=learner,
            incumbent=incumbent,
            defaults=defaults,
        )
        note_adapted(study, front.first)
        return study
    known = source.open(wish, study)
    if asked is None and known.families:
        if cost is not None:
            raise InputError(
                f"cost={cost!r} where only the trials tell what is searched", do="Say space="
            )
        study.sampler, about = by_run(
            source,
            known,
            wish,
            {**(defaults or {}), **stated_in_part(incumbent)},
            seed=seed,
            base=base,
            learner=learner,
            meta_features=meta_features,
        )
        say(study, about, names=known.lines)
        return study
    fitted = fit_known(known, asked, seed=seed, learner=learner, empty=source.why_empty)
    searched = asked or fitted.model.space
    study.sampler = sampler_of(
        for_cost(cost, known, fitted, asked, seed=seed, learner=learner),
        asked,
        seed=seed,
        meta_features=features_of(meta_features, None, wish),
        base=base,
        first=stated_config(searched, incumbent, defaults),
    )
    tell(study, fitted, known, asked=source.given)
    return study


def _given(study: optuna.Study, sampler: BaseSampler) -> optuna.Study:
    study.sampler = sampler
    return study
