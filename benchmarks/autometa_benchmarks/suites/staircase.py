"""Suites `staircase-zap` and `staircase-mindware`: recorded tasks asked at any config.

A config has the value of the nearest recorded one (Euclidean, in unit coordinates), so that every
task is a staircase: flat steps, jumps between them, and no gain at all from most small moves. A
search that believes in smooth functions without noise stalls there, and so does one that stays
beside what it knows. Tasks, split and priors are those of the suite around.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np

from autometa.bench.suite import BenchTask, Objective, Pool, Reference, Suite
from autometa.portfolio import Portfolio
from autometa.space import Config
from autometa_benchmarks.suites.mindware import MindWare
from autometa_benchmarks.suites.zap import Zap


class Staircase(Suite):
    """See the module; subclasses say which suite of pools is asked.

    Args:
        around: A suite whose every objective is a pool.
    """

    default_evaluations: ClassVar[int | None] = 100
    checkpoints: ClassVar[tuple[int, ...]] = (1, 3, 5, 10, 20, 40)

    def __init__(self, around: Suite) -> None:
        self._around = around

    @property
    def tasks(self) -> tuple[BenchTask, ...]:
        """Those of the suite around."""
        return self._around.tasks

    def prior(self, fold: str, evaluations: int | None, seed: int) -> Portfolio:
        """That of the suite around."""
        return self._around.prior(fold, evaluations, seed)

    def objective(self, task: BenchTask) -> Objective:
        """The nearest config of the pool."""
        pool = self._around.objective(task)
        assert isinstance(pool, Pool)
        return nearest(task, pool)

    def reference(self, task: BenchTask) -> Reference:
        """Best and median of the pool."""
        return self._around.reference(task)


def nearest(task: BenchTask, pool: Pool) -> Callable[[Config], float | None]:
    """Config -> the value of the nearest config of a pool; None where that one failed.

    Args:
        task: Whose space it is.
        pool: What was recorded.
    """
    space = task.task.space
    unit = space.encode_raw(pool.raw)

    def evaluate(config: Config) -> float | None:
        row = int(((unit - space.encode(config)) ** 2).sum(axis=1).argmin())
        value = float(pool.values[row])
        return value if np.isfinite(value) else None

    return evaluate


class StaircaseZap(Staircase):
    """Many categories and conditions, of which few matter."""

    name: ClassVar[str] = "staircase-zap"
    about: ClassVar[str] = "zap at any config: the value of the nearest recorded one"

    def __init__(self, folder: Path) -> None:
        super().__init__(Zap(folder))


class StaircaseMindWare(Staircase):
    """Few parameters and few steps."""

    name: ClassVar[str] = "staircase-mindware"
    about: ClassVar[str] = "mindware at any config: the value of the nearest recorded one"

    def __init__(self, folder: Path) -> None:
        super().__init__(MindWare(folder))
