"""Optuna's samplers that stand behind ours."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

ConstraintsFunc: TypeAlias = Callable[[FrozenTrial], Sequence[float]]


# What goes wrong in a model of trials; an outage of the storage is none of these.
_MISHAPS = (ValueError, TypeError, ArithmeticError, LookupError, RuntimeError, AssertionError)
_LISTED = 10_000_000  # values of a parameter; Optuna's GPSampler keeps a list of all of them


def usual_base(seed: int, objectives: int, constraints_func: ConstraintsFunc | None) -> BaseSampler:
    """A GPSampler, or a TPESampler for several objectives.

    It draws by itself what some trials do not ask for, and need not tell users, who did not choose
    it, to choose another one.
    """
    options: dict[str, Any] = {"seed": seed, "warn_independent_sampling": False}
    if constraints_func is not None:
        options["constraints_func"] = constraints_func
    if objectives > 1:
        return _made(optuna.samplers.TPESampler, **options)
    return _made(optuna.samplers.GPSampler, deterministic_objective=False, **options)


def sample_carefully(
    sampler: BaseSampler,
    seed: int,
    study: optuna.Study,
    trial: FrozenTrial,
    search_space: dict[str, BaseDistribution],
) -> dict[str, Any]:
    """Relative values of a base that nobody chose; random ones where it cannot model the trials.

    That they are is said, and the search goes on. A parameter of more values than a list of them
    is small for, such as a seed, is left out, and so drawn by itself.

    Args:
        sampler: Whose values they are else.
        seed: Of the random ones.
        study: As of `sample_relative`, like the next two.
        trial: Whose values are wanted.
        search_space: Their parameters.
    """
    search_space = {n: d for n, d in search_space.items() if _is_short(d)}
    try:
        return sampler.sample_relative(study, trial, search_space)
    except _MISHAPS as error:
        logger = optuna.logging.get_logger("optuna.autometa")
        what = f"{', '.join(search_space)} of trial {trial.number}"
        name = type(sampler).__name__
        logger.warning(f"autometa: {what} are random, as {name} failed: {error!r}")
        chance = optuna.samplers.RandomSampler(seed=seed)
        return {n: chance.sample_independent(study, trial, n, d) for n, d in search_space.items()}


def _is_short(distribution: BaseDistribution) -> bool:
    step = getattr(distribution, "step", None)  # None where it is continuous, or of choices
    if step is None:
        return True
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return bool((distribution.high - distribution.low) / step < _LISTED)


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
