"""OptunaHub package: samplers and pruners that start from finished studies, by `autometa`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage

from autometa.meta import MetaLearner, MetaModel
from autometa.portfolio import Portfolio
from autometa.priors.opening import open_prior
from autometa.samplers.pruner import MetaPruner
from autometa.samplers.sampler import MetaSampler

__all__ = ["AutometaPruner", "AutometaSampler", "learn"]

_Source: TypeAlias = str | Path | BaseStorage | optuna.Study
Prior: TypeAlias = MetaModel | Portfolio | _Source | Iterable[_Source]


def learn(prior: Prior, *, seed: int = 0) -> MetaModel:
    """The model of a prior: finished studies of one search space, or what was made of them.

    Args:
        prior: A storage URL, file, storage or study, or several; a portfolio or its folder; a
            model, or the path of a saved one.
        seed: Of the fit.
    """
    known = open_prior(prior)
    return known if isinstance(known, MetaModel) else MetaLearner(seed=seed).fit(known)


class AutometaSampler(MetaSampler):
    """A sampler that starts where the prior ended.

    Args:
        prior: See `learn`.
        seed: Together with a trial's number it decides that trial's suggestion.
        meta_features: Of the new task, where known.
        base: Samples what the prior does not know; by default Optuna's GPSampler.
    """

    def __init__(
        self,
        prior: Prior,
        *,
        seed: int = 0,
        meta_features: Mapping[str, float] | None = None,
        base: BaseSampler | None = None,
    ) -> None:
        super().__init__(learn(prior, seed=seed), seed=seed, meta_features=meta_features, base=base)


class AutometaPruner(MetaPruner):
    """A pruner that has seen the prior's learning curves.

    Args:
        prior: See `learn`.
        fallback: Decides where the prior has too few curves; by default Optuna's MedianPruner.
    """

    def __init__(self, prior: Prior, *, fallback: BasePruner | None = None) -> None:
        super().__init__(learn(prior).chance, fallback=fallback)
