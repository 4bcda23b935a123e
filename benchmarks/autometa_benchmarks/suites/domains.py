"""Suites `medicine` and `education`: a domain's tables, each family of tables held out in turn.

Protocol of a task (child, table), the same for all methods:

    rows        70 % to tune on (at most 1,000 of them), 30 % that tuning never sees
    objective   balanced accuracy or R^2, cross-validated on the tuning rows in three folds
    prior       the embedded portfolio of the child, all domains, without the table's family and
                without tables that hold the same data (by fingerprint)
    regret      1 - R^2, or 2 (1 - balanced accuracy) of the objective: 0 = perfect, 1 = guessing
    judged      the best config so far is fitted to all tuning rows and measured on the rest

All tasks are test tasks, and nothing was tuned for these suites. autometa's constants were chosen
on development tasks of other suites, `tables` among them, whose tables are partly the same.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from autometa import children
from autometa.bench.suite import BenchTask, Judged, Reference, Suite
from autometa.children.evaluation.isolated import Evaluator
from autometa.children.folds import assign
from autometa.meta_features import compute
from autometa.portfolio import Portfolio
from autometa.space import Config
from autometa.tables import Table, load_table
from autometa.task import Task
from autometa_benchmarks.measures import class_measures, value_measures
from autometa_benchmarks.suites.embedded import embedded, without_relatives

_FOLDS, _ROWS, _SEED, _TIMEOUT = 3, 1_000, 0, 60.0  # as the embedded portfolio's
_PARTS, _KEPT = 10, 3  # three parts of ten are for judging
_CHILDREN = ("linear", "hist_gradient_boosting")


class Domain(Suite):
    """See the module. A subclass names the domain.

    Args:
        folder: Of the tables, with an `index.csv`.
        chosen: Children to tune.
    """

    domain: ClassVar[str]
    checkpoints: ClassVar[tuple[int, ...]] = (1, 3, 5, 10, 25)
    judged_after: ClassVar[tuple[int, ...]] = (5, 25)

    def __init__(self, folder: Path, chosen: tuple[str, ...] = _CHILDREN) -> None:
        self._folder, self._chosen = folder, chosen
        self._evaluator = Evaluator()
        self._memo: dict[str, float | None] = {}
        self._table = lru_cache(maxsize=None)(self._load)
        self._split = lru_cache(maxsize=None)(self._divide)

    @cached_property
    def _families(self) -> dict[str, str]:
        """Table -> family, of the domain."""
        index = pd.read_csv(self._folder / "index.csv")
        rows = index[index["domain"] == self.domain]
        return dict(zip(rows["name"], rows["family"], strict=True))

    @cached_property
    def _embedded(self) -> dict[str, Portfolio]:
        return embedded()

    @cached_property
    def tasks(self) -> tuple[BenchTask, ...]:
        """Every table with every child; a fold is a child, a kind of problem and a family."""
        return tuple(
            BenchTask(
                task=self._task(child, name),
                split="test",
                fold=f"{child}/{self._table(name).kind}/{family}",
            )
            for child in self._chosen
            for name, family in self._families.items()
        )

    def prior(self, fold: str, evaluations: int | None, seed: int) -> Portfolio:
        """The child's embedded histories, without the family's tables and copies of them."""
        child, kind, family = fold.split("/", 2)
        left = self._embedded[child].of_kind(kind)
        for name in (n for n, f in self._families.items() if f == family):
            left = without_relatives(left, self._table(name), evaluations, seed)
        return left

    def objective(self, task: BenchTask) -> Callable[[Config], float | None]:
        """Cross-validated training in a process of its own; None where it failed."""
        child, name = _parts_of(task.name)
        rows, _ = self._split(name)

        def evaluate(config: Config) -> float | None:
            key = json.dumps([task.name, config], sort_keys=True)
            if key not in self._memo:
                trial = self._evaluator.run(
                    children.get(child, rows.kind),
                    config,
                    rows,
                    folds=_FOLDS,
                    seed=_SEED,
                    timeout=_TIMEOUT,
                ).trial
                self._memo[key] = trial.value
            return self._memo[key]

        return evaluate

    def reference(self, task: BenchTask) -> Reference:
        """Perfect, and guessing."""
        guessing = 0.5 if task.task.metric == "balanced_accuracy" else 0.0
        return Reference(best=1.0, middle=guessing)

    def judge(self, task: BenchTask, config: Config) -> Judged:
        """What the config, fitted to the tuning rows, is worth on the others."""
        child, name = _parts_of(task.name)
        rows, rest = self._split(name)
        model = children.get(child, rows.kind).build(config, rows.schema, _SEED)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converging is an ordinary result of a config
            model.fit(rows.X, rows.labels)
            if rest.kind == "regression":
                return value_measures(rest.labels, model.predict(rest.X))
            return class_measures(rest.labels, model.predict_proba(rest.X))

    def _task(self, child: str, name: str) -> Task:
        table = self._split(name)[0]
        assert table.kind is not None
        return Task(
            name=f"{child}/{name}",
            space=children.get(child, table.kind).space,
            direction="maximize",
            metric=children.metric(table.kind),
            family=self._families[name],
            meta_features=self._described(name),
        )

    @cached_property
    def _features(self) -> dict[str, dict[str, float]]:
        return {}

    def _described(self, name: str) -> dict[str, float]:
        if name not in self._features:
            self._features[name] = compute(self._split(name)[0])
        return self._features[name]

    def _load(self, name: str) -> Table:
        family = self._families[name]
        return load_table(self._folder / f"{name}.parquet", "target", family=family)

    def _divide(self, name: str) -> tuple[Table, Table]:
        """Rows to tune on and rows to judge on."""
        table = self._table(name)
        kept = assign(table, _PARTS, _SEED) < _KEPT
        tuning = some_rows(table, ~kept).subsample(_ROWS, np.random.default_rng(_SEED))
        return tuning, some_rows(table, kept)


def some_rows(table: Table, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Table:
    """A table of some rows of another, with the same columns and classes."""
    return replace(table, X=table.X[rows], y=table.y[rows], info={})


def _parts_of(name: str) -> tuple[str, str]:
    child, table = name.split("/", 1)
    return child, table


class Medicine(Domain):
    """25 tables of diagnoses and outcomes."""

    name: ClassVar[str] = "medicine"
    domain: ClassVar[str] = "medicine"
    about: ClassVar[str] = "diagnoses: balanced accuracy, and AUC and calibration on unseen rows"


class Education(Domain):
    """8 tables of schools, pupils and colleges."""

    name: ClassVar[str] = "education"
    domain: ClassVar[str] = "education"
    about: ClassVar[str] = "schools and pupils: R^2 or balanced accuracy, judged on unseen rows"
