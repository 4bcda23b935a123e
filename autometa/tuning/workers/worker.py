"""The inside of a worker process of `tune`: takes items from its parent, one at a time.

It sends every trial the moment it is told, and None when an item is done. Its parent's death, or
the end of the pipe, ends it after the trial in hand; SIGTERM ends it at once, its trial told as
failed. Ctrl-C reaches the whole group of processes and is left to the parent.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autometa import children
from autometa.tuning.clock import past, shorter
from autometa.tuning.cross_validator import new_evaluator
from autometa.tuning.search_spec import COLD, SearchSpec
from autometa.tuning.trials import Search

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from autometa.tuning.cross_validator import Judge


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """Fill a study.

    Args:
        child: Whose warm study, or COLD.
        model: File of the meta-model; None for the cold study.
        target: Evaluated trials that the study is to have.
        until: When no further trial is started, by `time.time()`, which all processes of a machine
            share: a worker that took long to start has no more time than the others. Who has taken
            the item by then has one trial, whatever the family needs to get ready.
        end: When a trial in hand is stopped, by the same clock; None for never.
        limit: Seconds for a trial; None for those of the search.
        once: Whether one trial is all.
    """

    child: str
    model: Path | None
    target: int
    until: float | None
    end: float | None = None
    limit: float | None = None
    once: bool = False


def serve(items: Connection[Any, Any], spec: SearchSpec, name: str, index: int) -> None:
    """Work until there are no more items."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    import optuna

    from autometa.threads import one_thread

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    parent = os.getppid()
    searches: dict[tuple[str, Path | None], Search] = {}
    for source in spec.sources:
        children.get(source)  # a learned start is known by its name from here on
    # EOF, a broken pipe: the parent is gone. KeyboardInterrupt: it wants us gone.
    with (
        suppress(EOFError, BrokenPipeError, KeyboardInterrupt),
        one_thread(),
        closing(new_evaluator()) as evaluator,
    ):
        judge = spec.judge(evaluator)
        while (item := items.recv()) is not None:
            turn = _Turn(parent, _here(item.until), _here(item.end), item.once)
            which = (item.child, item.model)
            if which not in searches:
                searches[which] = _open(spec, item, judge, name, index)
            judge.end, judge.timeout = turn.end, shorter(item.limit, spec.trial_timeout)
            for trial in searches[which].fill(item.target, turn.late):
                items.send(trial)
            items.send(None)


class _Turn:
    """Whether it is too late for a further trial of an item; made when the item is taken."""

    def __init__(
        self, parent: int, until: float | None, end: float | None, once: bool = False
    ) -> None:
        self.end = end
        self._parent, self._until, self._once = parent, until, once
        self._first, self._begun = not past(until), False

    def late(self) -> bool:
        """The first trial of an item that was taken in time waits for the search's end only."""
        over, self._begun = self._begun and self._once, True
        moment, self._first = self.end if self._first else self._until, False
        return over or os.getppid() != self._parent or past(moment)


def by_wall_clock(moment: float | None) -> float | None:
    """A moment by `time.perf_counter()` as one by `time.time()`."""
    return None if moment is None else time.time() + moment - time.perf_counter()


def _here(moment: float | None) -> float | None:
    """A moment by `time.time()` as one by `time.perf_counter()`."""
    return None if moment is None else time.perf_counter() + moment - time.time()


def _open(spec: SearchSpec, item: WorkItem, judge: Judge, name: str, index: int) -> Search:
    if item.child == COLD:
        return spec.cold(judge, name, index)
    from autometa.meta import MetaModel

    assert item.model is not None
    return spec.warm(item.child, MetaModel.load(item.model), judge, name)


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt
