"""The pool protocol: a task of which only some configs were ever evaluated.

A method proposes a config of the whole space; the nearest config of the pool that was not tried
yet (Euclidean, in unit coordinates) is evaluated, and it is this one that the study holds. A method
that can be told the pool (`Start.within`) proposes configs of it in the first place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from autometa.bench.suite import Pool
from autometa.encoding import Floats
from autometa.space import Config, SearchSpace, Value


class PoolSampler(BaseSampler):
    """A sampler whose every config is one of the pool.

    Args:
        inner: Proposes configs, through Optuna's public interface; it sees what was evaluated.
        space: Of the task.
        pool: What can be evaluated.
    """

    def __init__(self, inner: BaseSampler, space: SearchSpace, pool: Pool) -> None:
        self._inner, self._space, self._pool = inner, space, pool
        self._unit = space.encode_raw(pool.raw)
        self._left = np.ones(len(pool.raw), dtype=bool)
        self._row = -1
        self._taken: dict[int, int] = {}

    @property
    def exhausted(self) -> bool:
        """Whether every config was tried."""
        return not self._left.any()

    def reserve(self, configs: Iterable[Config | int]) -> list[Config]:
        """The pool configs that stand for configs to be enqueued, one each while there are any.

        Args:
            configs: In order; a number is a row of the pool itself, named once at most.
        """
        rows: list[int] = []
        for config in configs:
            if self.exhausted:
                break
            rows.append(
                config if isinstance(config, int) else self._nearest(self._space.encode(config))
            )
            self._left[rows[-1]] = False
        self._taken = dict(enumerate(rows))
        return self._space.from_raw(self._pool.raw[rows])

    @property
    def value(self) -> float | None:
        """Value of the config of the latest trial; None where it failed."""
        value = float(self._pool.values[self._row])
        return value if math.isfinite(value) else None

    def reseed_rng(self) -> None:
        """Pass it on."""
        self._inner.reseed_rng()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Pass it on; an enqueued trial never asks for more."""
        self._inner.before_trial(study, trial)
        if trial.number in self._taken:
            self._row = self._taken[trial.number]

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The whole space: all parameters are decided at once."""
        return dict(self._space.distributions)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The pool config for this trial."""
        self._row = self._nearest(self._space.encode(self._proposal(study, trial)))
        self._left[self._row] = False
        return dict(self._space.from_raw(self._pool.raw[[self._row]])[0])

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Never needed: every active parameter was decided by `sample_relative`."""
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Pass it on."""
        self._inner.after_trial(study, trial, state, values)

    def _proposal(self, study: Study, trial: FrozenTrial) -> Config:
        """What the inner sampler would evaluate, asked as Optuna asks a sampler."""
        searched = self._inner.infer_relative_search_space(study, trial)
        known = self._inner.sample_relative(study, trial, searched)
        config: dict[str, Value] = {}
        for name, distribution in self._space.distributions.items():
            if name in self._space.active(config):
                config[name] = (
                    known[name]
                    if name in known
                    else self._inner.sample_independent(study, trial, name, distribution)
                )
        return config

    def _nearest(self, unit: Floats) -> int:
        rows: NDArray[np.intp] = np.flatnonzero(self._left)
        distances = ((self._unit[rows] - unit) ** 2).sum(axis=1)
        return int(rows[distances.argmin()])
