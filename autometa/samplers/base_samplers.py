"""Optuna's samplers that stand behind ours."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

ConstraintsFunc: TypeAlias = Callable[[FrozenTrial], Sequence[float]]


def usual_base(seed: int, objectives: int, constraints_func: ConstraintsFunc | None) -> BaseSampler:
    """A GPSampler, or a TPESampler for several objectives."""
    options: dict[str, Any] = {"seed": seed}
    if constraints_func is not None:
        options["constraints_func"] = constraints_func
    if objectives > 1:
        return _made(optuna.samplers.TPESampler, **options)
    return _made(optuna.samplers.GPSampler, deterministic_objective=False, **options)


def keeper_of_constraints(constraints_func: ConstraintsFunc) -> BaseSampler:
    """A sampler whose `after_trial` keeps a trial's constraints, and nothing else."""
    return _made(optuna.samplers.TPESampler, constraints_func=constraints_func)


def _made(kind: Callable[..., BaseSampler], **options: Any) -> BaseSampler:
    with warnings.catch_warnings():
        # Of `constraints_func`, which Optuna 5 deprecates for `Trial.set_constraint`.
        warnings.simplefilter("ignore", FutureWarning)
        return kind(**options)
