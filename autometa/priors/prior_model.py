"""A prior that was opened -> the meta-model of the parameters that are searched now.

Every door comes through `fit_prior`: `create_study`, `warm_start`, `MetaSampler(prior)` and
`MetaSearchCV`. What of a prior counts for a search is decided in `matched`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.errors import InputError, ModelError, PortfolioError
from autometa.meta import MetaLearner, MetaModel, model_cache
from autometa.meta.spaces.candidates import Part
from autometa.meta.spaces.study_space import StudySpace
from autometa.portfolio import Portfolio
from autometa.portfolio.adapting import AdaptReport
from autometa.portfolio.objectives import one_objective
from autometa.priors.beginning import Beginning, say_of_sampler
from autometa.priors.knowing import Known, Wish, known_of
from autometa.priors.matched import matched
from autometa.priors.near import near_parameters
from autometa.priors.old_space import names_of
from autometa.priors.opening import PriorSource
from autometa.space import Config, SearchSpace, Value
from autometa.space.ranges import in_common, is_allowed
from autometa.space.rules import Rules
from autometa.space.values import listed, plain_value


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A meta-model for a search.

    Args:
        model: Of the parameters that the prior knows; it searches cold where it knows none.
        beginning: How the search starts, in a line.
        report: What became of the prior's trials.
        notes: What else is worth saying of them, by parameter.
        strange: Whether the prior has tasks, and none of them is of this search.
    """

    model: MetaModel
    beginning: Beginning
    report: AdaptReport = field(default_factory=AdaptReport)
    notes: tuple[str, ...] = ()
    strange: bool = False


def fit_prior(
    prior: Portfolio | MetaModel,
    space: SearchSpace | None,
    *,
    seed: int = 0,
    rules: Rules | None = None,
    widen: bool = True,
    learner: MetaLearner | None = None,
    empty: str = "",
    searched: SearchSpace | None = None,
    held: Mapping[str, Value] | None = None,
    keep: bool = False,
) -> Fitted:
    """The meta-model of a prior for a space; see the module.

    Args:
        prior: What `open_prior` opened.
        space: What is searched, and what else the prior knows and is held; None where only the
            trials will tell: then the prior's own.
        seed: Of the fit.
        rules: What the user says of old spaces.
        widen: See `matched`.
        learner: Fits; `MetaLearner(seed=seed)` by default.
        empty: Why the prior holds no tasks, where it holds none.
        searched: What is searched of the space, where that is not all of it.
        held: The other parameters' values, as far as they have one: the start and what is believed
            of every config are those at these values, and prior trials that lack such a parameter
            ran with it.
        keep: Whether the model is kept in the cache, and taken from there (`model_cache`).

    Raises:
        ModelError: a model of another space.
        InputError: a parameter that a model always needs is not searched; names or choices are said
            to be others now, and not what is searched.
        PortfolioError: no space is given, and the prior has none or several.
        SpaceError: a rule does not apply.
    """
    if isinstance(prior, MetaModel):
        model = prior if space is None else _renamed(prior, space)
        return Fitted(model=model, beginning=_of_model(model, space))
    learner = learner or MetaLearner(seed=seed)
    if space is None:
        if rules is not None and (rules.renamed or rules.choices):
            raise InputError(
                f"rules for {listed([*rules.renamed, *rules.choices])} where it is not said what "
                "is searched",
                allowed="renamed= and choices= together with space=",
                do="Say space=, in its new names",
            )
        own = _only_space(prior, empty)
        part = _part(own, own, {}, _had(prior, own, Rules()), prior)
        model = learner.fit(prior, space=own, part=part)
        return Fitted(
            model=model, beginning=beginning_of(model, prior, None, "" if len(prior) else empty)
        )
    rules, held, searched = rules or Rules(), held or {}, searched or space
    told = replace(rules, defaults={**held, **rules.defaults})
    found = matched(prior, space, told, widen=widen, searched=searched.names)
    known = found.portfolio.space if len(found.portfolio) else searched
    part = _part(known, searched, held, _had(prior, known, told), found.portfolio)
    if keep and len(found.portfolio):
        model = model_cache.fitted(learner, found.portfolio, known, part)
    else:
        model = learner.fit(found.portfolio, space=known, part=part)
    why = (empty or found.why) if not len(prior) else found.why
    return Fitted(
        model=model,
        beginning=replace(
            beginning_of(model, found.portfolio, searched, why, held),
            lacking=found.lacking,
            lost=found.lost,
            unused=len(prior) - len(model.tasks),
            renaming="" if keep else found.renaming,
        ),
        report=found.report,
        notes=tuple(f"{name}: {note}" for name, note in found.outside.items()),
        strange=len(prior) > 0 and not len(found.portfolio),
    )


def model_of(
    prior: PriorSource, wish: Wish, seed: int, learner: MetaLearner | None = None
) -> MetaModel:
    """The meta-model of whatever a prior is; a model as it is.

    Raises:
        AutometaError: as `known_of` and `fit_prior`.
    """
    if isinstance(prior, MetaModel):
        return prior
    known = known_of(prior, wish)
    fitted = fit_known(known, wish.space, seed=seed, learner=learner)
    if known.families:
        say_of_sampler(fitted.beginning, known.lines)
    return fitted.model


def fit_known(
    known: Known,
    space: SearchSpace | None,
    *,
    seed: int = 0,
    widen: bool = True,
    learner: MetaLearner | None = None,
    empty: str = "",
) -> Fitted:
    """As `fit_prior`, of what `known_of` found for a space; models of families are kept.

    Raises:
        InputError: prior studies had several objectives, and it is not said by which one.
    """
    prior = known.prior
    if isinstance(prior, Portfolio):
        prior = one_objective(prior, known.metric)
    fitted = fit_prior(
        prior,
        known.space,
        seed=seed,
        rules=known.rules,
        widen=widen,
        learner=learner,
        empty=known.why or empty,
        searched=space,
        held=known.held,
        keep=bool(known.families),
    )
    return replace(fitted, strange=fitted.strange or bool(known.why))


def _only_space(prior: Portfolio, empty: str) -> SearchSpace:
    """The prior's, where nobody says what is searched.

    Raises:
        PortfolioError: it has none, or several.
    """
    if len(prior.spaces) == 1:
        return prior.spaces[0]
    if not prior.spaces:
        given = f"no space, and no prior task that has one ({empty or 'no prior was given'})"
    else:
        names = dict.fromkeys(n for s in prior.spaces for n in s.names)
        apart = [n for n in names if len({s.distributions.get(n) for s in prior.spaces}) > 1]
        given = (
            f"no space, and prior tasks of {len(prior.spaces)} spaces, which differ in "
            f"{listed(apart) or 'their conditions'}"
        )
    raise PortfolioError(
        given,
        allowed="the space that is searched, or prior tasks of one space",
        do='Say space={"lr": FloatDistribution(1e-5, 1.0, log=True), ...} of optuna.distributions',
    )


def _had(prior: Portfolio, known: SearchSpace, rules: Rules) -> dict[str, list[BaseDistribution]]:
    """Parameter -> its ranges in the prior spaces, under whatever name."""
    found: dict[str, list[BaseDistribution]] = {}
    for old in prior.spaces:
        for name, own in names_of(old, known, rules).items():
            found.setdefault(name, []).append(old.distributions[own])
    return found


def _part(
    known: SearchSpace,
    searched: SearchSpace,
    held: Mapping[str, Value],
    had: Mapping[str, Sequence[BaseDistribution]],
    prior: Portfolio,
) -> Part:
    """Where the start goes: at what is held, in the ranges that are searched and prior tasks had.

    Of the best configs of wider ranges few lie in narrower ones, or none. Beyond the ranges that
    prior tasks had, and with a value that no prior trial had where all had one and the same, nobody
    can say how good a config is.
    """
    only = _only_values(prior, known, searched)
    part = StudySpace(known).holding({**only, **held}).part
    numbers = dict(part.numbers)
    for name, new in searched.distributions.items():
        wide = known.distributions.get(name)  # None: no prior task knows it
        if name in only or wide is None or isinstance(wide, CategoricalDistribution):
            continue
        if isinstance(new, FloatDistribution | IntDistribution):
            common = in_common(new, had.get(name, ()))
            if common != wide:
                numbers[name] = common
    return replace(part, numbers=numbers)


def _only_values(prior: Portfolio, known: SearchSpace, searched: SearchSpace) -> Config:
    """Parameters of which all prior trials had one and the same value, though there are others."""
    found: Config = {}
    for j, (name, wide) in enumerate(known.distributions.items()):
        new = searched.distributions.get(name)
        # Beyond the choices of numbers that are searched lie two that prior trials alone have.
        if new is None or wide.single() or type(new) is not type(wide):
            continue
        column = np.concatenate([h.raw[:, j] for h in prior.histories] or [np.empty(0)])
        tried = column[~np.isnan(column)]
        if len(tried) and tried.min() == tried.max():
            value = plain_value(wide, float(tried[0]))
            if is_allowed(new, value):
                found[name] = value
    return found


def must_help(fitted: Fitted) -> Fitted:
    """The same, where a prior that knows nothing of the search is a mistake.

    Raises:
        InputError: it has tasks, and none of them is of this search.
    """
    if fitted.strange:
        raise InputError(
            fitted.beginning.why,
            allowed=f"a prior that knows one of {listed(fitted.beginning.searched)}",
            do="Name the parameters alike, widen the search, or search without a prior",
        )
    return fitted


def _renamed(model: MetaModel, space: SearchSpace) -> MetaModel:
    """The model with the names of the new space."""
    old = model.space
    names = {o: n for n, o in names_of(old, space).items()}
    lacking = [n for n in old.names if n not in names and n not in old.conditions]
    if not names:
        near = near_parameters(old.names, space.names)
        raise ModelError(
            f"a model of the space {old.name!r} for a study of another space: it knows "
            f"{listed(old.names)}, and {listed(space.names)} is searched",
            allowed="a model of parameters that are searched",
            do=f"Did you mean {near}? Give the portfolio instead, and say renamed=..."
            if near
            else "Give the portfolio instead of the model, so that it can be adapted",
        )
    if lacking:
        raise InputError(
            f"the prior model needs {listed(lacking)}, which is not searched",
            allowed=f"a model of some of {listed(space.names)}",
            do="Give the portfolio that it was fitted to instead: that is matched by name",
        )
    if all(o == n for o, n in names.items()):
        return model

    def new(name: str) -> str:
        return names.get(name, name)

    renamed = SearchSpace(
        {new(n): d for n, d in old.distributions.items()},
        conditions={new(n): (new(parent), on) for n, (parent, on) in old.conditions.items()},
        defaults={new(n): v for n, v in old.defaults.items()},
        inner_lr=new(old.inner_lr) if old.inner_lr else None,
        name=old.name,
    )
    return replace(model, space=renamed)


def _of_model(model: MetaModel, space: SearchSpace | None) -> Beginning:
    return Beginning(
        tasks=len(model.tasks),
        trials=model.lineage.fitted_trials or None,
        known=model.space.names,
        searched=() if space is None else space.names,
        why="" if model.transfer is not None else "the model learned from no prior task",
    )


def beginning_of(
    model: MetaModel,
    portfolio: Portfolio,
    space: SearchSpace | None,
    why: str = "",
    held: Mapping[str, Value] | None = None,
) -> Beginning:
    """How a search with a model of a portfolio starts; `why` it is cold where nothing was left."""
    nothing = "none of the prior tasks has enough different trials to learn from"
    taught = set(model.tasks)  # a thousand of very many
    return Beginning(
        tasks=len(model.tasks),
        trials=sum(len(h) for h in portfolio.histories if h.task.name in taught),
        metrics=tuple(dict.fromkeys(t.metric for t in portfolio.tasks)),
        known=model.space.names,
        searched=() if space is None else space.names,
        held=held or {},
        why=why or ("" if model.transfer is not None else nothing),
    )
