"""MetaSampler: the meta-model as an Optuna sampler.

What decides a trial's config, its rule, written to the trial as `autometa:rule`:

    portfolio  the first trials, see `suggest.start_list`: the zero-shot list, one item a trial,
               until there is a result; `default` where the list is the space's defaults
    transfer   the posterior over prior tasks, cold hypotheses among them, by expected improvement
    cold       a plain Gaussian process on this study alone, or the user's own base sampler: every
               fourth trial (see `Policy`), so that prior tasks that mislead cost at most a known
               share of the trials; and every trial for which no prior task explains the ones
               before it (`GOING_COLD`)
    enqueued   the user; what a queued trial leaves open is decided as for any other
    base       the base sampler: nothing was learned, or nothing that concerns this study

A trial that repeats another, whose worker died, keeps its config and its rule.

This file is Optuna's protocol and no more: `suggest` decides, `planner` has it decide each trial
once, and a trial's parameters are then answered from its plan. A suggestion ranges over the study's
own space as far as its trials have shown it (`study_space`): what no prior task had is searched
too, what somebody else fixes is held. A define-by-run study shows nothing before its first trial,
and ranges may change from trial to trial: what a trial's own range does not allow is decided anew
within it, and values of the start are moved to the nearest that it does, and the trial says so.
Every suggestion depends on (seed, trial number) and on the trials seen, never on the sampler's
past, so six trials, a restart and six more equal twelve. What was decided lives in the trial itself
(`plan`), so samplers can be pickled, copied and sent to other processes at any moment, and one of
them may serve several studies at once.

No foreign trial is ever added to the study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeGuard
from zlib import crc32

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from autometa.errors import InputError
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.cost_model import CostModel
from autometa.meta.front_model import FrontModel
from autometa.meta.new_task import known_features
from autometa.priors.cost import check_cost, cost_model_of
from autometa.priors.knowing import Wish, names_family, wish_of
from autometa.priors.opening import PriorSource
from autometa.priors.several import learned_of
from autometa.samplers.base_samplers import (
    ConstraintsFunc,
    keeper_of_constraints,
    sample_carefully,
    usual_base,
)
from autometa.samplers.by_run import ByRun
from autometa.samplers.explanation import unrelated
from autometa.samplers.plan import announce, plan_of
from autometa.samplers.planner import Planner
from autometa.samplers.unheard import Unheard
from autometa.space import Config, SearchSpace
from autometa.space.clipping import clip_to
from autometa.space.plain import unboxed
from autometa.space.rates import as_space
from autometa.space.rules import Rules
from autometa.storages import attributes
from autometa.suggest import Policy, Setup, Suggestion
from autometa.suggest.suggestion import UNRELATED


class MetaSampler(BaseSampler):
    """See the module.

    Args:
        prior: What was learned from prior tasks, or anything that `open_prior` opens: it is fitted
            then, for `space` or else for its only space. A family without a space is fitted for
            what the first trial asks for, see `by_run`.
        seed: Together with a trial's number it decides that trial's suggestion.
        meta_features: Of the new task, where known; one that is no finite number is dropped with a
            warning.
        base: Samples cold trials, what the study has not shown before, and everything where
            nothing was learned. By default cold trials ask a Gaussian process of ours, and the rest
            a GPSampler (TPESampler for several objectives), made anew and seeded for each trial.
        policy: How trials are shared out; ablations change it, users need not.
        pool: The only configs that can be tried, where there is such a list.
        constraints_func: As of Optuna's samplers: a finished trial's constraint values, above zero
            where it is infeasible. Those that a trial sets itself, or that `base` computes, count
            as well; infeasible trials count as failed.
        space: What is searched, where it is known beforehand: the first trial keeps to it, too.
        first: A config, or part of one, that is tried before all others.
        metric: As of `create_study`, like the next two. Several names for several objectives;
            where prior studies had several, they need no names.
        data: As of `create_study`.
        fixed: As of `create_study`.
        rules: What is known of old spaces, as of `Portfolio.adapt`.
        learner: Fits the prior; `MetaLearner(seed=seed)` by default.
        cost: "seconds" counts the time of trials: configs are tried that promise most for it, by
            the prior tasks' seconds and the study's own. A trial that ran elsewhere says its own in
            the user attribute "autometa:seconds".

    Raises:
        AutometaError: a prior that cannot be opened or fitted, see `open_prior` and `fit_prior`; a
            seed that is no whole number from 0 on, or a base that is no sampler.
    """

    def __init__(
        self,
        prior: MetaModel | FrontModel | CostModel | PriorSource,
        *,
        seed: int = 0,
        meta_features: Mapping[str, float] | None = None,
        base: BaseSampler | None = None,
        policy: Policy | None = None,
        pool: Sequence[Config] | None = None,
        constraints_func: ConstraintsFunc | None = None,
        space: SearchSpace | Mapping[str, BaseDistribution] | None = None,
        first: Config | None = None,
        metric: str | Sequence[str] | None = None,
        data: Any = None,
        fixed: Mapping[str, Any] | None = None,
        rules: Rules | None = None,
        learner: MetaLearner | None = None,
        cost: str | None = None,
    ) -> None:
        if base is not None and not isinstance(base, BaseSampler):
            raise InputError(
                f"base={base!r}",
                allowed="a sampler of Optuna, made: TPESampler(seed=0)",
            )
        metrics = None if metric is None or isinstance(metric, str) else tuple(metric)
        one = metric if isinstance(metric, str) else None
        if meta_features is not None:
            meta_features = known_features(meta_features)  # here, so that it warns once
        space = None if space is None else as_space(space)
        first = {name: unboxed(value) for name, value in (first or {}).items()}
        wish = wish_of(
            space=space,
            metric=one,
            data=data,
            fixed=fixed,
            features=meta_features,
            rules=rules,
        )
        if meta_features is None and wish.data is not None:
            meta_features = wish.data.meta_features
        self._by_run = None
        self._base, self._constraints_func = base, constraints_func
        costed = check_cost(cost) is not None or isinstance(prior, CostModel)
        if costed and (metrics is not None or isinstance(prior, FrontModel)):
            raise InputError("a cost and several objectives", allowed="seconds as one of these")
        open_space = space is None and pool is None and metrics is None
        if open_space and not costed and _names_family(prior):
            make = partial(
                _fitted_sampler,
                seed=seed,
                meta_features=meta_features,
                base=base,
                policy=policy,
                constraints_func=constraints_func,
            )
            self._by_run = ByRun(
                prior, wish, make, seed=seed, base=base, first=first, learner=learner
            )
            return
        self._setup = Setup.of(
            _learned(prior, wish, metrics, seed, learner, costed=costed),
            seed=seed,
            policy=policy,
            meta_features=meta_features,
            pool=pool,
            space=space,
            first=first,
            base=base is not None,
        )
        self._planner = Planner(self._setup, expected=space)
        self._unheard = Unheard()

    def reseed_rng(self) -> None:
        """Only the base sampler has a state of its own; ours follows from the trial number."""
        if self._by_run is None and self._base is not None:
            self._base.reseed_rng()

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Decide the trial's config, unless that was done before."""
        if self._by_run is not None:
            self._by_run.sampler(study, trial).before_trial(study, trial)
            return
        if self._base is not None:
            self._base.before_trial(study, trial)
        self._planner.plan(study, trial)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """What the plan holds and the study has shown, and the base sampler's space beside it."""
        if self._by_run is not None:
            return self._by_run.sampler(study, trial).infer_relative_search_space(study, trial)
        plan = plan_of(study, trial)
        held = plan.config if plan is not None else {}
        own, complete = self._planner.observed(study, held)
        # The default base is new for each trial and would compare all trials to find its own out.
        if self._base is None and plan is not None and complete:
            return own
        space = self._base_of(study, trial).infer_relative_search_space(study, trial)
        return own | {name: d for name, d in space.items() if name not in held}

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """A value for each name that is asked for, see `Planner.for_asked`."""
        if self._by_run is not None:
            return self._by_run.sampler(study, trial).sample_relative(study, trial, search_space)
        if not search_space:
            return {}
        plan = self._planner.for_asked(study, trial, search_space.keys())
        values = {}
        for name, distribution in search_space.items():
            found = _planned(study, trial, plan, name, distribution)
            if found is not None:
                values[name] = found[0]
        rest = {n: d for n, d in search_space.items() if n not in values}
        if rest:
            values |= self._relative(study, trial, rest)
        for name in rest.keys() - values.keys():
            base = self._base_of(study, trial, name)
            values[name] = base.sample_independent(study, trial, name, rest[name])
        return values

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The plan's value, moved into the study's own distribution where it must be."""
        if self._by_run is not None:
            return self._by_run.sampler(study, trial).sample_independent(
                study, trial, param_name, param_distribution
            )
        plan = self._planner.within(study, trial, param_name, param_distribution)
        found = _planned(study, trial, plan, param_name, param_distribution)
        if found is not None:
            return found[0]
        return self._base_of(study, trial, param_name).sample_independent(
            study, trial, param_name, param_distribution
        )

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Note constraints, and where the plan had no say after all."""
        if self._by_run is not None:
            deciding = self._by_run.sampler(study, trial)
            deciding.after_trial(study, trial, state, values)
            if isinstance(deciding, MetaSampler):
                return  # it notes them itself; what answers the first trials does not
        elif self._base is not None:
            self._base.after_trial(study, trial, state, values)
        if self._constraints_func is not None:
            keeper = keeper_of_constraints(self._constraints_func)
            keeper.after_trial(study, trial, state, values)
        if self._by_run is not None:
            return
        plan = plan_of(study, trial)
        lost = plan is not None and unrelated(plan.rule, plan.config, trial)
        if plan is not None and lost:
            announce(study, trial, Suggestion(rule="base", config=plan.config, reason=UNRELATED))
        self._unheard.after(study, trial, self._setup.model.space, unrelated=lost)

    def _relative(
        self, study: optuna.Study, trial: FrozenTrial, rest: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """What the base makes of parameters together; the usual one never ends a search."""
        base = self._base_of(study, trial)
        if self._base is not None:
            return base.sample_relative(study, trial, rest)
        return sample_carefully(base, self._base_seed(trial), study, trial, rest)

    def _base_of(self, study: optuna.Study, trial: FrozenTrial, name: str = "") -> BaseSampler:
        """The user's, or one that follows from the trial's number (and a parameter's name)."""
        if self._base is not None:
            return self._base
        seed = self._base_seed(trial, name)
        return usual_base(seed, len(study.directions), self._constraints_func)

    def _base_seed(self, trial: FrozenTrial, name: str = "") -> int:
        return self._setup.base_seed(trial.number, crc32(name.encode()))


def _learned(
    prior: MetaModel | FrontModel | CostModel | PriorSource,
    wish: Wish,
    metrics: Sequence[str] | None,
    seed: int,
    learner: MetaLearner | None,
    *,
    costed: bool,
) -> MetaModel | FrontModel | CostModel:
    if costed and not isinstance(prior, FrontModel):
        return cost_model_of(prior, wish, seed, learner)
    assert not isinstance(prior, CostModel)
    return learned_of(prior, wish, metrics, seed, learner)


def _names_family(
    prior: MetaModel | FrontModel | CostModel | PriorSource,
) -> TypeGuard[PriorSource]:
    return not isinstance(prior, MetaModel | FrontModel | CostModel) and names_family(prior)


def _fitted_sampler(model: MetaModel, space: SearchSpace, **options: Any) -> MetaSampler:
    return MetaSampler(model, space=space, **options)


def _planned(
    study: optuna.Study,
    trial: FrozenTrial,
    plan: Suggestion | None,
    name: str,
    distribution: BaseDistribution,
) -> tuple[Any] | None:
    """The plan's value of a parameter, moved into its distribution where it must be."""
    if plan is None or name not in plan.config:
        return None
    clipped = clip_to(distribution, plan.config[name])
    if clipped is None:
        return None
    value, moved = clipped
    known = attributes.read(study, trial, "moved") or []
    if moved and name not in known:
        attributes.write(study, trial, "moved", [*known, name])
    return (value,)
