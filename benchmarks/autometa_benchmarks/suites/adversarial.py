"""Suites `adversarial` and `adversarial-lcbench`: priors that teach nothing, or the wrong thing.

What a warm method must not lose: on the targets below, each of these priors replaces the real one.

    related     the real prior, for comparison
    shuffled    values permuted within every task
    flipped     values negated: the best configs look worst
    unrelated   tasks about another optimum: the unit cube mirrored and rotated by parameter
    one-task    a single prior task
    one-trial   every prior task seen through one trial
    empty       no prior task
    constant    every prior value is the same
    diverged    a tenth of the values is 1e81 or its negative, a tenth failed (NaN)
    failing     the better half of every prior task's configs crashed
    narrower    every prior task saw the lower half of the first parameter's range only
    guided      only the better third of every prior task is there, as a good search leaves it

A task is named KIND/TARGET. Cold methods see none of it and are run once a target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from autometa.bench.suite import BenchTask, Objective, Reference, Suite
from autometa.bench.suites.synthetic import Synthetic
from autometa.portfolio import Portfolio
from autometa.task import State, Task, TaskHistory
from autometa_benchmarks.suites.lcbench import LCBench

Corrupt = Callable[[TaskHistory, np.random.Generator], TaskHistory]


class Adversarial(Suite):
    """Bad priors around the test tasks of another suite; subclasses say which."""

    default_evaluations: ClassVar[int | None] = 100
    checkpoints: ClassVar[tuple[int, ...]] = (1, 3, 5, 10, 25, 50)
    targets: ClassVar[int]

    def __init__(self, around: Suite) -> None:
        self.around = around

    @cached_property
    def tasks(self) -> tuple[BenchTask, ...]:
        """Kinds of priors x targets; all of them are test tasks."""
        return tuple(
            BenchTask(
                task=Task(
                    name=f"{kind}/{target.name}",
                    space=target.task.space,
                    direction=target.task.direction,
                    metric=target.task.metric,
                ),
                split="test",
                fold=kind,
                target=target.name,
            )
            for kind in KINDS
            for target in self.around.chosen("test")[: self.targets]
        )

    def prior(self, fold: str, evaluations: int | None, seed: int) -> Portfolio:
        """The real prior, spoilt in the way that the fold is named after."""
        rng = np.random.default_rng([seed, KINDS.index(fold)])
        real = self.around.prior("test", evaluations, seed).histories
        real = {"empty": (), "one-task": real[:1]}.get(fold, real)
        spoil = _SPOIL.get(fold)
        return Portfolio(h if spoil is None else spoil(h, rng) for h in real)

    def objective(self, task: BenchTask) -> Objective:
        """That of the target."""
        return self.around.objective(self.around.by_name[task.target])

    def reference(self, task: BenchTask) -> Reference:
        """That of the target."""
        return self.around.reference(self.around.by_name[task.target])


class AdversarialSynthetic(Adversarial):
    """Around made-up functions; needs no data."""

    name: ClassVar[str] = "adversarial"
    about: ClassVar[str] = "useless and hostile priors around synthetic targets; needs no data"
    targets: ClassVar[int] = 3

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(Synthetic())


class AdversarialLCBench(Adversarial):
    """Around test tasks of lcbench."""

    name: ClassVar[str] = "adversarial-lcbench"
    about: ClassVar[str] = "useless and hostile priors around test tasks of lcbench"
    targets: ClassVar[int] = 3

    def __init__(self, folder: Path) -> None:
        super().__init__(LCBench(folder))


# The priors --------------------------------------------------------------------------------------


def _with_values(history: TaskHistory, values: np.ndarray) -> TaskHistory:
    return TaskHistory(task=history.task, raw=history.raw, values=values)


def _shuffled(history: TaskHistory, rng: np.random.Generator) -> TaskHistory:
    return _with_values(history, rng.permutation(history.values))


def _flipped(history: TaskHistory, rng: np.random.Generator) -> TaskHistory:
    return _with_values(history, -history.values)


def _unrelated(history: TaskHistory, rng: np.random.Generator) -> TaskHistory:
    """Each config keeps its value and moves: coordinates mirrored, and values of columns permuted.

    Configs of a permutation of the unit cube: the response of the task stays smooth and learnable,
    but is about other parameters.
    """
    space = history.task.space
    unit = 1.0 - space.encode_raw(history.raw)
    numbers = [s.start for s in space.slices.values() if s.stop - s.start == 1]
    turned = unit.copy()
    turned[:, numbers] = unit[:, np.roll(numbers, 1)]
    return TaskHistory(task=history.task, raw=space.decode_raw(turned), values=history.values)


def _one_trial(history: TaskHistory, rng: np.random.Generator) -> TaskHistory:
    return history.take(rng.integers(len(history), size=1))


def _constant(history: TaskHistory, rng: np.random.Generator) -> TaskHistory:
    return _with_values(history, np.zeros(len(history)))


def _diverged(history: TaskHistory, rng: np.random.Generator) -> TaskHistory:
    values = history.values.copy()
    drawn = rng.random(len(values))
    values[drawn < 0.1] = np.where(rng.random((drawn < 0.1).sum()) < 0.5, 1e81, -1e81)
    values[drawn > 0.9] = np.nan
    return _with_values(history, values)


def _failing(history: TaskHistory, rng: np.random.Generator) -> TaskHistory:
    good = history.scores >= np.median(history.scores)
    states = np.where(good, State.FAILED, State.COMPLETE).astype(np.int8)
    values = np.where(good, np.nan, history.values)
    return TaskHistory(task=history.task, raw=history.raw, values=values, states=states)


def _narrower(history: TaskHistory, rng: np.random.Generator) -> TaskHistory:
    first = history.task.space.encode_raw(history.raw)[:, 0]
    return history.take(np.flatnonzero(first <= np.median(first)))


def _guided(history: TaskHistory, rng: np.random.Generator) -> TaskHistory:
    return history.take(np.flatnonzero(history.scores >= np.nanquantile(history.scores, 2 / 3)))


_SPOIL: Final[Mapping[str, Corrupt]] = {
    "shuffled": _shuffled,
    "flipped": _flipped,
    "unrelated": _unrelated,
    "one-trial": _one_trial,
    "constant": _constant,
    "diverged": _diverged,
    "failing": _failing,
    "narrower": _narrower,
    "guided": _guided,
}
KINDS: Final = (
    "related",
    "shuffled",
    "flipped",
    "unrelated",
    "one-task",
    "one-trial",
    "empty",
    "constant",
    "diverged",
    "failing",
    "narrower",
    "guided",
)
