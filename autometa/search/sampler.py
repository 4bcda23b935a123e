"""MetaSampler: the meta-model as an Optuna sampler.

What decides a trial's config, its rule, written to the trial as `autometa:rule`:

    portfolio  the first trials: the zero-shot list, one item a trial; a trial that repeats another,
               whose worker died, has its config
    transfer   the posterior over prior tasks, cold hypotheses among them, by expected improvement
    cold       a plain Gaussian process on this study alone, or the user's own base sampler: every
               fourth trial (see `Policy`), so that prior tasks that mislead cost at most a known
               share of the trials; and every trial for which no prior task explains the ones
               before it (`GOING_COLD`)
    base       the base sampler: nothing was learned, or the parameters are unknown to the model

Suggestions are served one parameter at a time (Optuna's independent path), since a define-by-run
study shows its own distributions only then; values that the study does not allow are moved to the
nearest that it does, and the trial says so. Every suggestion depends on (seed, trial number) and on
the trials seen, never on the sampler's past, so six trials, a restart and six more equal twelve.

No foreign trial is ever added to the study.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from autometa.meta.hypotheses import Hypothesis
from autometa.meta.model import Candidate, MetaModel
from autometa.meta.posterior import Posterior
from autometa.meta.threads import one_blas_thread
from autometa.search import attributes
from autometa.search.acquisition import Acquisition
from autometa.search.history import History, Reader
from autometa.search.observed import Observed, adapt
from autometa.search.policy import Policy
from autometa.search.pool import Pool
from autometa.search.rivals import Rivals, slot, whole
from autometa.space import Config

GOING_COLD = "no prior task explains the trials so far: going cold"
_ATTEMPTS = 4  # decisions of a trial while another process keeps taking the same config
_DECIDED = ("transfer", "cold")  # rules whose configs are decided from the study's trials


@dataclass(slots=True)
class _Plan:
    """What was decided for one running trial."""

    rule: str
    config: Config
    notes: dict[str, Any] = field(default_factory=dict)
    whole: bool = False  # whether it holds all parameters that the complete trials share
    moved: list[str] = field(default_factory=list)


class MetaSampler(BaseSampler):
    """See the module; made by `MetaModel.sampler`.

    Args:
        model: What was learned from prior tasks.
        seed: Together with a trial's number it decides that trial's suggestion.
        meta_features: Of the new task, where known.
        base: Samples parameters that the model does not know, cold trials, and everything where
            nothing was learned. By default cold trials ask a Gaussian process of ours, and the rest
            a GPSampler (TPESampler for several objectives), made anew and seeded for each trial.
        policy: How trials are shared out; ablations change it, users need not.
        pool: The only configs that can be tried, where there is such a list.
    """

    def __init__(
        self,
        model: MetaModel,
        *,
        seed: int,
        meta_features: Mapping[str, float] | None = None,
        base: BaseSampler | None = None,
        policy: Policy | None = None,
        pool: Sequence[Config] | None = None,
    ) -> None:
        self._model, self._seed, self._base = model, seed, base
        self._policy = policy or Policy()
        self._relevance = model.task_relevance(meta_features) if model.transfer else None
        self._pool = None if pool is None else Pool.of(model.space, pool)
        warm = model.warm_start(self._policy.warm_trials, meta_features=meta_features)
        self._warm = tuple(warm if self._pool is None else self._pool.moved(warm, model.space))
        learned = model.transfer is not None and model.transfer.rates is not None
        narrowed = learned and self._policy.narrowed
        self._rate = model.predict_inner_lr(meta_features) if narrowed else None
        self._readers: WeakKeyDictionary[optuna.Study, Reader] = WeakKeyDictionary()
        self._plans: dict[tuple[str, int], _Plan] = {}
        self._bases: dict[tuple[str, int], BaseSampler] = {}
        self._shared: WeakKeyDictionary[optuna.Study, IntersectionSearchSpace] = WeakKeyDictionary()
        self._lock = threading.Lock()
        self._deciding = threading.Lock()

    # Optuna's side -------------------------------------------------------------------------------

    def reseed_rng(self) -> None:
        """Only the base sampler has a state of its own; ours follows from the trial number."""
        if self._base is not None:
            self._base.reseed_rng()

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Decide the trial's config."""
        if self._base is not None:
            self._base.before_trial(study, trial)
        # One decision at a time, so that each sees the configs that were just given away.
        with self._deciding:
            trials = study.get_trials(deepcopy=False)
            rivals = Rivals.among(trials)
            place = slot(trial, trials, len(self._warm))
            for _ in range(_ATTEMPTS):
                plan = self._decide(study, trial, place, trials) or self._at_random(study, trial)
                if plan is None:
                    return
                plan.whole = whole(plan.config, trials)
                self._announce(study, trial, plan)
                if plan.rule not in _DECIDED or not plan.config:
                    return
                trials = study.get_trials(deepcopy=False)
                if not rivals.had(study, trial, plan.config, trials):
                    return
            if plan is not None and plan.rule in _DECIDED:
                plan.config = self._anywhere(study, trial)
                plan.whole = whole(plan.config, trials)
                self._announce(study, trial, plan)

    def _announce(self, study: optuna.Study, trial: FrozenTrial, plan: _Plan) -> None:
        with self._lock:
            self._plans[study.study_name, trial.number] = plan
        attributes.write(study, trial, "rule", plan.rule)
        for name, value in plan.notes.items():
            attributes.write(study, trial, name, value)
        # The whole config, so that other workers see it before its parameters are asked for; last,
        # so that a trial which is tried again has all of this or is decided anew.
        attributes.write(study, trial, "config", plan.config)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The base sampler's space, without what this trial's plan holds."""
        plan = self._plan(study, trial)
        held = plan.config if plan is not None else {}
        # The default base is new for each trial and would compare all trials to find this out.
        if self._base is None and (
            (plan is not None and plan.whole) or held.keys() >= self._common(study).keys()
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
        plan = self._plan(study, trial)
        if plan is not None and param_name in plan.config:
            adapted = adapt(plan.config[param_name], param_distribution)
            if adapted is not None:
                value, moved = adapted
                if moved:
                    plan.moved.append(param_name)
                    attributes.write(study, trial, "moved", plan.moved)
                return value
        return self._base_of(study, trial).sample_independent(
            study, trial, param_name, param_distribution
        )

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Forget the plan."""
        if self._base is not None:
            self._base.after_trial(study, trial, state, values)
        with self._lock:
            self._plans.pop((study.study_name, trial.number), None)
            self._bases.pop((study.study_name, trial.number), None)

    def _plan(self, study: optuna.Study, trial: FrozenTrial) -> _Plan | None:
        return self._plans.get((study.study_name, trial.number))

    def _base_of(self, study: optuna.Study, trial: FrozenTrial) -> BaseSampler:
        if self._base is not None:
            return self._base
        key = (study.study_name, trial.number)
        with self._lock:
            if key not in self._bases:
                seed = int(self._rng(trial.number, 1).integers(2**31))
                several = len(study.directions) > 1
                self._bases[key] = (
                    optuna.samplers.TPESampler(seed=seed)
                    if several
                    else optuna.samplers.GPSampler(seed=seed, deterministic_objective=False)
                )
            return self._bases[key]

    # Deciding ------------------------------------------------------------------------------------

    def _rng(self, number: int, stream: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, number, stream])

    def _decide(
        self, study: optuna.Study, trial: FrozenTrial, place: int, trials: Sequence[FrozenTrial]
    ) -> _Plan | None:
        if attributes.first_number(trial) != trial.number:
            repeated = attributes.read(study, trial, "config")
            if isinstance(repeated, dict):
                # Its first worker died: the config is tried again, for the same reason as before.
                return _Plan(str(attributes.read(study, trial, "rule")), repeated)
        if place < len(self._warm):
            return _warm_plan(self._warm[place], place)
        if self._model.transfer is None or len(study.directions) > 1:
            return None
        history = self._reader(study).read(study, trial, trials)
        if not len(history.scores):
            return None
        with one_blas_thread():
            return self._posterior_plan(trial.number, history)

    def _common(self, study: optuna.Study) -> dict[str, BaseDistribution]:
        """The parameters that all trials of a study share; each trial is looked at once."""
        with self._lock:
            known = self._shared.setdefault(study, IntersectionSearchSpace())
            return known.calculate(study)

    def _reader(self, study: optuna.Study) -> Reader:
        """Of this very study; two in different storages may have one name."""
        if study not in self._readers:
            sign = 1.0 if study.direction == StudyDirection.MAXIMIZE else -1.0
            self._readers[study] = Reader(Observed(self._model.space), sign)
        return self._readers[study]

    def _at_random(self, study: optuna.Study, trial: FrozenTrial) -> _Plan | None:
        """A config of the pool, which the base sampler could not keep to; None without a pool."""
        return None if self._pool is None else _Plan("base", self._anywhere(study, trial))

    def _anywhere(self, study: optuna.Study, trial: FrozenTrial) -> Config:
        """A random config of the space; where there is a pool, one of it that no trial has had."""
        rng = self._rng(trial.number, 2)
        if self._pool is None:
            return self._model.space.from_raw(self._model.space.sample_raw(1, rng))[0]
        had = [t.params for t in study.get_trials(deepcopy=False) if t.number != trial.number]
        every = self._pool.configs
        untried = [c for c in every if not any(c.items() <= p.items() for p in had)] or every
        return untried[rng.integers(len(untried))]

    def _posterior_plan(self, number: int, history: History) -> _Plan:
        rng = self._rng(number, 0)
        seen = history.active(self._policy.active_trials, rng)
        cold = self._policy.cold_by_turn(number)
        if cold and self._asks_base:
            return _Plan("cold", {})
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
            return _Plan("cold", config, notes)
        if not posterior.uses_transfer:
            if self._asks_base:
                config = {}
            return _Plan("cold", config, {**notes, "reason": GOING_COLD})
        notes["weights"] = self._named_weights(posterior)
        return _Plan("transfer", config, notes)

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


def _warm_plan(candidate: Candidate, slot: int) -> _Plan:
    rule = "portfolio" if np.isfinite(candidate.expected) else "default"
    return _Plan(rule, candidate.config, {"slot": slot, "reason": candidate.reason})
