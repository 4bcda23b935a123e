"""Suites `hpob` and `hpob-continuous`: HPO-B-v3, for whoever has its files.

Arango, Jomaa, Wistuba & Grabocka, "HPO-B: a large-scale reproducible benchmark for black-box HPO
based on OpenML" (2021). A study of a test data set begins with five given configs, others for each
of five seeds (test0 ... test4); what counts are the suggestions after them.

    discrete     choose among the recorded configs of the data set (the pool protocol, see
                 `autometa.bench.pool`); incumbents are scaled by the data set's least and largest
                 accuracy
    continuous   any config of the unit cube; its value is that of the authors' surrogate (XGBoost),
                 scaled by what their `summary-stats.json` has and cut at 0 and 1. The five given
                 configs have their recorded values.

A method that cannot be told the pool proposes any config and gets the nearest one: `random` and
`cold-gp` here are not the authors' baselines, which draw and rank recorded configs.

So regret is 1 - the normalised incumbent. The prior of a test data set are the meta-train data sets
of its space. The meta-validation ones are development tasks; their five first configs are drawn
where the file gives none.

Files, as HPO-B has them: `meta-train-dataset.json`, `meta-validation-dataset.json`,
`meta-test-dataset.json`, `bo-initializations.json`, and `saved-surrogates/` for the second suite.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from zlib import crc32

import numpy as np

from autometa.bench.data import VARIABLE
from autometa.bench.suite import BenchTask, Objective, Pool, Reference, Split, Suite
from autometa.encoding import Floats
from autometa.errors import InputError, StoreError
from autometa.portfolio import Portfolio
from autometa.reading import parse_json, read_bytes
from autometa.space import Config
from autometa.task import TaskHistory
from autometa_benchmarks.suites.embedded import some_of

GIVEN = 5
AFTER = (1, 5, 10, 25, 50, 100)  # suggestions after which the authors report
SEEDS = tuple(f"test{i}" for i in range(5))
_FILES: Mapping[Split, str] = {
    "test": "meta-test-dataset.json",
    "development": "meta-validation-dataset.json",
}


class HPOB(Suite):
    """The discrete protocol.

    Args:
        data: The folder with HPO-B's files, or one that holds it as `hpob` or `hpob-data`; None =
            the environment variable AUTOMETA_DATA.

    Raises:
        InputError: the files are not there.
    """

    name: ClassVar[str] = "hpob"
    about: ClassVar[str] = "HPO-B-v3: accuracy, 16 spaces; choose among a data set's configs"
    default_evaluations: ClassVar[int | None] = 1_000
    checkpoints: ClassVar[tuple[int, ...]] = tuple(GIVEN + n for n in AFTER)

    def __init__(self, data: Path | None = None) -> None:
        self.folder = _folder(data)

    @cached_property
    def histories(self) -> Mapping[str, tuple[Split, TaskHistory]]:
        """Name, which is SPACE/DATA SET -> where it stands in the split, and its evaluations."""
        found: dict[str, tuple[Split, TaskHistory]] = {}
        for split, file in _FILES.items():
            if split == "test" or (self.folder / file).exists():
                for history in Portfolio.from_hpob(self.folder / file).histories:
                    task = history.task
                    name = f"{_id(task.space.name)}/{task.name}"
                    known = replace(history, task=replace(task, name=name, family=task.name))
                    found[name] = split, known
        return found

    @cached_property
    def tasks(self) -> tuple[BenchTask, ...]:
        """All test data sets, then the validation ones; a space is a fold."""
        return tuple(
            BenchTask(task=history.task, split=split, fold=history.task.space.name)
            for split, history in self.histories.values()
        )

    @cached_property
    def _train(self) -> dict[str, Portfolio]:
        return {}

    def prior(self, fold: str, evaluations: int | None, seed: int) -> Portfolio:
        """The meta-train data sets of the space."""
        if fold not in self._train:
            file = self.folder / "meta-train-dataset.json"
            self._train[fold] = Portfolio.from_hpob(file, spaces=[_id(fold)])
        return Portfolio(some_of(h, evaluations, seed) for h in self._train[fold].histories)

    def objective(self, task: BenchTask) -> Objective:
        """The recorded configs."""
        history = self._of(task)
        return Pool(raw=history.raw, values=history.values)

    def reference(self, task: BenchTask) -> Reference:
        """The data set's largest accuracy is regret 0, its least one regret 1."""
        values = self._of(task).values
        return Reference(best=float(values.max()), middle=float(values.min()))

    def given(self, task: BenchTask, seed: int) -> tuple[Config | int, ...]:
        """The five rows that a seed begins with."""
        return self.given_rows(task, seed)

    def given_rows(self, task: BenchTask, seed: int) -> tuple[int, ...]:
        """The same rows, for both protocols.

        Raises:
            InputError: a test data set without them, a sixth seed, or a row that is not there.
        """
        space, _, data_set = task.name.partition("/")
        count = len(self._of(task))
        known = self._initial.get(space, {}).get(data_set)
        if known is None and task.split == "development":
            rng = np.random.default_rng([crc32(task.name.encode()), seed])
            return tuple(int(row) for row in rng.choice(count, size=GIVEN, replace=False))
        listed = (known or {}).get(f"test{seed}")
        rows = listed[:GIVEN] if isinstance(listed, list) else []
        fit = all(type(row) is int and 0 <= row < count for row in rows)
        if not fit or len(set(rows)) < GIVEN:
            raise InputError(
                f"first configs of {task.name}, seed {seed}: {listed!s:.80}",
                allowed=f"{GIVEN} rows below {count} of seeds 0 to {len(SEEDS) - 1} "
                "in bo-initializations.json",
            )
        return tuple(rows)

    @cached_property
    def _initial(self) -> Mapping[str, Mapping[str, Any]]:
        """Space -> data set -> seed -> rows."""
        return _mapping(self.folder / "bo-initializations.json")

    def _of(self, task: BenchTask) -> TaskHistory:
        return self.histories[task.name][1]


class HPOBContinuous(HPOB):
    """The continuous protocol; see the module."""

    name: ClassVar[str] = "hpob-continuous"
    about: ClassVar[str] = "HPO-B-v3: accuracy by the authors' surrogates, 16 spaces, unit cube"

    def objective(self, task: BenchTask) -> Callable[[Config], float]:
        """The surrogate, and the recorded values of the given configs."""
        low, high = self._range(task)
        predict, history = self._surrogate(task), self._of(task)
        seeds = range(len(SEEDS))
        # Of repeated configs the first row counts.
        rows = sorted({row for seed in seeds for row in self.given_rows(task, seed)}, reverse=True)
        recorded = {tuple(history.raw[row]): float(history.values[row]) for row in rows}

        def evaluate(config: Config) -> float:
            raw = task.task.space.to_raw([config])
            value = recorded.get(tuple(raw[0]))
            value = predict(raw) if value is None else value
            return float(np.clip((value - low) / (high - low), 0.0, 1.0))

        return evaluate

    def reference(self, task: BenchTask) -> Reference:
        """Values are normalised already."""
        return Reference(best=1.0, middle=0.0)

    def given(self, task: BenchTask, seed: int) -> tuple[Config | int, ...]:
        """The five configs that a seed begins with."""
        raw = self._of(task).raw[list(self.given_rows(task, seed))]
        return tuple(task.task.space.from_raw(raw))

    @cached_property
    def _stats(self) -> Mapping[str, Mapping[str, Any]]:
        return _mapping(self.folder / "saved-surrogates" / "summary-stats.json")

    def _range(self, task: BenchTask) -> tuple[float, float]:
        """What the authors scale the task's accuracy by."""
        found = self._stats.get(_surrogate_name(task), {})
        try:
            low, high = float(found["y_min"]), float(found["y_max"])
        except (LookupError, TypeError, ValueError) as error:
            raise StoreError(f"summary-stats.json: no range of {_surrogate_name(task)}") from error
        if not low < high:
            raise StoreError(f"summary-stats.json: {_surrogate_name(task)} from {low} to {high}")
        return low, high

    def _surrogate(self, task: BenchTask) -> Callable[[Floats], float]:
        """Accuracy of one config (1, d) by the authors' model.

        Raises:
            StoreError: it cannot be read.
        """
        import xgboost

        path = self.folder / "saved-surrogates" / f"{_surrogate_name(task)}.json"
        model = xgboost.Booster({"nthread": 1})
        try:
            model.load_model(path)
        except (xgboost.core.XGBoostError, ValueError, OSError) as error:
            raise StoreError(f"{path} cannot be read: {str(error)[:200]}") from error
        return lambda raw: float(model.predict(xgboost.DMatrix(raw))[0])


def _folder(data: Path | None) -> Path:
    named = data if data is not None else os.environ.get(VARIABLE)
    root = None if not named else Path(named)
    for folder in () if root is None else (root, root / "hpob", root / "hpob-data"):
        if (folder / _FILES["test"]).exists():
            return folder
    raise InputError(
        "no folder with HPO-B's files" if root is None else f"no HPO-B in {root}",
        allowed=f"--data DIR or {VARIABLE}, a folder that holds {_FILES['test']}",
        do="benchmarks/README.md says where the data come from",
    )


def _mapping(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """A JSON object of objects."""
    try:
        found = parse_json(read_bytes(path))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(v, dict) for v in found.values()):
        raise StoreError(f"{path} is no file of HPO-B", allowed="a JSON object of objects")
    return found


def _id(space: str) -> str:
    """HPO-B's id of a space that `Portfolio.from_hpob` named."""
    return space.removeprefix("hpob-")


def _surrogate_name(task: BenchTask) -> str:
    return "surrogate-" + task.name.replace("/", "-", 1)
