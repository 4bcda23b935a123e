"""What a search asks of an evaluator, and the judge that evaluates all configs alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from autometa.space import Config
from autometa.tuning.held_out import HeldOut
from autometa.tuning.scoring import Scoring

if TYPE_CHECKING:
    from autometa.children import Child, Outcome
    from autometa.children.folds import Folds
    from autometa.tables import Table

STOPPING = 1.0  # seconds before the end at which a child that looks at the clock is to stop


class TimeIsUpError(Exception):
    """The search's own time was up before the trial was done; says nothing of its config."""


class Evaluator(Protocol):
    """What evaluates a config; see `children.evaluation.isolated`."""

    def prepare(self, table: Table, child: Child, *, within: float | None = None) -> None:
        """Get ready; may run in another thread while nothing is evaluated.

        Raises:
            TimeoutError: it took more than `within` seconds.
        """

    def run(
        self,
        child: Child,
        config: Config,
        table: Table,
        *,
        folds: Folds,
        seed: int,
        timeout: float | None,
        predictions: Path | None,
    ) -> Outcome:
        """As `children.run`; held-out predictions are written to a file, see `held_out`."""

    def close(self) -> None:
        """End its process."""


def new_evaluator() -> Evaluator:
    """One that evaluates in a process of its own."""
    from autometa.children.evaluation.isolated import Evaluator as Isolated

    return Isolated()


@dataclass
class Judge:
    """Evaluates configs on one table, always on the same folds, and counts the time it takes.

    Args:
        evaluator: Trains and predicts.
        table: What to train on.
        folds: How many folds, or given splits.
        seed: Of folds and children.
        timeout: Seconds for one trial.
        scoring: What its value is.
        folder: Where held-out predictions are kept.
        end: When the search's time is up, by `time.perf_counter`; None for never.
        wait: (seconds, None for no limit): waits until the evaluator is ready, before each trial;
            raises TimeoutError.
        seconds: Spent so far.
        first_slow: What `slow` is while no trial has told.
    """

    evaluator: Evaluator
    table: Table
    folds: Folds
    seed: int
    timeout: float | None
    scoring: Scoring
    folder: Path
    end: float | None = None
    wait: Callable[[float | None], object] = lambda seconds: None
    seconds: float = field(default=0.0, init=False)
    first_slow: float = field(default=1.0, init=False)

    def __post_init__(self) -> None:
        self._seen: set[str] = set()
        self._clock = self._processor = 0.0

    @cached_property
    def held_out(self) -> HeldOut:
        """What is true of the held-out rows."""
        return HeldOut.of(self.table, self.folds, self.seed)

    def evaluate(self, child: Child, config: Config, file: str) -> Outcome:
        """One trial, its held-out predictions in a file of the folder; a failure is a result.

        Raises:
            TimeIsUpError: it was cut short by the end of the search.
        """
        self._get_ready(child)
        started = time.perf_counter()
        limit, cut = self._limit(started)
        try:
            found = self.evaluator.run(
                child,
                config,
                self.table,
                folds=self.folds,
                seed=self.seed,
                timeout=limit,
                predictions=self.folder / file,
            )
        finally:
            self.seconds += time.perf_counter() - started
        if cut and found.trial.value is None and time.perf_counter() >= started + (limit or 0.0):
            raise TimeIsUpError
        self._pace(child.name, time.perf_counter() - started, found.trial.seconds or 0.0)
        return self.scoring.applied(found, self.held_out, self.folder / file)

    def _get_ready(self, child: Child) -> None:
        """Nothing of this is charged to the trial; the end of the search ends it all the same."""
        if self.end is None:
            self.wait(None)
            return
        try:
            self.wait(max(0.0, self.end - time.perf_counter()))
            left = max(0.0, self.end - time.perf_counter())
            self.evaluator.prepare(self.table, child, within=left)
        except TimeoutError as error:
            self.evaluator.close()
            raise TimeIsUpError from error

    @property
    def slow(self) -> float:
        """Seconds by the clock for a second of processor time of the children."""
        told = self._clock / self._processor if self._processor > 0.0 else self.first_slow
        return max(1.0, told)

    def _pace(self, family: str, clock: float, processor: float) -> None:
        if family in self._seen:  # the first of a family also imports its library
            self._clock += clock
            self._processor += processor
        self._seen.add(family)

    def _limit(self, now: float) -> tuple[float | None, bool]:
        """Seconds for a trial that starts now, and whether the end of the search sets them."""
        if self.end is None:
            return self.timeout, False
        left = self.end - now
        if left <= 0:
            raise TimeIsUpError
        if self.timeout is not None and self.timeout <= left:
            return self.timeout, False
        return max(left - STOPPING, left / 2), True
