"""Suite `adapted-lcbench`: what thirty old studies of changed spaces are worth for a new one.

The new studies are the test tasks of `lcbench`. The prior is thirty studies of its development
tasks whose spaces differ from today's in six ways, one after another: names written otherwise, a
narrower and linear learning rate, categories for numbers, a parameter renamed, one that did not
exist yet (the user knows what ran instead), and one that did not exist of which the user knows
nothing. They reach the methods through `Portfolio.adapt`, told only what a user would know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar
from zlib import crc32

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.bench.split import prior_tasks
from autometa.portfolio import Portfolio
from autometa.space import Config, SearchSpace, Value
from autometa.task import Task, TaskHistory
from autometa_benchmarks.suites.lcbench import LCBench

STUDIES = 30


@dataclass(frozen=True, kw_only=True)
class _Past:
    """How a space was before.

    Args:
        name: Of the old space.
        changed: Today's name -> the old distribution; None where there was no such parameter.
        called: Today's name -> the old name.
        fixed: What ran for parameters that did not exist.
    """

    name: str
    changed: Mapping[str, BaseDistribution | None] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Value] = field(default_factory=dict)

    def space(self, today: SearchSpace) -> SearchSpace:
        """The old space."""
        olds = {n: self.changed.get(n, d) for n, d in today.distributions.items()}
        return SearchSpace(
            {self.called.get(n, n): d for n, d in olds.items() if d is not None}, name=self.name
        )

    def today(self, config: Config, today: SearchSpace) -> Config:
        """What an old config trained, in today's words."""
        return {n: config.get(self.called.get(n, n), self.fixed.get(n)) for n in today.names}


PASTS = (
    _Past(
        name="other names",
        called={"learning_rate": "LearningRate", "batch_size": "BATCH_SIZE"},
    ),
    _Past(
        name="linear rate",
        changed={"learning_rate": FloatDistribution(0.001, 0.05), "max_units": None},
        fixed={"max_units": 256},
    ),
    _Past(
        name="categories",
        changed={
            "max_units": CategoricalDistribution([64, 128, 256, 512, 1024]),
            "batch_size": CategoricalDistribution([32, 128, 512]),
        },
    ),
    _Past(name="renamed", called={"learning_rate": "eta", "weight_decay": "l2"}),
    _Past(name="no momentum", changed={"momentum": None}, fixed={"momentum": 0.9}),
    _Past(
        name="few layers, no dropout",
        changed={"num_layers": IntDistribution(1, 3), "max_dropout": None},
        fixed={"max_dropout": 0.25},
    ),
)
# What the user of today remembers: two names and two values, not that there was no dropout.
TOLD = {
    "renamed": {"eta": "learning_rate", "l2": "weight_decay"},
    "defaults": {"momentum": 0.9, "max_units": 256},
}


class AdaptedLCBench(LCBench):
    """See the module."""

    name: ClassVar[str] = "adapted-lcbench"
    about: ClassVar[str] = "lcbench, the prior being thirty studies of six older spaces"
    default_evaluations: ClassVar[int | None] = 50
    checkpoints: ClassVar[tuple[int, ...]] = (1, 3, 5, 10, 20)

    def prior(self, fold: str, evaluations: int | None, seed: int) -> Portfolio:
        """Thirty old studies, adapted; those of one task differ in their space and trials."""
        count = self.default_evaluations if evaluations is None else evaluations
        assert count is not None
        tasks = [t.task for t in prior_tasks(self.tasks, fold)]
        studies = [
            self._study(tasks[k % len(tasks)], k, PASTS[k % len(PASTS)], count, seed)
            for k in range(STUDIES)
        ]
        found, report = Portfolio(studies).adapt(self.space, **TOLD)  # type: ignore[arg-type]
        assert report.helps
        return found

    def _study(self, task: Task, number: int, past: _Past, n: int, seed: int) -> TaskHistory:
        old = past.space(self.space)
        rng = np.random.default_rng([seed, crc32(task.name.encode()), number])
        raw = old.sample_raw(n, rng)
        trained = self.space.to_raw(past.today(c, self.space) for c in old.from_raw(raw))
        return TaskHistory(
            task=Task(
                name=f"{task.name}/{number}",
                space=old,
                direction=task.direction,
                metric=task.metric,
                family=task.family,
            ),
            raw=raw,
            values=self.values(task, trained),
        )
