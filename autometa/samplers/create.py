"""create_study: a plain Optuna study that starts where earlier ones ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import BaseDistribution

from autometa.errors import InputError
from autometa.meta import MetaLearner
from autometa.meta.new_task import known_features
from autometa.priors.knowing import wish_of
from autometa.priors.measured import is_standard
from autometa.priors.opening import PriorSource
from autometa.samplers.source import UNSET, Source
from autometa.samplers.start_one import start_one
from autometa.samplers.start_several import asked_directions, start_several
from autometa.samplers.starting import Request, check_cost_alone
from autometa.samplers.study_feedback import describe_task
from autometa.space import SearchSpace, Value
from autometa.space.rates import as_space
from autometa.space.rules import Outside, Rules
from autometa.space.values import listed
from autometa.storages.studies import opened
from autometa.task import Direction, Task, check_direction

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage


def create_study(
    task: Task | Direction | Sequence[Direction] | None = None,
    *,
    direction: Direction | None = None,
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
    pruner: BasePruner | None = None,
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
        direction: The direction by its name, as `optuna.create_study` has it.
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
        metric: What the values measure; by default the task's; a list of several. Prior tasks
            teach by this metric where their trials were scored by it, those of a family by one of
            the standard ones; "neg_" in front where the objective turns it round.
        data: (X, y) or a Table, what the objective trains on: gives meta-features, where none are
            given, the units of parameters that depend on them, and leaves the relatives of these
            data out of a family's tasks.
        fixed: What else the objective gives to its model (`{"n_estimators": 1000}`), by any of the
            library's names: a family is asked at these values, at the library's defaults for the
            rest.
        seed: Of the model and of the sampler.
        study_name: As of `optuna.create_study`; by default the task's name.
        storage: As of `optuna.create_study`; also `journal:///FILE` and `grpc://HOST:PORT`.
        load_if_exists: As of `optuna.create_study`.
        pruner: As of `optuna.create_study`; `MetaPruner(prior)` is ours.
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
        InputError: not a prior, or one that needs to be told more; a storage that cannot be opened;
            a study that is there already and has other directions.
        StoreError: there is no such file or folder, or it cannot be read.
    """
    task = _said_once(task, direction)
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
    of_task = named.meta_features if named is not None and named.meta_features else None
    given = of_task if meta_features is None else meta_features
    source = Source.of(prior, portfolio, storage)
    one = metric if isinstance(metric, str) else None
    if named is not None and metric is None and is_standard(named.metric):
        one = named.metric
    wish = wish_of(
        space=asked,
        direction=direction,
        metric=one,
        data=data,
        fixed=fixed,
        features=given,
        rules=rules,
    )
    shared = cache(lambda: opened(storage, heartbeat=None))
    own = None
    if load_if_exists and name is not None and (there := shared()) is not None:
        own = _existing(name, there, several or (direction,))
    check_cost_alone(cost, several)
    request = Request(
        source=source,
        wish=wish,
        own=own,
        meta_features=given,
        seed=seed,
        base=base,
        learner=learner,
        incumbent=incumbent,
        defaults=defaults,
        widen=outside is None,
    )

    def make(sampler: BaseSampler) -> optuna.Study:
        return optuna.create_study(
            directions=several or [direction],
            storage=shared(),
            sampler=sampler,
            study_name=name,
            load_if_exists=load_if_exists,
            pruner=pruner,
        )

    describe = partial(
        describe_task,
        metric="value" if several else one or (named.metric if named else "value"),
        features=known_features(request.features),
        stated=asked is not None,
    )
    if several:
        return start_several(make, request, several, metric=metric, describe=describe)
    return start_one(make, request, cost=cost, describe=describe)


def _said_once(
    task: Task | Direction | Sequence[Direction] | None, direction: Direction | None
) -> Task | Direction | Sequence[Direction] | None:
    """The task, or the direction by itself; a task has its own."""
    if direction is None:
        return task
    if task is not None:
        raise InputError(f"{task!r} and direction={direction!r}", allowed="one of the two")
    return direction


def _existing(
    name: str, storage: BaseStorage, directions: Sequence[Direction]
) -> optuna.Study | None:
    """The study of a name, if there is one: Optuna keeps its directions, whatever is asked for."""
    try:
        study = optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        return None
    its = [d.name.lower() for d in study.directions]
    if its != list(directions):
        raise InputError(
            f"study {name!r} of the directions {listed(its)}, loaded as {listed(directions)}",
            allowed="the directions that it has",
            do="Say these, or give it another name: study_name=",
        )
    return study
