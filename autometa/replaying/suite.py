"""A suite of the user's own finished studies: each is held out in turn, the others are its prior.

The pool protocol: of a study only the configs that it recorded can be asked, COMPLETE ones and
failed ones. Pruned trials have no value of a full training, so they stay in the priors only.
Objectives of one study are relatives: none is in the prior of another, and only the same objective
of other studies is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import numpy as np

from autometa.bench.suite import BenchTask, Objective, Pool, Reference, Suite
from autometa.errors import InputError
from autometa.portfolio import Portfolio
from autometa.portfolio.objectives import one_objective
from autometa.task import State, TaskHistory

LEAST_TRIALS = 10  # COMPLETE ones of a study that is replayed


class StudySuite(Suite):
    """See the module.

    Args:
        portfolio: Imported studies; their spaces may differ.
        most: Of more studies than these, so many are held out, spread evenly; all are known.

    Attributes:
        left_out: Name of a study that is not replayed -> why.

    Raises:
        InputError: two tasks have the same name.
    """

    name: ClassVar[str] = "studies"
    about: ClassVar[str] = "your own studies, one held out at a time; choose among its own trials"

    def __init__(self, portfolio: Portfolio, most: int | None = None) -> None:
        names = [t.name for t in portfolio.tasks]
        if len(set(names)) < len(names):
            raise InputError(
                "tasks of several spaces have the same name",
                allowed="one name a task",
                do="Choose one space with portfolio.select(space)",
            )
        self._portfolio = portfolio
        self.left_out = {h.task.name: why for h in portfolio.histories if (why := self._why(h))}
        usable = [t.name for t in portfolio.tasks if t.name not in self.left_out]
        if most is not None and len(usable) > most:
            drawn = {usable[i] for i in np.linspace(0, len(usable) - 1, most).round().astype(int)}
            why = f"{most} of {len(usable)} studies were drawn"
            self.left_out |= {name: why for name in usable if name not in drawn}

    def _why(self, history: TaskHistory) -> str:
        """Why a study cannot be replayed; empty where it can."""
        values = history.values[history.complete]
        if len(values) < LEAST_TRIALS:
            return f"{len(values)} COMPLETE trials, of at least {LEAST_TRIALS}"
        if np.ptp(values) == 0:
            return "all its trials have the same value"
        try:
            alone = not len(self._others(history))
        except InputError as error:
            return error.given
        return "no other study has its parameters" if alone else ""

    def _others(self, history: TaskHistory) -> Portfolio:
        others = self._portfolio.select(history.task.space).without(history.task.family)
        return one_objective(others, history.task.metric)

    @cached_property
    def histories(self) -> Mapping[str, TaskHistory]:
        """Name -> what is replayed of a study: its COMPLETE and failed trials, in their order."""
        return {
            h.task.name: h.take(h.states != State.PRUNED)
            for h in self._portfolio.histories
            if h.task.name not in self.left_out
        }

    @cached_property
    def tasks(self) -> tuple[BenchTask, ...]:
        """A study is its own fold."""
        return tuple(
            BenchTask(task=h.task, split="test", fold=name) for name, h in self.histories.items()
        )

    def prior(self, fold: str, evaluations: int | None, seed: int) -> Portfolio:
        """All other studies of the same space."""
        return self._others(self.histories[fold])

    def objective(self, task: BenchTask) -> Objective:
        """The study's own trials."""
        history = self.histories[task.name]
        return Pool(raw=history.raw, values=history.values)

    def reference(self, task: BenchTask) -> Reference:
        """Best and median of the study's own trials; the mean where the median is the best."""
        history = self.histories[task.name]
        values, scores = history.values[history.complete], history.scores[history.complete]
        best, middle = float(values[scores.argmax()]), float(np.median(values))
        return Reference(best=best, middle=middle if middle != best else float(values.mean()))
