"""MetaSampler: the meta-model as an Optuna sampler.

What decides a trial's config, its rule, written to the trial as `autometa:rule`:

    portfolio  the first trials, see `zero_shot_start`: the zero-shot list, one item a trial, until
               there is a result; `default` where the list is the space's defaults
    transfer   the posterior over prior tasks, cold hypotheses among them, by expected improvement
    cold       a plain Gaussian process on this study alone, or the user's own base sampler: every
               fourth trial (see `Policy`), so that prior tasks that mislead cost at most a known
               share of the trials; and every trial for which no prior task explains the ones
               before it (`GOING_COLD`)
    enqueued   the user; what a queued trial leaves open is decided as for any other
    base       the base sampler: nothing was learned, or nothing that concerns this study

A trial that repeats another, whose worker died, keeps its config and its rule.

A suggestion ranges over the study's own space as far as its trials have shown it (`study_space`):
what no prior task had is searched too, what somebody else fixes is held. A define-by-run study
shows nothing before its first trial, and ranges may change from trial to trial: values that a trial
does not allow are moved to the nearest that it does, and the trial says so. Every suggestion
depends on (seed, trial number) and on the trials seen, never on the sampler's past, so six trials,
a restart and six more equal twelve.
What was decided lives in the trial itself (`plan`), so samplers can be pickled, copied and sent to
other processes at any moment, and one of them may serve several studies at once.

No foreign trial is ever added to the study.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence, Set
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from autometa.encoding import Floats
from autometa.meta.inference.posterior import Posterior
from autometa.meta.model import MetaModel
from autometa.meta.new_task import known_features
from autometa.meta.spaces.study_space import StudySpace
from autometa.meta.threads import one_blas_thread
from autometa.priors.beginning import say_unheard
from autometa.priors.opening import PriorSource
from autometa.priors.prior_model import model_of
from autometa.samplers import explanation
from autometa.samplers.base import ConstraintsFunc, keeper_of_constraints, usual_base
from autometa.samplers.concurrent_trials import Rivals
from autometa.samplers.explanation import GOING_COLD, UNRELATED, unrelated
from autometa.samplers.observed import adapt
from autometa.samplers.plan import SLOT, Plan, fixed_by_hand
from autometa.samplers.start import Slots, ZeroShotStart
from autometa.samplers.watching import Watching
from autometa.space import Config, SearchSpace
from autometa.storages import attributes
from autometa.storages.per_study import PerStudy, every_trial
from autometa.suggest.deciding import (
    cold_config,
    far_config,
    informed_config,
    posterior_of,
    start_config,
)
from autometa.suggest.history import History
from autometa.suggest.policy import Policy
from autometa.suggest.pool import Pool

_ATTEMPTS = 6  # decisions of a trial while another process keeps taking the same config
_DECIDED = ("transfer", "cold")  # rules whose configs are decided from the study's trials
_MOVABLE = (*_DECIDED, "portfolio")  # rules that can do with some parameters decided by others


class MetaSampler(BaseSampler):
    """See the module.

    Args:
        prior: What was learned from prior tasks, or anything that `open_prior` opens: it is fitted
            then, for `space` or else for its only space.
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

    Raises:
        AutometaError: a prior that cannot be opened or fitted, see `open_prior` and `fit_prior`.
    """

    def __init__(
        self,
        prior: MetaModel | PriorSource,
        *,
        seed: int = 0,
        meta_features: Mapping[str, float] | None = None,
        base: BaseSampler | None = None,
        policy: Policy | None = None,
        pool: Sequence[Config] | None = None,
        constraints_func: ConstraintsFunc | None = None,
        space: SearchSpace | None = None,
        first: Config | None = None,
    ) -> None:
        model = model_of(prior, space, seed)
        self._model, self._seed, self._base = model, seed, base
        self._policy = policy or Policy()
        meta_features = known_features(meta_features)
        self._relevance = model.task_relevance(meta_features) if model.transfer else None
        self._pool = None if pool is None else Pool.of(model.space, pool)
        self._start = ZeroShotStart(
            model,
            meta_features,
            self._pool,
            self._policy.warm_trials,
            within=space,
            stated=first,
        )
        learned = model.transfer is not None and model.transfer.rates is not None
        narrowed = learned and self._policy.narrowed
        self._rate = model.predict_inner_lr(meta_features) if narrowed else None
        self._constraints_func = constraints_func
        self._told = space is not None
        self._watched = PerStudy(
            partial(Watching, model, fixed=self._pool is not None, expected=space)
        )
        self._deciding = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_deciding"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._deciding = threading.Lock()

    # Optuna's side -------------------------------------------------------------------------------

    def reseed_rng(self) -> None:
        """Only the base sampler has a state of its own; ours follows from the trial number."""
        if self._base is not None:
            self._base.reseed_rng()

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Decide the trial's config, unless that was done before."""
        if self._base is not None:
            self._base.before_trial(study, trial)
        if not fixed_by_hand(trial) and Plan.of(study, trial) is not None:
            return  # its first worker died, or it is opened again: for the same reason as before
        # One decision at a time, so that each sees the configs that were just given away.
        with self._deciding:
            self._settle(study, trial, {})

    def _settle(self, study: optuna.Study, trial: FrozenTrial, held: Mapping[str, Any]) -> Plan:
        """Decide and announce, until no other process has the same config.

        Args:
            study: The study.
            trial: The trial.
            held: Values of parameters that somebody else decides.
        """
        trials = every_trial(study)
        rivals = Rivals.among(trials)
        for _ in range(_ATTEMPTS):
            plan = self._decide(study, trial, trials, held)
            plan.announce(study, trial)
            if plan.rule in ("base", "enqueued") or not plan.config:
                return plan
            trials = every_trial(study)
            if not rivals.had(study, trial, plan.config, trials):
                return plan
        if plan.rule in _DECIDED:
            plan = Plan(plan.rule, self._anywhere(study, trial, trials))
            plan.announce(study, trial)
        return plan

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """What the plan holds and the study has shown, and the base sampler's space beside it."""
        plan = Plan.of(study, trial)
        held = plan.config if plan is not None else {}
        own, complete = self._shown(study, held)
        # The default base is new for each trial and would compare all trials to find its own out.
        if self._base is None and plan is not None and complete:
            return own
        space = self._base_of(study, trial).infer_relative_search_space(study, trial)
        return own | {name: d for name, d in space.items() if name not in held}

    def _shown(self, study: optuna.Study, held: Config) -> tuple[dict[str, BaseDistribution], bool]:
        """What the study has shown of some parameters, and whether it always has no others."""
        with self._deciding:
            shown = self._watched(study).last_shown(study)
        # Optuna compares what it is told with the trial's own choices, of which text is none.
        own = {n: shown.latest[n] for n in held if n in shown.latest and n not in shown.worded}
        return {n: d for n, d in own.items() if not d.single()}, shown.always <= held.keys()

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """A value for each name that is asked for.

        A parameter that the plan holds and nobody asks for is decided by somebody else, such as
        Optuna's PartialFixedSampler: the others are decided anew, with the value that it had in the
        latest trial.
        """
        if not search_space:
            return {}
        plan = Plan.of(study, trial)
        if plan is None:
            with self._deciding:
                plan = self._settle(study, trial, {})
        elif plan.rule in _MOVABLE:
            others = self._shown(study, plan.config)[0].keys() - search_space.keys()
            if others:
                held = _latest(study, trial, others)
                with self._deciding:
                    plan = self._settle(study, trial, held)
        values = {}
        for name, distribution in search_space.items():
            found = self._planned(study, trial, plan, name, distribution)
            if found is not None:
                values[name] = found[0]
        rest = {n: d for n, d in search_space.items() if n not in values}
        if rest:
            values |= self._base_of(study, trial).sample_relative(study, trial, rest)
        for name in rest.keys() - values.keys():
            base = self._base_of(study, trial, name)
            values[name] = base.sample_independent(study, trial, name, rest[name])
        return values

    def _planned(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        plan: Plan | None,
        name: str,
        distribution: BaseDistribution,
    ) -> tuple[Any] | None:
        """The plan's value of a parameter, moved into its distribution where it must be."""
        if plan is None or name not in plan.config:
            return None
        adapted = adapt(plan.config[name], distribution)
        if adapted is None:
            return None
        value, moved = adapted
        known = attributes.read(study, trial, "moved") or []
        if moved and name not in known:
            attributes.write(study, trial, "moved", [*known, name])
        return (value,)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The plan's value, moved into the study's own distribution where it must be."""
        plan = Plan.of(study, trial)
        found = self._planned(study, trial, plan, param_name, param_distribution)
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
        if self._base is not None:
            self._base.after_trial(study, trial, state, values)
        if self._constraints_func is not None:
            keeper = keeper_of_constraints(self._constraints_func)
            keeper.after_trial(study, trial, state, values)
        plan = Plan.of(study, trial)
        if plan is not None and unrelated(plan.rule, plan.config, trial):
            Plan("base", plan.config, {"reason": UNRELATED}).announce(study, trial)
            say_unheard(study, self._model.space.names, tuple(trial.params))

    def _base_of(self, study: optuna.Study, trial: FrozenTrial, name: str = "") -> BaseSampler:
        """The user's, or one that follows from the trial's number (and a parameter's name)."""
        if self._base is not None:
            return self._base
        seed = int(self._rng(trial.number, 1, crc32(name.encode())).integers(2**31))
        return usual_base(seed, len(study.directions), self._constraints_func)

    # Deciding ------------------------------------------------------------------------------------

    def _rng(self, number: int, *stream: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, number, *stream])

    def _decide(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        trials: Sequence[FrozenTrial],
        held: Mapping[str, Any],
    ) -> Plan:
        fixed = fixed_by_hand(trial)
        if fixed:
            return self._enqueued(study, trial, fixed, trials, held)
        if trial.params:  # another sampler's, tried again
            return Plan("enqueued", dict(trial.params), {"reason": "tried again as it was"})
        return self._suggested(study, trial, trials, held)

    def _enqueued(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        fixed: Mapping[str, Any],
        trials: Sequence[FrozenTrial],
        held: Mapping[str, Any],
    ) -> Plan:
        """What was enqueued by hand; it takes nobody's turn."""
        if self._watched(study).space(trials).project(fixed) is not None:
            return Plan("enqueued", dict(fixed), {"reason": "enqueued by hand"})
        rest = self._suggested(study, trial, trials, {**held, **fixed})
        reason = f"{', '.join(fixed)} enqueued by hand, the rest by the rule {rest.rule}"
        return Plan("enqueued", {**rest.config, **fixed}, {"reason": reason})

    def _suggested(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        trials: Sequence[FrozenTrial],
        held: Mapping[str, Any],
    ) -> Plan:
        if len(study.directions) > 1:
            return self._by_base(study, trial, explanation.SEVERAL)
        watched = self._watched(study)
        space = watched.space(trials).holding(held)
        history = watched.history(study, trial, trials)
        taken = Slots(study, trial, trials)
        if not len(history.scores) and history.unread:
            return self._by_base(study, trial, explanation.MISFIT)
        cold = self._policy.cold_by_failures(trial.number, len(history.failed))
        if cold and not len(history.scores):
            return self._far_from_failures(study, trial, trials, space, history)
        if self._model.transfer is not None and watched.knowledge.unknown == 1.0:
            return self._by_base(study, trial, UNRELATED)
        if len(taken) < self._policy.warm_trials or not len(history.scores):
            others = [t for t in trials if t.number != trial.number]
            item = None
            if not self._told:  # else the list keeps to the space already
                item = self._own_start(trial, watched, space, history, taken)
            item = item or self._start.next(taken, others)
            item = item or self._own_start(trial, watched, space, history, taken)
            if item is not None:
                return item
        if self._model.transfer is None:
            return self._by_base(study, trial, explanation.NOTHING_LEARNED)
        if not len(history.scores):
            return self._by_base(study, trial, explanation.LIST_ENDED)
        with one_blas_thread():
            return self._posterior_plan(trial.number, watched, space, history)

    def _far_from_failures(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        trials: Sequence[FrozenTrial],
        space: StudySpace,
        history: History,
    ) -> Plan:
        if self._asks_base:
            config = {}
        elif self._pool is not None:
            config = self._anywhere(study, trial, trials)
        else:
            unit = far_config(space, history.taken, self._rng(trial.number, 2))
            config = space.config(unit)
        return Plan("cold", config, {"reason": explanation.FAILING})

    def _own_start(
        self,
        trial: FrozenTrial,
        watched: Watching,
        space: StudySpace,
        history: History,
        taken: Slots,
    ) -> Plan | None:
        """The start in a space of the study's own; None where it is the prior's, or used up."""
        if self._model.transfer is None or not watched.own:
            return None
        with one_blas_thread():
            unit = start_config(
                watched.knowledge,
                space,
                history.taken,
                self._rng(trial.number, 4),
                skipped=taken.yielded,
            )
        if unit is None:
            return None
        place = next(i for i in itertools.count() if i not in taken.places) + taken.yielded
        reason = f"suits {len(self._model.tasks)} prior tasks best in the study's own space"
        return Plan("portfolio", space.config(unit), {SLOT: place, "reason": reason})

    def _by_base(self, study: optuna.Study, trial: FrozenTrial, reason: str) -> Plan:
        """The base sampler's; one that knows no pool could not keep to it."""
        config = {} if self._pool is None else self._anywhere(study, trial, every_trial(study))
        return Plan("base", config, {"reason": reason})

    def _anywhere(
        self, study: optuna.Study, trial: FrozenTrial, trials: Sequence[FrozenTrial]
    ) -> Config:
        """A random config of the study; where there is a pool, one of it that no trial has had."""
        rng = self._rng(trial.number, 2)
        if self._pool is None:
            space = self._watched(study).space(trials)
            return space.config(space.candidates.random(1, rng)[0])
        untried = self._pool.untried([t.params for t in trials if t.number != trial.number])
        return untried[int(rng.integers(len(untried)))]

    def _posterior_plan(
        self, number: int, watched: Watching, space: StudySpace, history: History
    ) -> Plan:
        policy, pool = self._policy, None if self._pool is None else self._pool.unit
        notes: dict[str, Any] = {}
        if not policy.cold_by_turn(number):
            rng = self._rng(number, 0)
            posterior, seen = posterior_of(
                watched.knowledge,
                history.active(policy.active_trials, rng),
                policy.readings(cold=False),
                self._relevance,
            )
            notes["transfer"] = round(posterior.transfer_share, 4)
            if posterior.uses_transfer:
                rate = self._rate if space.space == self._model.space else None
                unit = informed_config(
                    watched.knowledge, space, posterior, seen, rng, rate=rate, pool=pool
                )
                notes["weights"] = self._named_weights(posterior)
                return Plan("transfer", self._config(space, unit), notes)
            notes["reason"] = GOING_COLD
        if self._asks_base:
            return Plan("cold", {}, notes)
        rng = self._rng(number, 3)
        seen = history.active(policy.active_trials, rng)
        unit = cold_config(space, seen, policy.readings(cold=True), rng, pool=pool)
        return Plan("cold", self._config(space, unit), notes)

    def _config(self, space: StudySpace, unit: Floats) -> Config:
        return space.config(unit) if self._pool is None else self._pool.at(unit)

    @property
    def _asks_base(self) -> bool:
        """Whether cold trials are the base sampler's; one that knows no pool cannot keep to it."""
        return self._base is not None and self._pool is None

    def _named_weights(self, posterior: Posterior, most: int = 8) -> dict[str, float]:
        weights = posterior.task_weights
        order = np.argsort(-np.abs(weights))[:most]
        return {self._model.tasks[i]: round(float(weights[i]), 4) for i in order}


def _latest(study: optuna.Study, trial: FrozenTrial, names: Set[str]) -> dict[str, Any]:
    """The values that parameters had in the latest trial that has them."""
    found: dict[str, Any] = {}
    for other in every_trial(study):
        if other.number != trial.number:
            found |= {n: v for n, v in other.params.items() if n in names}
    return found
