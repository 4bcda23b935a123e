"""Suite `synthetic`: a family of functions in a mixed, conditional space; needs no data.

Task t has the value (higher is better)

    - sum_j s_j |u_j - o_tj|^1.5 - 0.5 (u_lr - o_t,lr) (u_wd - o_t,wd) - p_t,choice + ripple

in unit coordinates u: optima o_t scatter around a common centre with a spread of 0.12, so prior
tasks help and none gives the answer. Made for tests, tutorials and the adversarial suite: a good
result here proves nothing about real tasks.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.bench.split import assign, prior_tasks
from autometa.bench.suite import BenchTask, Objective, Reference, Suite
from autometa.encoding import Floats
from autometa.portfolio import Portfolio
from autometa.space import Config, SearchSpace
from autometa.task import Task, TaskHistory

SPACE: Final = SearchSpace(
    {
        "learning_rate": FloatDistribution(1e-4, 1.0, log=True),
        "weight_decay": FloatDistribution(1e-6, 1e-1, log=True),
        "units": IntDistribution(8, 512, log=True),
        "dropout": FloatDistribution(0.0, 0.9),
        "optimiser": CategoricalDistribution(["adam", "sgd"]),
        "momentum": FloatDistribution(0.0, 0.99),
    },
    conditions={"momentum": ("optimiser", ["sgd"])},
    inner_lr="learning_rate",
    name="synthetic",
)
_TASKS, _TEST, _FOLDS = 24, 6, 3
_SPREAD, _SEED = 0.12, 20
_REFERENCE_CONFIGS, _ALL = 24_000, 1_000


class Synthetic(Suite):
    """See the module."""

    name: ClassVar[str] = "synthetic"
    about: ClassVar[str] = "a made-up family of functions, mixed and conditional; needs no data"
    default_evaluations: ClassVar[int | None] = 100
    checkpoints: ClassVar[tuple[int, ...]] = (1, 3, 5, 10, 25, 50)

    def __init__(self, folder: Path | None = None) -> None:
        self._optima = _centred(np.random.default_rng(_SEED))

    @cached_property
    def tasks(self) -> tuple[BenchTask, ...]:
        """The functions."""
        tasks = [
            Task(name=f"f{i:02d}", space=SPACE, direction="maximize", metric="value")
            for i in range(_TASKS)
        ]
        return assign(tasks, salt=self.name, test=_TEST, folds=_FOLDS)

    def prior(self, fold: str, evaluations: int | None, seed: int) -> Portfolio:
        """Random evaluations of the other folds' functions."""
        n = _ALL if evaluations is None else evaluations
        return Portfolio(self.history(t, n, seed) for t in prior_tasks(self.tasks, fold))

    def history(self, task: BenchTask, n: int, seed: int) -> TaskHistory:
        """Random evaluations of one function."""
        raw = SPACE.sample_raw(n, np.random.default_rng([seed, _index(task), 1]))
        return TaskHistory(task=task.task, raw=raw, values=self._values(task, raw))

    def objective(self, task: BenchTask) -> Objective:
        """The function."""

        def evaluate(config: Config) -> float:
            return float(self._values(task, SPACE.to_raw([config]))[0])

        return evaluate

    def reference(self, task: BenchTask) -> Reference:
        """Best and median of 24,000 random configs."""
        rng = np.random.default_rng([_index(task), 2])
        values = self._values(task, SPACE.sample_raw(_REFERENCE_CONFIGS, rng))
        return Reference(best=float(values.max()), middle=float(np.median(values)))

    def _values(self, task: BenchTask, raw: Floats) -> Floats:
        unit = SPACE.encode_raw(raw)
        numbers = unit[:, [SPACE.slices[n].start for n in _NUMBERS]]
        optimum = self._optima[_index(task)]
        off = numbers - optimum[: len(_NUMBERS)]
        momentum = unit[:, SPACE.slices["momentum"].start] - optimum[4]
        sgd = raw[:, SPACE.names.index("optimiser")] == 1
        values: Floats = (
            -(_SCALES * np.abs(off) ** 1.5).sum(axis=1)
            - 0.5 * off[:, 0] * off[:, 1]
            - np.where(sgd, 0.3 * np.abs(momentum) + (optimum[5] > 0.5) * 0.1, 0.1)
            + 0.01 * np.cos(20.0 * off).sum(axis=1)
        )
        return values


_NUMBERS = ("learning_rate", "weight_decay", "units", "dropout")
_SCALES = np.array([2.0, 0.7, 0.4, 0.6])


def _centred(rng: np.random.Generator) -> Floats:
    """Optima (tasks, 6): numbers, momentum, and which optimiser is better."""
    centre = rng.uniform(0.25, 0.75, size=6)
    optima: Floats = np.clip(centre + _SPREAD * rng.standard_normal((_TASKS, 6)), 0.0, 1.0)
    optima[:, 5] = rng.random(_TASKS)
    return optima


def _index(task: BenchTask) -> int:
    return int(task.name[1:])
