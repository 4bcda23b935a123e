"""Suite `tables`: really train children on real tables, with the embedded portfolio as prior.

A task is a (child, table) of the embedded portfolio whose table is at hand and has at most 1,000
rows. Its prior is that child's embedded histories without the table's whole family and without
tables that hold the same data (by fingerprint). An evaluation is what `autometa collect` recorded:
the same rows, folds and seed; a config that was trained once is not trained again in the same
process, whichever method asks.

    regret      scaled by the embedded history of the task itself, which no method sees: best and
                median of its configs
    judged      the best config so far is cross-validated once more, on two other divisions of the
                rows into folds, and with other seeds; in the table's own metric (balanced accuracy
                or R^2, at least -1: one that diverged must not rule a mean), since the third digit
                of the first division is luck

Twenty-two families are test tasks. Ten of them always were; the others were development tasks while
the constants of earlier editions were chosen, on an earlier portfolio.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from autometa import children
from autometa.bench.split import places
from autometa.bench.suite import BenchTask, Judged, Objective, Reference, Suite
from autometa.children.evaluation.isolated import Evaluator
from autometa.portfolio import Portfolio
from autometa.space import Config
from autometa.tables import Table, load_table
from autometa.task import TaskHistory
from autometa_benchmarks.suites.embedded import embedded, without_relatives

_FOLDS, _SEED, _TIMEOUT = 3, 0, 60.0  # the protocol of the embedded portfolio
_ROWS = 1_000  # of a table at most, so that a suite of ten children ends within hours
_OTHER_FOLDS = (1, 2)  # seeds of the divisions that judge
_WORST = -1.0  # of what is judged
_TEST, _DEVELOPMENT_FOLDS = 22, 3


class Tables(Suite):
    """See the module."""

    name: ClassVar[str] = "tables"
    about: ClassVar[str] = "real training of all children, warm from the embedded portfolio"
    checkpoints: ClassVar[tuple[int, ...]] = (1, 3, 5, 10, 25)
    judged_after: ClassVar[tuple[int, ...]] = (3, 10, 25)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._evaluator = Evaluator()
        self._tables: dict[str, Table] = {}
        self._memo: dict[str, float | None] = {}

    @cached_property
    def _embedded(self) -> dict[str, Portfolio]:
        return embedded()

    @cached_property
    def _histories(self) -> dict[str, TaskHistory]:
        """Task name -> embedded history, of small tables at hand."""
        index = pd.read_csv(self._folder / "index.csv")
        small = set(index.loc[index["rows"] <= _ROWS, "name"])
        return {
            f"{child}/{h.task.name}": h
            for child, portfolio in self._embedded.items()
            for h in portfolio.histories
            if h.task.name in small and np.nanmax(h.scores) > np.nanmedian(h.scores)
        }

    @cached_property
    def tasks(self) -> tuple[BenchTask, ...]:
        """Small embedded tasks; a table's family is held out whole. Each task is a fold."""
        families = {h.task.name: h.task.family for h in self._histories.values()}
        placed = places(families, salt=self.name, test=_TEST, folds=_DEVELOPMENT_FOLDS)
        return tuple(
            BenchTask(task=replace(h.task, name=name), split=placed[h.task.name][0], fold=name)
            for name, h in self._histories.items()
            if h.task.name in placed
        )

    def prior(self, fold: str, evaluations: int | None, seed: int) -> Portfolio:
        """The child's embedded histories, without the table, its family and its copies."""
        own = self._histories[fold].task
        known = self._embedded[own.space.name]
        left = without_relatives(known, self._whole(own.name), evaluations, seed)
        return left.select(own.space)  # a regression says little of a classification

    def objective(self, task: BenchTask) -> Objective:
        """Cross-validated training in a process of its own; None where it failed."""
        return lambda config: self._scored(task.name, config, _SEED)

    def judge(self, task: BenchTask, config: Config) -> Judged:
        """What the config is worth on other folds; nothing where it fails on one of them."""
        found = [self._scored(task.name, config, seed) for seed in _OTHER_FOLDS]
        values = [value for value in found if value is not None]
        if len(values) < len(found):
            return {}
        return {"other folds": float(np.mean(np.maximum(values, _WORST)))}

    def _scored(self, name: str, config: Config, seed: int) -> float | None:
        key = json.dumps([name, seed, config], sort_keys=True)
        if key not in self._memo:
            own = self._histories[name].task
            trial = self._evaluator.run(
                children.get(own.space.name, self.part(own.name).kind),
                config,
                self.part(own.name),
                folds=_FOLDS,
                seed=seed,
                timeout=_TIMEOUT,
            ).trial
            self._memo[key] = trial.value
        return self._memo[key]

    def reference(self, task: BenchTask) -> Reference:
        """Best and median of the task's embedded history."""
        values = self._histories[task.name].values
        return Reference(best=float(np.nanmax(values)), middle=float(np.nanmedian(values)))

    def _whole(self, name: str) -> Table:
        if name not in self._tables:
            self._tables[name] = load_table(self._folder / f"{name}.parquet", "target")
        return self._tables[name]

    def part(self, name: str) -> Table:
        """The table as the embedded portfolio's trials saw it."""
        rng = np.random.default_rng([_SEED, zlib.crc32(name.encode())])
        return self._whole(name).subsample(_ROWS, rng)
