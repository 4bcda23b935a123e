"""A SearchSpace asked of an Optuna trial, define-by-run: a parent's value decides what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import Trial

from autometa.space import Config, SearchSpace, Value


def suggest(trial: Trial, space: SearchSpace, *, prefix: str = "") -> Config:
    """Suggest every active parameter of a space.

    Args:
        trial: A running trial.
        space: What to suggest.
        prefix: Stands before each parameter's name in the trial, where spaces share a study.

    Returns:
        The config, without the prefix.

    Raises:
        SpaceError: an enqueued value is out of range.
    """
    config: Config = {}
    for name, distribution in space.distributions.items():
        if name in space.active(config):
            config[name] = _value(trial, prefix + name, distribution)
    return space.check(config)


def config_of(params: Mapping[str, Any], space: SearchSpace, *, prefix: str = "") -> Config:
    """The config of a finished trial's parameters.

    Raises:
        SpaceError: they are not a config of the space.
    """
    return space.check(
        {
            name.removeprefix(prefix): value
            for name, value in params.items()
            if name.startswith(prefix) and name.removeprefix(prefix) in space.distributions
        }
    )


def _value(trial: Trial, name: str, distribution: BaseDistribution) -> Value:
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    low, high = distribution.low, distribution.high  # type: ignore[attr-defined]
    step, log = distribution.step, distribution.log  # type: ignore[attr-defined]
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(name, low, high, step=step, log=log)
    return trial.suggest_float(name, low, high, step=step, log=log)
