"""Optuna's samplers that stand behind ours."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

ConstraintsFunc: TypeAlias = Callable[[FrozenTrial], Sequence[float]]


# What goes wrong in a model of trials; an outage of the storage is none of these.
_MISHAPS = (ValueError, TypeError, ArithmeticError, LookupError, RuntimeError, AssertionError)


def usual_base(seed: int, objectives: int, constraints_func: ConstraintsFunc | None) -> BaseSampler:
    """A GPSampler, or a TPESampler for several objectives.

    Nobody chose it: where it cannot model the trials, a trial is random and the search goes on.
    """
    options: dict[str, Any] = {"seed": seed}
    if constraints_func is not None:
        options["constraints_func"] = constraints_func
    if objectives > 1:
        return Careful(_made(optuna.samplers.TPESampler, **options), seed)
    made = _made(optuna.samplers.GPSampler, deterministic_objective=False, **options)
    return Careful(made, seed)


class Careful(BaseSampler):
    """A sampler; where it fails at the values of a trial, these are random, which is said.

    Args:
        sampler: Whose values they are else.
        seed: Of the random ones.
    """

    def __init__(self, sampler: BaseSampler, seed: int) -> None:
        self._sampler, self._seed = sampler, seed

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The sampler's."""
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The sampler's, or random ones."""
        try:
            return self._sampler.sample_relative(study, trial, search_space)
        except _MISHAPS as error:
            logger = optuna.logging.get_logger("optuna.autometa")
            what = f"{', '.join(search_space)} of trial {trial.number}"
            name = type(self._sampler).__name__
            logger.warning(f"autometa: {what} are random, as {name} failed: {error!r}")
            chance = optuna.samplers.RandomSampler(seed=self._seed)
            return {
                n: chance.sample_independent(study, trial, n, d) for n, d in search_space.items()
            }

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The sampler's."""
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """The sampler's."""
        self._sampler.before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """The sampler's, which keeps constraints."""
        self._sampler.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """The sampler's, for several threads or processes."""
        self._sampler.reseed_rng()


def keeper_of_constraints(constraints_func: ConstraintsFunc) -> BaseSampler:
    """A sampler whose `after_trial` keeps a trial's constraints, and nothing else."""
    return _made(optuna.samplers.TPESampler, constraints_func=constraints_func)


def _made(kind: Callable[..., BaseSampler], **options: Any) -> BaseSampler:
    with warnings.catch_warnings():
        # Of `constraints_func`, which Optuna 5 deprecates for `Trial.set_constraint`; and of the
        # GPSampler of Optuna 4, which the user did not choose.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return kind(**options)
