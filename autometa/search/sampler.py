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

Suggestions are served one parameter at a time (Optuna's independent path), since a define-by-run
study shows its own distributions only then; values that the study does not allow are moved to the
nearest that it does, and the trial says so. Every suggestion depends on (seed, trial number) and on
the trials seen, never on the sampler's past, so six trials, a restart and six more equal twelve.
What was decided lives in the trial itself (`plan`), so samplers can be pickled, copied and sent to
other processes at any moment, and one of them may serve several studies at once.

No foreign trial is ever added to the study.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.trial import FrozenTrial, TrialState

from autometa.meta.hypotheses import Hypothesis
from autometa.meta.model import MetaModel
from autometa.meta.new_task import known_features
from autometa.meta.posterior import Posterior
from autometa.meta.threads import one_blas_thread
from autometa.search import attributes, explanation
from autometa.search.acquisition import Acquisition
from autometa.search.base import ConstraintsFunc, keeper_of_constraints, usual_base
from autometa.search.beginning import say_unheard
from autometa.search.explanation import GOING_COLD, UNRELATED, unrelated
from autometa.search.history import History, Reader
from autometa.search.observed import Observed, adapt
from autometa.search.opening import PriorSource
from autometa.search.per_study import PerStudy, every_trial
from autometa.search.plan import Plan, fixed_by_hand
from autometa.search.policy import Policy
from autometa.search.pool import Pool
from autometa.search.prior_model import model_of
from autometa.search.rivals import Rivals, whole
from autometa.search.zero_shot_start import Slots, ZeroShotStart
from autometa.space import Config, SearchSpace

_ATTEMPTS = 6  # decisions of a trial while another process keeps taking the same config
_DECIDED = ("transfer", "cold")  # rules whose configs are decided from the study's trials


class MetaSampler(BaseSampler):
    """See the module.

    Args:
        prior: What was learned from prior tasks, or anything that `open_prior` opens: it is fitted
            then, for `space` or else for its only space.
        seed: Together with a trial's number it decides that trial's suggestion.
        meta_features: Of the new task, where known; one that is no finite number is dropped with a
            warning.
        base: Samples parameters that the model does not know, cold trials, and everything where
            nothing was learned. By default cold trials ask a Gaussian process of ours, and the rest
            a GPSampler (TPESampler for several objectives), made anew and seeded for each trial.
        policy: How trials are shared out; ablations change it, users need not.
        pool: The only configs that can be tried, where there is such a list.
        constraints_func: As of Optuna's samplers: a finished trial's constraint values, above zero
            where it is infeasible. Those that a trial sets itself, or that `base` computes, count
            as well; infeasible trials count as failed.
        space: What is searched, where it is known beforehand: the start keeps to it.
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
        self._readers = PerStudy(partial(Reader, Observed(model.space)))
        self._shared = PerStudy(IntersectionSearchSpace)
        self._whole: PerStudy[set[int]] = PerStudy(set)  # trials with all that the study needs
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
            trials = every_trial(study)
            rivals = Rivals.among(trials)
            for _ in range(_ATTEMPTS):
                plan = self._decide(study, trial, trials)
                self._announce(study, trial, plan, trials)
                if plan.rule in ("base", "enqueued") or not plan.config:
                    return
                trials = every_trial(study)
                if not rivals.had(study, trial, plan.config, trials):
                    return
            if plan.rule in _DECIDED:
                self._announce(study, trial, Plan(plan.rule, self._anywhere(study, trial)), trials)

    def _announce(
        self, study: optuna.Study, trial: FrozenTrial, plan: Plan, trials: Sequence[FrozenTrial]
    ) -> None:
        plan.announce(study, trial)
        if whole(plan.config, trials):
            self._whole(study).add(trial.number)
        else:
            self._whole(study).discard(trial.number)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The base sampler's space, without what this trial's plan holds."""
        plan = Plan.of(study, trial)
        held = plan.config if plan is not None else {}
        # The default base is new for each trial and would compare all trials to find this out.
        if self._base is None and (
            trial.number in self._whole(study) or held.keys() >= self._common(study).keys()
        ):
            return {}
        space = self._base_of(study, trial).infer_relative_search_space(study, trial)
        return {name: d for name, d in space.items() if name not in held}

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """What the base sampler says of the parameters that the plan does not hold."""
        if not search_space:
            return {}
        return self._base_of(study, trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The plan's value, moved into the study's own distribution where it must be."""
        plan = Plan.of(study, trial)
        if plan is not None and param_name in plan.config:
            adapted = adapt(plan.config[param_name], param_distribution)
            if adapted is not None:
                value, moved = adapted
                if moved:
                    known = attributes.read(study, trial, "moved") or []
                    attributes.write(study, trial, "moved", [*known, param_name])
                return value
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
        self._whole(study).discard(trial.number)
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
        self, study: optuna.Study, trial: FrozenTrial, trials: Sequence[FrozenTrial]
    ) -> Plan:
        fixed = fixed_by_hand(trial)
        if fixed:
            return self._enqueued(study, trial, fixed, trials)
        if trial.params:  # another sampler's, tried again
            return Plan("enqueued", dict(trial.params), {"reason": "tried again as it was"})
        return self._suggested(study, trial, trials)

    def _enqueued(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        fixed: Mapping[str, Any],
        trials: Sequence[FrozenTrial],
    ) -> Plan:
        """What was enqueued by hand; it takes nobody's turn."""
        if Observed(self._model.space).project(fixed) is not None:
            return Plan("enqueued", dict(fixed), {"reason": "enqueued by hand"})
        rest = self._suggested(study, trial, trials)
        reason = f"{', '.join(fixed)} enqueued by hand, the rest by the rule {rest.rule}"
        return Plan("enqueued", {**rest.config, **fixed}, {"reason": reason})

    def _suggested(
        self, study: optuna.Study, trial: FrozenTrial, trials: Sequence[FrozenTrial]
    ) -> Plan:
        if len(study.directions) > 1:
            return self._by_base(study, trial, explanation.SEVERAL)
        history = self._readers(study).read(study, trial, trials)
        taken = Slots(study, trial, trials)
        if not len(history.scores) and history.unread:
            return self._by_base(study, trial, explanation.MISFIT)
        many_failed = len(history.failed) >= self._policy.cold_from and not len(history.scores)
        if many_failed and self._policy.cold_by_turn(trial.number):
            config = {} if self._asks_base else self._anywhere(study, trial)
            return Plan("cold", config, {"reason": explanation.FAILING})
        if len(taken) < self._policy.warm_trials or not len(history.scores):
            item = self._start.next(taken, [t for t in trials if t.number != trial.number])
            if item is not None:
                return item
        if self._model.transfer is None:
            return self._by_base(study, trial, explanation.NOTHING_LEARNED)
        if not len(history.scores):
            return self._by_base(study, trial, explanation.LIST_ENDED)
        with one_blas_thread():
            return self._posterior_plan(trial.number, history)

    def _by_base(self, study: optuna.Study, trial: FrozenTrial, reason: str) -> Plan:
        """The base sampler's; one that knows no pool could not keep to it."""
        config = {} if self._pool is None else self._anywhere(study, trial)
        return Plan("base", config, {"reason": reason})

    def _common(self, study: optuna.Study) -> dict[str, BaseDistribution]:
        """The parameters that all trials of a study share; each trial is looked at once."""
        with self._deciding:
            return self._shared(study).calculate(study)

    def _anywhere(self, study: optuna.Study, trial: FrozenTrial) -> Config:
        """A random config of the space; where there is a pool, one of it that no trial has had."""
        rng = self._rng(trial.number, 2)
        if self._pool is None:
            return self._model.space.from_raw(self._model.space.sample_raw(1, rng))[0]
        had = [t.params for t in every_trial(study) if t.number != trial.number]
        untried = self._pool.untried(had)
        return untried[int(rng.integers(len(untried)))]

    def _posterior_plan(self, number: int, history: History) -> Plan:
        rng = self._rng(number, 0)
        seen = history.active(self._policy.active_trials, rng)
        cold = self._policy.cold_by_turn(number)
        if cold and self._asks_base:
            return Plan("cold", {})
        readings = self._policy.readings(cold=cold)
        posterior = self._posterior(seen, readings)
        if len(seen.running):
            # Believe the mean of what is running (kriging believer, Ginsbourger et al., 2010).
            mean, _ = posterior.predict(seen.running)
            seen = seen.believing(mean)
            posterior = self._posterior(seen, readings, posterior)
        rate = None if cold else self._rate
        acquisition = Acquisition(self._model, posterior, seen, rate)
        if self._pool is not None:
            config = self._pool.at(acquisition.best(rng, self._pool.unit))
        else:
            config = self._model.space.decode(acquisition.best(rng))
        notes: dict[str, Any] = {"transfer": round(posterior.transfer_share, 4)}
        if cold:
            return Plan("cold", config, notes)
        if not posterior.uses_transfer:
            if self._asks_base:
                config = {}
            return Plan("cold", config, {**notes, "reason": GOING_COLD})
        notes["weights"] = self._named_weights(posterior)
        return Plan("transfer", config, notes)

    @property
    def _asks_base(self) -> bool:
        """Whether cold trials are the base sampler's; one that knows no pool cannot keep to it."""
        return self._base is not None and self._pool is None

    def _posterior(
        self,
        seen: History,
        readings: tuple[Hypothesis, ...],
        judged: Posterior | None = None,
    ) -> Posterior:
        assert self._model.transfer is not None
        return Posterior(
            self._model.transfer,
            seen.unit,
            seen.scores,
            fidelity=seen.fidelity,
            relevance=self._relevance,
            hypotheses=readings,
            judged=judged,
        )

    def _named_weights(self, posterior: Posterior, most: int = 8) -> dict[str, float]:
        weights = posterior.task_weights
        order = np.argsort(-np.abs(weights))[:most]
        return {self._model.tasks[i]: round(float(weights[i]), 4) for i in order}
