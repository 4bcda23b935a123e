"""What a benchmark suite is: tasks with a fixed split, priors that leave them out, objectives.

    development  tasks to tune autometa on; in folds, the prior of one being the other folds
    test         tasks to report on; their prior is all of development
    fold         tasks that share one prior, so that a method is fitted once for all of them

Relatives (tasks of one family) always lie in one fold, so none is in the prior of another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, TypeAlias, get_args

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.portfolio import Portfolio
from autometa.space import Config
from autometa.task import Task

Split: TypeAlias = Literal["development", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchTask:
    """A task of a suite and where it stands in the split."""

    task: Task
    split: Split
    fold: str
    target: str = ""  # tasks of one target differ in their prior only; its own name where empty

    @property
    def name(self) -> str:
        """Unique within the suite."""
        return self.task.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What regret is measured against, in the metric's own units and direction.

    Args:
        best: The best known value of the task; regret 0.
        middle: The median of random configs, or what else the suite's protocol says; regret 1.
    """

    best: float
    middle: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The evaluated configs of a task, where nothing else can be asked: raw (n, p), values (n,)."""

    raw: Floats
    values: Floats


# How a config of a task is evaluated; None stands for a failure. With a pool, only its configs can
# be: `autometa.bench.pool` has the protocol.
Objective: TypeAlias = Callable[[Config], float | None] | Pool

# What a config turns out to be worth: measure -> number, or numbers that add up over tasks.
Judged: TypeAlias = Mapping[str, float | Sequence[float]]


class Suite(ABC):
    """Tasks, priors that leave them out, and objectives; made by `autometa.bench.suites.load`."""

    name: ClassVar[str]
    about: ClassVar[str]  # what is measured, a sentence for tables and JSON
    default_evaluations: ClassVar[int | None] = None  # of a prior task; None = all there are
    checkpoints: ClassVar[tuple[int, ...]] = (1, 3, 5, 10, 20, 30, 50, 100)
    judged_after: ClassVar[tuple[int, ...]] = ()  # trials after which the best config is judged

    @property
    @abstractmethod
    def tasks(self) -> tuple[BenchTask, ...]:
        """All tasks, in a fixed order."""

    @abstractmethod
    def prior(self, fold: str, evaluations: int | None, seed: int) -> Portfolio:
        """What is known before a task of the fold is met: never a task of it, nor a relative.

        Args:
            fold: A fold of the suite.
            evaluations: At most this many random ones a prior task; None = all there are.
            seed: Which ones.
        """

    @abstractmethod
    def objective(self, task: BenchTask) -> Objective:
        """How to evaluate configs of the task."""

    @abstractmethod
    def reference(self, task: BenchTask) -> Reference:
        """Best and median random value of the task."""

    def given(self, task: BenchTask, seed: int) -> Sequence[Config | int]:
        """What every study of a task begins with, whatever the method; nothing as a rule.

        Returns:
            Configs, or rows of the pool where the objective is one; they count as trials.
        """
        return ()

    def judge(self, task: BenchTask, config: Config) -> Judged:
        """What a config is worth beyond its objective: on rows, instances or seeds not tuned on.

        No method sees it. Asked for the best config so far, after `judged_after` trials.
        """
        return {}

    def published(self) -> Mapping[str, Mapping[str, Floats]]:
        """Method -> task -> values (seeds, trials) that its authors published; NaN = unusable."""
        return {}

    @cached_property
    def by_name(self) -> Mapping[str, BenchTask]:
        """Name -> task."""
        return {t.name: t for t in self.tasks}

    def chosen(self, split: Split, names: tuple[str, ...] = ()) -> tuple[BenchTask, ...]:
        """The tasks of a split, or those of them that are named.

        Raises:
            InputError: a name that is not in the split.
        """
        tasks = tuple(t for t in self.tasks if t.split == split)
        known = [t.name for t in tasks]
        unknown = [n for n in names if n not in known]
        if unknown:
            raise InputError(
                f"task {unknown[0]!r} of suite {self.name!r}, split {split!r}",
                allowed=", ".join(known),
            )
        return tuple(t for t in tasks if not names or t.name in names)
