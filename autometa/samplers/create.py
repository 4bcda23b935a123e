"""create_study, warm_start: plain Optuna studies that start where earlier ones ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import BaseDistribution

from autometa.errors import InputError
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.cost_model import CostModel
from autometa.meta.new_task import known_features
from autometa.priors.beginning import Beginning, say
from autometa.priors.cost import check_cost, with_seconds
from autometa.priors.knowing import Known, Wish, wish_of
from autometa.priors.opening import PriorSource, which_family
from autometa.priors.prior_model import Fitted, fit_known
from autometa.samplers.create_several import asked_directions, start_several
from autometa.samplers.own_study import base_of, own_space
from autometa.samplers.sampler import MetaSampler
from autometa.samplers.source import UNSET, Source
from autometa.samplers.study_feedback import describe_task
from autometa.space import SearchSpace, Value
from autometa.space.rates import as_space
from autometa.space.rules import Outside, Rules
from autometa.suggest.stated import stated_config, stated_in_part
from autometa.task import Direction, Task, check_direction

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage

ADAPTED = "autometa:adapted"  # user attribute of a study: the report as lines


def create_study(
    task: Task | Direction | Sequence[Direction] | None = None,
    *,
    directions: Sequence[Direction] | None = None,
    prior: PriorSource = None,
    portfolio: PriorSource = UNSET,
    space: SearchSpace | Mapping[str, BaseDistribution] | None = None,
    metric: str | Sequence[str] | None = None,
    data: Any = None,
    fixed: Mapping[str, Value] | None = None,
    seed: int = 0,
    study_name: str | None = None,
    storage: str | BaseStorage | None = None,
    load_if_exists: bool = False,
    meta_features: Mapping[str, float] | None = None,
    base: BaseSampler | None = None,
    learner: MetaLearner | None = None,
    renamed: Mapping[str, str] | None = None,
    choices: Mapping[str, Mapping[Value, Value]] | None = None,
    defaults: Mapping[str, Value] | None = None,
    incumbent: Mapping[str, Value] | bool | None = None,
    outside: Outside | None = None,
    cost: str | None = None,
) -> optuna.Study:
    """A study whose sampler starts from a prior, matched to the study's space.

    The prior tasks reach the sampler only: no trial of theirs is added to the study. How it starts
    is logged in a line and in its user attribute "autometa:start"; what matching did is in
    "autometa:adapted", one line an item.

    Args:
        task: What is tuned, or just the direction, "maximize" or "minimize".
        directions: Of several objectives, one each, in the place of the direction. The prior is
            then studies of as many objectives, or tasks that were scored by several metrics, which
            `metric` names in their order; how long a trial took is the metric "seconds".
        prior: Earlier searches, see `opening`: a family that ships ("lightgbm",
            "finetune_image"), a portfolio, its folder, a model, studies, the file or URL of any of
            these, or a list, whose tasks weigh in one model. A family is known by its libraries'
            names (`eta`, `clf__max_depth`), see `family`. The study itself, where it is among them,
            is left out. None searches cold.
        portfolio: Earlier name of `prior`. A folder that does not exist yet is still taken for an
            empty portfolio here, with a warning.
        space: What is going to be tuned; by default the task's space, else the prior's only one;
            of a family what the first trial asks for, which tries the family's best config.
        metric: What the values measure; by default the task's; a list of several. A family
            teaches by this metric: one of the standard ones, "neg_" in front where the objective
            turns it round.
        data: (X, y) or a Table, what the objective trains on: gives meta-features, where none are
            given, the units of parameters that depend on them, and leaves the relatives of these
            data out of a family's tasks.
        fixed: What else the objective gives to its model (`{"n_estimators": 1000}`), by any of the
            library's names: a family is asked at these values, at the library's defaults for the
            rest.
        seed: Of the model and of the sampler.
        study_name: As of `optuna.create_study`; by default the task's name.
        storage: As of `optuna.create_study`.
        load_if_exists: As of `optuna.create_study`.
        meta_features: Of the task; by default those it has. Of a network `n_params`, `n_tokens` and
            `batch_size` move the learning rates of prior runs of other sizes.
        base: See `MetaSampler`.
        learner: Fits the prior; `MetaLearner(seed=seed)` by default.
        renamed: As of `Portfolio.adapt`, like the next two.
        choices: As of `Portfolio.adapt`.
        defaults: As of `Portfolio.adapt`; the first trial stands at them.
        incumbent: The config, or part of one, that is tried first: one that is known to be good.
            None takes the stated defaults, of the space and of `defaults`, where there are any;
            False begins with the prior.
        outside: What becomes of prior values outside the range that is searched: None lets them
            inform the search without being tried first (see `matched`), "clip" moves them to the
            nearest allowed value, "drop" drops their trials.
        cost: "seconds" counts the time of trials, see `MetaSampler`.

    Returns:
        The study; ask, tell and optimize it as any other.

    Raises:
        RecordError: not a direction.
        SpaceError: not a space, or a rule or an incumbent that does not apply.
        PortfolioError: no space is given and the prior has none or several.
        ModelError: a model of another space.
        InputError: not a prior, or one that needs to be told more.
        StoreError: there is no such file or folder, or it cannot be read.
    """
    named = task if isinstance(task, Task) else None
    several = asked_directions(task, directions, metric)
    direction = several[0] if several else named.direction if named else check_direction(task)
    if space is None and named:
        space = named.space
    asked = None if space is None else as_space(space)
    name = study_name or (named.name if named else None)
    rules = Rules(
        renamed=renamed or {},
        choices=choices or {},
        defaults=defaults or {},
        outside=outside or "drop",
    )
    if meta_features is not None:
        meta_features = known_features(meta_features)  # here, so that it warns once
    source = Source.of(prior, portfolio, storage)
    one = metric if isinstance(metric, str) else None
    wish = wish_of(
        space=asked,
        direction=direction,
        metric=one,
        data=data,
        fixed=fixed,
        features=_given_features(meta_features, named),
        rules=rules,
    )
    own = None
    if load_if_exists and name is not None and storage is not None:
        own = _existing(name, storage)
    _check_cost(cost, several)
    if several:
        make = partial(
            optuna.create_study,
            directions=several,
            storage=storage,
            study_name=name,
            load_if_exists=load_if_exists,
        )
        features = known_features(_features(meta_features, named, wish))
        study, front = start_several(
            lambda sampler: make(sampler=sampler),
            source,
            wish,
            several,
            metric=metric,
            own=own,
            seed=seed,
            meta_features=features,
            base=base,
            learner=learner,
            incumbent=incumbent,
            defaults=defaults,
            widen=outside is None,
        )
        describe_task(study, asked or front.model.space, metric="value", features=features)
        _note_adapted(study, front.first)
        return study
    known = source.open(wish, own)
    if asked is None and known.families:
        if cost is not None:
            raise InputError(
                f"cost={cost!r} where only the trials tell what is searched", do="Say space="
            )
        sampler, about = _by_run(
            source,
            known,
            wish,
            {**(defaults or {}), **stated_in_part(incumbent)},
            seed=seed,
            base=base,
            learner=learner,
            meta_features=meta_features,
        )
        study = optuna.create_study(
            direction=direction,
            storage=storage,
            study_name=name,
            load_if_exists=load_if_exists,
            sampler=sampler,
        )
        features = known_features(_features(meta_features, named, wish))
        describe_task(study, None, metric=one or "value", features=features)
        say(study, about, names=known.lines)
        return study
    fitted = fit_known(
        known,
        asked,
        seed=seed,
        learner=learner,
        widen=outside is None,
        empty=source.why_empty,
    )
    asked = asked or fitted.model.space
    features = known_features(_features(meta_features, named, wish))
    sampler = _sampler(
        _for_cost(cost, known, fitted, asked, seed=seed, learner=learner),
        asked,
        seed=seed,
        meta_features=features,
        base=base,
        first=stated_config(asked, incumbent, defaults),
    )
    study = optuna.create_study(
        direction=direction,
        storage=storage,
        study_name=name,
        load_if_exists=load_if_exists,
        sampler=sampler,
    )
    measured = one or (named.metric if named else "value")
    describe_task(study, asked, metric=measured, features=features)
    _tell(study, fitted, known, asked=source.given)
    return study


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
    _check_cost(cost, several)
    if several:
        _, front = start_several(
            partial(_given, study),
            source,
            wish,
            several,
            metric=metric,
            own=study,
            seed=seed,
            meta_features=_features(meta_features, None, wish),
            base=base,
            learner=learner,
            incumbent=incumbent,
            defaults=defaults,
        )
        _note_adapted(study, front.first)
        return study
    known = source.open(wish, study)
    if asked is None and known.families:
        if cost is not None:
            raise InputError(
                f"cost={cost!r} where only the trials tell what is searched", do="Say space="
            )
        study.sampler, about = _by_run(
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
    study.sampler = _sampler(
        _for_cost(cost, known, fitted, asked, seed=seed, learner=learner),
        asked,
        seed=seed,
        meta_features=_features(meta_features, None, wish),
        base=base,
        first=stated_config(searched, incumbent, defaults),
    )
    _tell(study, fitted, known, asked=source.given)
    return study


def _given(study: optuna.Study, sampler: BaseSampler) -> optuna.Study:
    study.sampler = sampler
    return study


def _existing(name: str, storage: str | BaseStorage) -> optuna.Study | None:
    try:
        return optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        return None


def _sampler(
    model: MetaModel | CostModel, space: SearchSpace | None, **options: Any
) -> BaseSampler:
    return MetaSampler(model, space=space, **options)


def _check_cost(cost: str | None, several: Sequence[Direction]) -> None:
    if check_cost(cost) is not None and several:
        raise InputError(
            "a cost and several objectives",
            allowed='the time of trials as one of them: metric=["accuracy", "seconds"]',
        )


def _for_cost(
    cost: str | None, known: Known, fitted: Fitted, space: SearchSpace | None, **options: Any
) -> MetaModel | CostModel:
    """What was fitted; with what its tasks' trials took, where that counts."""
    return fitted.model if cost is None else with_seconds(known, fitted, space, **options)


def _by_run(
    source: Source,
    known: Known,
    wish: Wish,
    first: Mapping[str, Value],
    **options: Any,
) -> tuple[BaseSampler, Beginning]:
    """A sampler that learns from the trials what is searched, and how it begins."""
    from autometa.samplers.sampler import MetaSampler

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


def _given_features(
    given: Mapping[str, float] | None, named: Task | None
) -> Mapping[str, float] | None:
    """Meta-features that the user gives, else the task's."""
    if given is None and named is not None and named.meta_features:
        return named.meta_features
    return given


def _features(
    given: Mapping[str, float] | None, named: Task | None, wish: Wish
) -> Mapping[str, float] | None:
    """Meta-features: those given, else the task's, else those of the data."""
    found = _given_features(given, named)
    return wish.data.meta_features if found is None and wish.data is not None else found


def _tell(study: optuna.Study, fitted: Fitted, known: Known, *, asked: bool) -> None:
    _note_adapted(study, fitted)
    say(study, fitted.beginning, asked=asked, names=known.lines)


def _note_adapted(study: optuna.Study, fitted: Fitted) -> None:
    study.set_user_attr(ADAPTED, [*str(fitted.report).splitlines(), *fitted.notes])
