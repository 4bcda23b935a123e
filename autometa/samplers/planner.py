"""Planner: has each trial of any study decided once, and lets others know.

Several threads and processes may decide at the same moment. Threads wait for one another; processes
announce a config first and look afterwards whether another has the same, see `concurrent_trials`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

from autometa.samplers.concurrent_trials import ConcurrentTrials
from autometa.samplers.plan import BEYOND, announce, enqueued_values, plan_of
from autometa.samplers.read_study import StudyReader
from autometa.space import Config, SearchSpace
from autometa.space.clipping import is_beyond
from autometa.storages.per_study import PerStudy, every_trial
from autometa.suggest import Setup, Suggestion, elsewhere, suggest
from autometa.suggest.suggestion import FROM_TRIALS, MOVABLE, REPEATED

_ATTEMPTS = 6  # decisions of a trial while another process keeps taking the same config


class Planner:
    """See the module. It may be pickled and copied: all that it remembers can be read again.

    Args:
        setup: What stays the same in all trials.
        expected: What is searched, where that is known before the first trial.
    """

    def __init__(self, setup: Setup, expected: SearchSpace | None = None) -> None:
        self._setup = setup
        pool = setup.pool
        known = setup.model.space if pool is None else pool.space
        self._reader = PerStudy(
            partial(StudyReader, known, fixed=pool is not None, expected=expected)
        )
        self._deciding = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_deciding"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._deciding = threading.Lock()

    def plan(self, study: optuna.Study, trial: FrozenTrial) -> Suggestion:
        """A trial's plan, made where it has none.

        One whose first worker died, or that is opened again, keeps what it had. What is enqueued by
        hand is decided anew, whatever attributes came along with it.
        """
        found = None if enqueued_values(trial) else plan_of(study, trial)
        return found or self._settled(study, trial, {})

    def for_asked(self, study: optuna.Study, trial: FrozenTrial, asked: Set[str]) -> Suggestion:
        """A trial's plan once it is known which parameters are asked for together.

        One that the plan holds and nobody asks for is decided by somebody else, such as Optuna's
        PartialFixedSampler: the others are decided anew, with the value that it had in the latest
        trial.
        """
        plan = plan_of(study, trial) or self._settled(study, trial, {})
        if plan.rule not in MOVABLE:
            return plan
        others = self.observed(study, plan.config)[0].keys() - asked
        return self._settled(study, trial, _latest(study, trial, others)) if others else plan

    def within(
        self, study: optuna.Study, trial: FrozenTrial, name: str, allowed: BaseDistribution
    ) -> Suggestion | None:
        """A trial's plan once its range of a parameter is known, which may depend on others.

        Where the range does not allow what was planned, the parameter is decided anew, and so are
        others of such ranges that the trial has not asked for; the rest stays.
        """
        plan = plan_of(study, trial)
        if plan is None or plan.rule not in FROM_TRIALS or self._setup.pool is not None:
            return plan
        if not is_beyond(allowed, plan.config.get(name)):
            return plan
        with self._deciding:
            varying = self._reader(study).last_observed(study).varying
        held: dict[str, Any] = {n: v for n, v in plan.config.items() if n not in varying}
        held |= {**trial.params, name: allowed}
        return self._settled(study, trial, held, beyond=plan.config)

    def observed(
        self, study: optuna.Study, held: Config
    ) -> tuple[dict[str, BaseDistribution], bool]:
        """What the study has shown of some parameters, and whether it always has no others."""
        with self._deciding:
            seen = self._reader(study).last_observed(study)
        # Optuna compares what it is told with what the trial asks for: its choices (of which text
        # is none), its kind and its scale. What was only expected may differ in all of these.
        told = seen.latest.keys() - seen.worded - seen.expected - seen.varying
        own = {n: seen.latest[n] for n in held if n in told}
        return {n: d for n, d in own.items() if not d.single()}, seen.always <= held.keys()

    def _settled(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        held: Mapping[str, Any],
        beyond: Config | None = None,
    ) -> Suggestion:
        """Decide and announce, until no other process has the same config.

        One decision at a time, so that each sees the configs that were just given away.

        Args:
            study: The study.
            trial: The trial.
            held: Values of parameters that somebody else decides, or ranges.
            beyond: An earlier plan that the trial's ranges did not allow.
        """
        with self._deciding:
            trials = every_trial(study)
            beside = ConcurrentTrials.among(trials)
            for _ in range(_ATTEMPTS):
                plan = self._decided(study, trial, trials, held, beyond)
                announce(study, trial, plan)
                if plan.rule in ("base", "enqueued") or not plan.config:
                    return plan
                trials = every_trial(study)
                if not beside.had(study, trial, plan.config, trials):
                    return plan
            if plan.rule in FROM_TRIALS:
                now = self._reader(study).situation(study, trial, trials, held)
                plan = elsewhere(self._setup, now, plan)
                announce(study, trial, plan)
            return plan

    def _decided(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        trials: Sequence[FrozenTrial],
        held: Mapping[str, Any],
        beyond: Config | None,
    ) -> Suggestion:
        if beyond is None and trial.params and not enqueued_values(trial):  # another sampler's
            return Suggestion(rule="enqueued", config=dict(trial.params), reason=REPEATED)
        plan = suggest(self._setup, self._reader(study).situation(study, trial, trials, held))
        return plan if beyond is None else replace(plan, notes={**plan.notes, BEYOND: dict(beyond)})


def _latest(study: optuna.Study, trial: FrozenTrial, names: Set[str]) -> dict[str, Any]:
    """The values that parameters had in the latest trial that has them."""
    found: dict[str, Any] = {}
    for other in every_trial(study):
        if other.number != trial.number:
            found |= {n: v for n, v in other.params.items() if n in names}
    return found
