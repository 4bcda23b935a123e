"""What is searched: accuracy and training time of public surrogates, tasks held out.

Times are in logs, for every method and for the hypervolume: they differ by factors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from zlib import crc32

import numpy as np

from autometa.bench.data import folder
from autometa.bench.split import prior_tasks
from autometa.bench.suite import BenchTask, Split
from autometa.encoding import Floats
from autometa.portfolio import Portfolio
from autometa.task import Direction, Task, TaskHistory
from autometa_benchmarks.several.hypervolume import Scale
from autometa_benchmarks.suites.lcbench import LCBench
from autometa_benchmarks.suites.rbv2_xgboost import RBv2XGBoost
from autometa_benchmarks.suites.yahpo import REFERENCE_CONFIGS, YahpoSuite

METRICS = ("accuracy", "log_time")
DIRECTIONS: tuple[Direction, Direction] = ("maximize", "minimize")
_SHORTEST = 1e-3  # seconds


@dataclass(frozen=True)
class Several:
    """A suite of one metric, with time beside it.

    Args:
        suite: Of which surrogate.
        time: The output that is the time.
    """

    suite: YahpoSuite
    time: int

    @cached_property
    def name(self) -> str:
        """That of the suite."""
        return self.suite.name

    def values(self, task: BenchTask, raw: Floats) -> Floats:
        """Accuracy and log10 seconds of configs, (n, p) -> (n, 2)."""
        found = self.suite.outputs(task.task, raw)
        scenario = self.suite.scenario
        seconds = np.maximum(found[:, self.time], _SHORTEST)
        return np.stack([found[:, scenario.output] * scenario.scale, np.log10(seconds)], axis=1)

    def prior(self, fold: str, evaluations: int, seed: int = 0) -> Portfolio:
        """Random trials of the prior tasks of a fold, scored by both."""
        histories = []
        for task in prior_tasks(self.suite.tasks, fold):
            rng = np.random.default_rng([seed, crc32(task.name.encode()), 1])
            raw = self.suite.space.sample_raw(evaluations, rng)
            values = self.values(task, raw)
            histories.append(
                TaskHistory(
                    task=_of_both(task),
                    raw=raw,
                    values=values[:, 0],
                    metrics={METRICS[1]: values[:, 1:]},
                )
            )
        return Portfolio(histories)

    def timed_prior(self, fold: str, evaluations: int, seed: int = 0) -> Portfolio:
        """The same trials by accuracy, with the seconds that they took."""
        return Portfolio(
            TaskHistory(
                task=replace(h.task, metrics={}),
                raw=h.raw,
                values=h.values,
                seconds=10.0 ** h.metrics[METRICS[1]][:, 0],
            )
            for h in self.prior(fold, evaluations, seed).histories
        )

    def scale(self, task: BenchTask) -> Scale:
        """By random configs, the same for every method."""
        rng = np.random.default_rng([crc32(task.name.encode()), 2])
        raw = self.suite.space.sample_raw(REFERENCE_CONFIGS, rng)
        return Scale.of(self.values(task, raw) * (1.0, -1.0))

    def folds(self, split: Split) -> Iterator[tuple[str, list[BenchTask]]]:
        """The folds of a split and their tasks."""
        tasks = [t for t in self.suite.tasks if t.split == split]
        for fold in sorted({t.fold for t in tasks}):
            yield fold, [t for t in tasks if t.fold == fold]


def problems(data: Path | None) -> list[Several]:
    """All of them, as far as their data are there."""
    return [
        Several(LCBench(folder(data, "yahpo/lcbench")), time=0),
        Several(RBv2XGBoost(folder(data, "yahpo/rbv2_xgboost")), time=6),
    ]


def _of_both(task: BenchTask) -> Task:
    return replace(task.task, metric=METRICS[0], metrics={METRICS[1]: DIRECTIONS[1]})
