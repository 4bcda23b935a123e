"""create_study: a plain Optuna study that starts where a portfolio ended."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import optuna
from optuna.distributions import BaseDistribution

from autometa.errors import InputError, ModelError
from autometa.meta import MetaLearner, MetaModel
from autometa.portfolio import Portfolio
from autometa.portfolio.adapting import AdaptReport
from autometa.search.study_feedback import describe_task
from autometa.space import SearchSpace, Value
from autometa.space.rules import Outside
from autometa.task import Direction, Task, check_direction

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage

ADAPTED = "autometa:adapted"  # user attribute of a study: the report as lines


def create_study(
    task: Task | Direction,
    *,
    portfolio: Portfolio | MetaModel | str | Path,
    space: SearchSpace | Mapping[str, BaseDistribution] | None = None,
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
    outside: Outside = "clip",
) -> optuna.Study:
    """A study whose sampler starts from a portfolio, adapted to the study's space.

    The prior tasks reach the sampler only: no trial of theirs is added to the study. What adapting
    did is in its user attribute "autometa:adapted", one line an item.

    Args:
        task: What is tuned, or just the direction, "maximize" or "minimize".
        portfolio: A portfolio, its folder (one that does not exist yet is empty), or a model that
            was fitted on one for exactly this space.
        space: What is going to be tuned; by default the task's space, else the portfolio's only
            one.
        seed: Of the model and of the sampler.
        study_name: As of `optuna.create_study`; by default the task's name.
        storage: As of `optuna.create_study`.
        load_if_exists: As of `optuna.create_study`.
        meta_features: Of the task; by default those it has.
        base: See `MetaModel.sampler`.
        learner: Fits the portfolio; `MetaLearner(seed=seed)` by default.
        renamed: As of `Portfolio.adapt`, like the next three.
        choices: As of `Portfolio.adapt`.
        defaults: As of `Portfolio.adapt`.
        outside: As of `Portfolio.adapt`.

    Returns:
        The study; ask, tell and optimize it as any other.

    Raises:
        RecordError: not a direction.
        SpaceError: not a space, or a rule that does not apply.
        PortfolioError: no space is given and the portfolio has none or several, or its tasks
            minimise and maximise one metric.
        ModelError: a model of another space.
        StoreError: a folder that is not a portfolio.
        InputError: not a portfolio.
    """
    named = task if isinstance(task, Task) else None
    direction = named.direction if named else check_direction(task)
    known = _known(portfolio)
    if space is None:
        space = named.space if named else known.space
    if not isinstance(space, SearchSpace):
        space = SearchSpace(space)
    if isinstance(known, MetaModel):
        if known.space != space:
            raise ModelError(
                f"a model of the space {known.space.name!r} for a study of another space",
                allowed="a model of the study's own space",
                do="Give the portfolio instead of the model, so that it can be adapted",
            )
        model, report = known, AdaptReport()
    else:
        adapted, report = known.adapt(
            space, renamed=renamed, choices=choices, defaults=defaults, outside=outside
        )
        model = (learner or MetaLearner(seed=seed)).fit(adapted, space=space)
    features = meta_features if meta_features is not None else named and named.meta_features
    study = optuna.create_study(
        direction=direction,
        storage=storage,
        study_name=study_name or (named.name if named else None),
        load_if_exists=load_if_exists,
        sampler=model.sampler(seed=seed, meta_features=features or None, base=base),
    )
    describe_task(study, space, metric=named.metric if named else "value", features=features or {})
    study.set_user_attr(ADAPTED, str(report).splitlines())
    return study


def _known(portfolio: Portfolio | MetaModel | str | Path) -> Portfolio | MetaModel:
    if isinstance(portfolio, Portfolio | MetaModel):
        return portfolio
    if isinstance(portfolio, str | Path):
        return Portfolio.load(portfolio) if Path(portfolio).exists() else Portfolio()
    raise InputError(
        f"a portfolio of type {type(portfolio).__name__}",
        allowed="a Portfolio, a MetaModel, or the folder of a portfolio",
    )
