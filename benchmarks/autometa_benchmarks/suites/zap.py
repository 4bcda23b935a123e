"""Suite `zap`: fine-tuning a pre-trained image network; choose among 525 recorded configs.

The pool protocol (`autometa.bench.pool`). Relatives among the image sets (the kin of MNIST, of
CIFAR, ...) form a family, and each is held out in turn, with all configs that were found on it:

    development  half of the families; the prior of one are the others of this half
    test         the other half; the prior of one are all other families, of both halves

A prior task is one of 15 versions of an image set, by its 525 configs; every third version teaches,
and the first is searched.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from autometa.bench.split import places
from autometa.bench.suite import BenchTask, Objective, Pool, Reference, Suite
from autometa.portfolio import Portfolio
from autometa.task import TaskHistory
from autometa_benchmarks.networks.images import ImageRuns
from autometa_benchmarks.suites.embedded import some_of

_TEST = 8  # of 16 families


class Zap(Suite):
    """See the module. Data: Öztürk et al., "Zero-shot AutoML with Pretrained Models" (2022)."""

    name: ClassVar[str] = "zap"
    about: ClassVar[str] = "real fine-tuning of an image network under a time limit, 525 configs"
    checkpoints: ClassVar[tuple[int, ...]] = (1, 3, 5, 10, 20, 30, 50)
    every: ClassVar[int] = 3  # version of an image set that teaches

    def __init__(self, folder: Path) -> None:
        self._runs = ImageRuns(folder)

    @cached_property
    def _known(self) -> tuple[TaskHistory, ...]:
        return self._runs.histories(every=self.every)

    @cached_property
    def tasks(self) -> tuple[BenchTask, ...]:
        """The first version of each image set."""
        first = [h.task for h in self._known if h.task.name.startswith("0-")]
        families = {t.family: t.family for t in first}
        placed = places(families, salt=self.name, test=_TEST, folds=1)
        return tuple(
            BenchTask(task=t, split=placed[t.family][0], fold=t.family, target=t.name)
            for t in first
        )

    def prior(self, fold: str, evaluations: int | None, seed: int) -> Portfolio:
        """What other families evaluated of the configs that were not found on this one."""
        split = {t.fold: t.split for t in self.tasks}
        all_of_them = split[fold] == "test"
        others = {f for f, s in split.items() if f != fold and (all_of_them or s != "test")}
        rows = self._rows(fold)
        return Portfolio(
            some_of(h.take(rows), evaluations, seed) for h in self._known if h.task.family in others
        )

    def objective(self, task: BenchTask) -> Objective:
        """The configs that were not found on this family."""
        rows = self._rows(task.fold)
        return Pool(raw=self._runs.raw[rows], values=self._of(task).values[rows])

    def reference(self, task: BenchTask) -> Reference:
        """Best and median of the pool."""
        values = self._of(task).values[self._rows(task.fold)]
        return Reference(best=float(values.min()), middle=float(np.median(values)))

    def _of(self, task: BenchTask) -> TaskHistory:
        return next(h for h in self._known if h.task.name == task.name)

    def _rows(self, family: str) -> np.ndarray:
        return np.flatnonzero(np.array(self._runs.tuned_on) != family)
