"""Suites on YAHPO Gym's surrogates: every config of every task can be asked, in a millisecond.

Source: Pfisterer et al., "YAHPO Gym - an efficient multi-objective multi-fidelity benchmark for
hyperparameter optimization" (2022), data v1.0. Only the ONNX networks are used, through
onnxruntime, on one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.bench.split import assign, prior_tasks
from autometa.bench.suite import BenchTask, Objective, Reference, Suite
from autometa.encoding import Floats
from autometa.errors import MissingExtraError
from autometa.portfolio import Portfolio
from autometa.reading import parse_json, read_bytes
from autometa.space import Config, SearchSpace
from autometa.task import Task, TaskHistory

REFERENCE_CONFIGS = 24_000
ALL_EVALUATIONS = 2_000  # a surrogate has no end: what "all" stands for
_CHUNK = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """How one surrogate is read.

    Args:
        name: Of the suite and of its folder.
        task_parameter: The category that names the task.
        categories: Further categories, in the order of the network's input.
        numbers: Numeric inputs, in order.
        fixed: Inputs that are no part of the space, with their value: the full fidelity.
        output: Column of the metric in the network's output.
        scale: Factor that brings the metric to a share.
        metric: Name of the metric; higher is better.
        families: Task -> family, for tasks with relatives.
        test: How many tasks are held out, at least.
        folds: Development folds.
    """

    name: str
    task_parameter: str
    categories: tuple[str, ...]
    numbers: tuple[str, ...]
    fixed: Mapping[str, float]
    output: int
    scale: float
    metric: str
    families: Mapping[str, str]
    test: int
    folds: int


class YahpoSuite(Suite):
    """A suite on one surrogate; subclasses name the scenario."""

    scenario: ClassVar[Scenario]
    default_evaluations: ClassVar[int | None] = 200

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._described = parse_json(read_bytes(folder / "config_space.json"))
        self._codes = parse_json(read_bytes(folder / "encoding.json"))

    @cached_property
    def space(self) -> SearchSpace:
        """The space of all tasks, conditions included."""
        leave_out = {self.scenario.task_parameter, *self.scenario.fixed}
        return _space(self._described, leave_out, self.scenario.name)

    @cached_property
    def tasks(self) -> tuple[BenchTask, ...]:
        """The choices of the surrogate's task parameter."""
        listed = next(
            h["choices"]
            for h in self._described["hyperparameters"]
            if h["name"] == self.scenario.task_parameter
        )
        tasks = [
            Task(
                name=name,
                space=self.space,
                direction="maximize",
                metric=self.scenario.metric,
                family=self.scenario.families.get(name, name),
            )
            for name in listed
        ]
        return assign(
            tasks, salt=self.scenario.name, test=self.scenario.test, folds=self.scenario.folds
        )

    def prior(self, fold: str, evaluations: int | None, seed: int) -> Portfolio:
        """Random evaluations of every prior task, each task with configs of its own."""
        n = ALL_EVALUATIONS if evaluations is None else evaluations
        return Portfolio(self._history(t.task, n, seed) for t in prior_tasks(self.tasks, fold))

    def _history(self, task: Task, n: int, seed: int) -> TaskHistory:
        raw = self._configs(task, n, seed)
        return TaskHistory(task=task, raw=raw, values=self.values(task, raw))

    def _configs(self, task: Task, n: int, seed: int) -> Floats:
        """Random raw configs (n, p) that a prior task was evaluated on."""
        rng = np.random.default_rng([seed, crc32(task.name.encode()), 1])
        return self.space.sample_raw(n, rng)

    def objective(self, task: BenchTask) -> Objective:
        """The surrogate at full fidelity."""

        def evaluate(config: Config) -> float:
            return float(self.values(task.task, self.space.to_raw([config]))[0])

        return evaluate

    def reference(self, task: BenchTask) -> Reference:
        """Best and median of about 24,000 random configs (the same ones for every method)."""
        return self._references(task.name)

    @cached_property
    def _references(self) -> Callable[[str], Reference]:
        @cache
        def of(name: str) -> Reference:
            rng = np.random.default_rng([crc32(name.encode()), 2])
            raw = self.space.sample_raw(REFERENCE_CONFIGS, rng)
            values = self.values(self.by_name[name].task, raw)
            return Reference(best=float(values.max()), middle=float(np.median(values)))

        return of

    def values(self, task: Task, raw: Floats, *, at: Mapping[str, Floats] | None = None) -> Floats:
        """The surrogate's metric of configs in raw form (n, p) -> (n,).

        Args:
            task: Of the suite.
            raw: Configs.
            at: Values (n,) of inputs that are no part of the space, instead of the fixed ones.
        """
        values: Floats = self.outputs(task, raw, at=at)[:, self.scenario.output]
        return values * self.scenario.scale

    def outputs(self, task: Task, raw: Floats, *, at: Mapping[str, Floats] | None = None) -> Floats:
        """All that the surrogate says of configs, (n, p) -> (n, outputs), in its own units."""
        place = {name: j for j, name in enumerate(self.space.names)}
        scenario = self.scenario
        columns = []
        for name in scenario.numbers:
            if name in place:
                column = raw[:, place[name]]
            else:
                column = (at or {}).get(name, np.full(len(raw), scenario.fixed[name]))
            columns.append(np.where(np.isnan(column), 0.0, column))
        x_cont = np.stack(columns, axis=1).astype(np.float32)
        codes = [np.full(len(raw), self._codes[scenario.task_parameter][task.name])]
        for name in scenario.categories:
            choices = self.space.distributions[name].choices  # type: ignore[attr-defined]
            table = np.array([self._codes[name][c] for c in choices] + [self._codes[name]["#na#"]])
            index = np.where(np.isnan(raw[:, place[name]]), len(choices), raw[:, place[name]])
            codes.append(table[index.astype(np.int64)])
        x_cat = np.stack(codes, axis=1).astype(np.int32)
        output = np.concatenate(
            [
                self._run(x_cat[i : i + _CHUNK], x_cont[i : i + _CHUNK])
                for i in range(0, len(raw), _CHUNK)
            ]
        )
        return output.astype(np.float64)

    def _run(self, x_cat: NDArray[np.int32], x_cont: NDArray[np.float32]) -> NDArray[np.float32]:
        output: NDArray[np.float32] = self._session.run(None, {"x_cat": x_cat, "x_cont": x_cont})[0]
        return output

    @cached_property
    def _session(self) -> Any:
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtraError(
                f"suite {self.name!r} needs onnxruntime",
                do="Install it: pip install onnxruntime",
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(
            self._folder / "model.onnx", options, providers=["CPUExecutionProvider"]
        )


def _space(described: Mapping[str, Any], leave_out: set[str], name: str) -> SearchSpace:
    parameters = [h for h in described["hyperparameters"] if h["name"] not in leave_out]
    conditions = {
        c["child"]: (c["parent"], tuple(c["values"] if c["type"] == "IN" else [c["value"]]))
        for c in described["conditions"]
    }
    distributions = {h["name"]: _distribution(h) for h in parameters}
    inner_lr = next((n for n in ("learning_rate", "eta") if n in distributions), None)
    return SearchSpace(distributions, conditions=conditions, inner_lr=inner_lr, name=name)


def _distribution(described: Mapping[str, Any]) -> BaseDistribution:
    if described["type"] == "categorical":
        choices: Sequence[str] = described["choices"]
        return CategoricalDistribution(choices)
    kind = IntDistribution if described["type"] == "uniform_int" else FloatDistribution
    return kind(described["lower"], described["upper"], log=described["log"])
