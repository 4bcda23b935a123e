"""Suites `narrower-lcbench` and `narrower-rbv2_xgboost`: studies in a part of the prior's space.

Each number keeps one half of its range, on its own scale. A task is named WHERE/TASK:

    inside   the halves in which the best configs of the prior tasks lie on average
    outside  the other halves: what was best before cannot be tried

Prior tasks are those of the whole space. Regret is measured in the narrow one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import ClassVar, Final
from zlib import crc32

import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution

from autometa import encoding
from autometa.bench.suite import BenchTask, Objective, Reference, Suite
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa_benchmarks.suites.lcbench import LCBench
from autometa_benchmarks.suites.rbv2_xgboost import RBv2XGBoost
from autometa_benchmarks.suites.yahpo import YahpoSuite

WHERE: Final = ("inside", "outside")
_REFERENCE_CONFIGS = 8_000


class Narrower(Suite):
    """Halves of the space of another suite; subclasses say which."""

    default_evaluations: ClassVar[int | None] = 100
    checkpoints: ClassVar[tuple[int, ...]] = (1, 3, 5, 10, 25, 50)

    def __init__(self, around: YahpoSuite) -> None:
        self.around = around

    @cached_property
    def tasks(self) -> tuple[BenchTask, ...]:
        """Inside and outside x the tasks of the other suite."""
        return tuple(
            replace(
                task,
                task=replace(
                    task.task, name=f"{where}/{task.name}", space=self._half(task.fold, where)
                ),
                target=task.name,
            )
            for where in WHERE
            for task in self.around.tasks
        )

    def prior(self, fold: str, evaluations: int | None, seed: int) -> Portfolio:
        """That of the other suite, in its whole space."""
        return self.around.prior(fold, evaluations, seed)

    def objective(self, task: BenchTask) -> Objective:
        """That of the target."""
        return self.around.objective(self.around.by_name[task.target])

    def reference(self, task: BenchTask) -> Reference:
        """Best and median of random configs of the narrow space."""
        return self._references(task.name)

    @cached_property
    def _references(self) -> Callable[[str], Reference]:
        @cache
        def of(name: str) -> Reference:
            task = self.by_name[name]
            rng = np.random.default_rng([crc32(name.encode()), 2])
            raw = task.task.space.sample_raw(_REFERENCE_CONFIGS, rng)
            values = self.around.values(self.around.by_name[task.target].task, raw)
            return Reference(best=float(values.max()), middle=float(np.median(values)))

        return of

    @cached_property
    def _half(self) -> Callable[[str, str], SearchSpace]:
        @cache
        def of(fold: str, where: str) -> SearchSpace:
            whole = self.around.space
            histories = self.around.prior(fold, 100, 0).histories
            best = np.stack([h.raw[int(np.nanargmax(h.scores))] for h in histories])
            centre = whole.encode_raw(best).mean(axis=0)
            kept = dict(whole.distributions)
            for name, distribution in whole.distributions.items():
                if isinstance(distribution, FloatDistribution | IntDistribution):
                    upper = centre[whole.slices[name].start] > 0.5
                    kept[name] = _half_of(distribution, upper == (where == "inside"))
            return SearchSpace(kept, conditions=whole.conditions, name=whole.name)

        return of


class NarrowerLCBench(Narrower):
    """Halves of lcbench's space."""

    name: ClassVar[str] = "narrower-lcbench"
    about: ClassVar[str] = "lcbench in halves of every range, with the prior's optimum and without"

    def __init__(self, folder: Path) -> None:
        super().__init__(LCBench(folder))


class NarrowerXGBoost(Narrower):
    """Halves of rbv2_xgboost's space."""

    name: ClassVar[str] = "narrower-rbv2_xgboost"
    about: ClassVar[str] = "rbv2_xgboost in halves of every range, with the prior's optimum or not"

    def __init__(self, folder: Path) -> None:
        super().__init__(RBv2XGBoost(folder))


def _half_of(
    distribution: FloatDistribution | IntDistribution, upper: bool
) -> FloatDistribution | IntDistribution:
    smooth = FloatDistribution(distribution.low, distribution.high, log=distribution.log)
    ends = np.array([[0.5], [1.0]] if upper else [[0.0], [0.5]])
    low, high = encoding.from_unit(smooth, ends)
    if isinstance(distribution, IntDistribution):
        return IntDistribution(round(low), round(high), log=distribution.log)
    return FloatDistribution(float(low), float(high), log=distribution.log)
