"""Suites whose priors were recorded: random configs of every task, evaluated once for all runs.

Where an evaluation costs a second, a prior cannot be drawn anew for every run. `record` evaluates
random configs of each task, resumably, into a portfolio beside the suites (`priors/NAME`), and a
`Recorded` suite takes its priors and its scale of regret from there:

    prior       recorded trials of the tasks of all other families
    regret      0 = the best recorded config of the task, 1 = the median one

All tasks are test tasks, each family in turn held out whole: nothing is tuned on any of them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from zlib import crc32

import numpy as np

from autometa.bench.provenance import commit, versions
from autometa.bench.suite import BenchTask, Reference, Suite
from autometa.errors import InputError
from autometa.portfolio import Portfolio
from autometa.portfolio.store import folder as store
from autometa.space import Config
from autometa.task import CompletedTrial, State, Task, TaskHistory
from autometa_benchmarks.suites.embedded import some_of

FOLDER = Path(__file__).parent / "priors"
_CHUNK = 10  # evaluations between two writes


class Recorded(Suite):
    """See the module. A subclass says what its tasks are and how a config is evaluated.

    Args:
        folder: Of the recorded portfolio; the one that ships where None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = FOLDER / self.name if folder is None else folder

    @property
    @abstractmethod
    def listed(self) -> tuple[Task, ...]:
        """The tasks, each with its family."""

    @abstractmethod
    def evaluate(self, task: Task, config: Config) -> float | None:
        """One real evaluation, the same whenever it is asked for; None where it failed."""

    @cached_property
    def tasks(self) -> tuple[BenchTask, ...]:
        """All tasks for tests, one fold a family."""
        return tuple(BenchTask(task=t, split="test", fold=t.family) for t in self.listed)

    @cached_property
    def recorded(self) -> Portfolio:
        """What was recorded.

        Raises:
            InputError: nothing was.
        """
        if not store.exists(self._folder):
            raise InputError(
                f"no recorded prior of suite {self.name!r}",
                allowed=f"a portfolio in {self._folder.name!r}",
                do=f"Record one with `autometa bench record {self.name}`",
            )
        return Portfolio.load(self._folder)

    def prior(self, fold: str, evaluations: int | None, seed: int) -> Portfolio:
        """What was recorded of the other families."""
        left = self.recorded.without(fold)
        return Portfolio(some_of(h, evaluations, seed) for h in left.histories)

    def objective(self, task: BenchTask) -> Callable[[Config], float | None]:
        """`evaluate` on the task."""
        return lambda config: self.evaluate(task.task, config)

    def reference(self, task: BenchTask) -> Reference:
        """Best and median of what was recorded of the task; no method sees it."""
        history = self.recorded.by_key[task.task.space, task.name]
        best = int(np.nanargmax(history.scores))
        return Reference(
            best=float(history.values[best]), middle=float(np.nanmedian(history.values))
        )


def record(
    suite: Recorded,
    folder: Path,
    evaluations: int,
    progress: Callable[[int, int, str], None] | None = None,
) -> Portfolio:
    """Evaluate random configs of every task, going on from what the folder holds.

    Args:
        suite: Whose tasks.
        folder: Of the portfolio that grows.
        evaluations: Of every task.
        progress: Told how many evaluations are done, of how many, and the task.
    """
    total, done = evaluations * len(suite.listed), 0
    for begin in range(0, evaluations, _CHUNK):  # all tasks grow together
        for task in suite.listed:
            count = min(_CHUNK, evaluations - begin)
            left = max(0, begin + count - _recorded_trials(folder, task))
            rng = np.random.default_rng([crc32(f"{suite.name}:{task.name}".encode()), begin])
            configs = task.space.from_raw(task.space.sample_raw(_CHUNK, rng))[:count]
            trials = [_trial(suite, task, c) for c in configs[count - min(left, count) :]]
            if trials:
                new = Portfolio([TaskHistory.of(task, trials)], provenance=_provenance(suite))
                Portfolio.update(folder, lambda old, new=new: old.merge(new))  # type: ignore[misc]
            done += count
            if progress is not None:
                progress(done, total, task.name)
    return Portfolio.load(folder)


def _recorded_trials(folder: Path, task: Task) -> int:
    if not store.exists(folder):
        return 0
    known = Portfolio.load(folder).by_key.get((task.space, task.name))
    return 0 if known is None else len(known)


def _trial(suite: Recorded, task: Task, config: Config) -> CompletedTrial:
    value = suite.evaluate(task, config)
    state = State.FAILED if value is None else State.COMPLETE
    return CompletedTrial(config=config, value=value, state=state)


def _provenance(suite: Recorded) -> dict[str, object]:
    return {"suite": suite.name, "about": suite.about, "commit": commit(), "versions": versions()}
