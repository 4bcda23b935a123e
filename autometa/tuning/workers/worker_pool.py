"""Worker processes on one storage, and the parent that watches them.

A worker that dies (killed, out of memory, crashed) is seen by its pipe's end. Its running trial is
failed and queued again at once, a new worker takes its place, and the rest goes on; a place whose
workers die RESTARTS times in a row without finishing a trial is given up. Every worker has its own
pipe: a killed one cannot hold a lock, or leave half a message, that others wait for. Nobody waits
for a worker that is late, still starting perhaps: it takes the next item as soon as it can, and at
the end of a search by time it is ended.
"""

from __future__ import annotations

import math
import multiprocessing
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from autometa.children.evaluation.threads import one_thread_each
from autometa.errors import InputError
from autometa.storages.attributes import WORKER
from autometa.storages.orphans import give_back
from autometa.tuning.arms import TunedTrial
from autometa.tuning.workers import main_module
from autometa.tuning.workers.worker import WorkItem, by_wall_clock, serve

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from optuna.study import Study

    from autometa.meta import MetaModel
    from autometa.tuning.search_spec import SearchSpec

RESTARTS = 3  # deaths in a row, no trial between them, after which a place is given up
FAREWELL = 10.0  # seconds that a worker has to tell its trial when it is to stop
LATE = 0.5  # seconds after the end of an item, from which on a worker is not waited for
_SHORT = 0.5  # seconds of farewell where time is up, or nothing is in hand


@dataclass
class _Place:
    """One worker, and the next one where it died."""

    index: int
    process: Any = None
    pipe: Connection[Any, Any] | None = None
    name: str = ""
    deaths: int = 0
    item: WorkItem | None = None
    trial: TunedTrial | None = None  # of an item that is not over yet
    names: list[str] = field(default_factory=list)


class WorkerPool:
    """Workers, as a context manager; leaving it stops them and gives their trials back.

    Args:
        spec: The search; its storage must be an address that processes can share.
        count: Worker processes, each with one thread.
        tell: Told in a sentence about a worker that died.

    Raises:
        InputError: as `main_module.is_needed`.

    Attributes:
        size: Number of workers.
    """

    def __init__(self, spec: SearchSpec, count: int, tell: Callable[[str], None]) -> None:
        self._main = main_module.is_needed(spec)
        self.size = count
        self._spec, self._tell = spec, tell
        self._folder = TemporaryDirectory(prefix="autometa-")  # of the models that workers read
        self._places = [_Place(index) for index in range(count)]
        self._studies: dict[str, Study] = {}
        self._given_up = False

    def __enter__(self) -> WorkerPool:
        with one_thread_each():
            for place in self._places:
                self._start(place)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def item(
        self,
        name: str,
        model: MetaModel,
        end: float | None,
        limit: float,
        target: int | None = None,
    ) -> WorkItem:
        """What the workers are to do for a family's study.

        Args:
            name: Of the family.
            model: Its meta-model; a better one has another file.
            end: Of the search, by `time.perf_counter()`; None for never.
            limit: Seconds for a trial; infinity for those of the search.
            target: Evaluated trials that the study is to have; one more where None.
        """
        path, once = Path(self._folder.name) / f"{name}-{id(model):x}.model", target is None
        if not path.exists():
            model.save(path)
        stop = by_wall_clock(end)
        return WorkItem(
            child=name,
            model=path,
            target=sys.maxsize if target is None else target,
            until=None if once else stop,
            end=stop,
            limit=limit if math.isfinite(limit) else None,
            once=once,
        )

    def stop(self) -> None:
        """End the workers; trials that they had in hand are told as failed, or queued again."""
        self._end(self._places, FAREWELL)

    def dismiss(self, places: Sequence[_Place] | None = None) -> None:
        """Tell workers, all by default, that nothing more comes; nobody waits for them yet."""
        for place in self._places if places is None else places:
            with suppress(OSError):
                if place.pipe is not None:
                    place.pipe.send(None)

    def stop_late(self) -> None:
        """End the workers that are still at something, as time is up."""
        self._end([place for place in self._places if place.item is not None], _SHORT)

    def _end(self, places: list[_Place], farewell: float) -> None:
        self.dismiss(places)
        for place in places:
            if place.item is not None and place.process is not None:
                place.process.terminate()
        now = time.monotonic()
        for place in places:
            # Who has nothing in hand has nothing to tell: it may be starting still.
            end = now + (min(farewell, _SHORT) if place.item is None else farewell)
            self._bury(place, max(0.0, end - time.monotonic()))
        for place in places:
            self._release(place)

    def fill(self, study: Study, item: WorkItem) -> Iterator[TunedTrial]:
        """Have the workers fill a study; its trials as they are finished.

        A worker that is still at an earlier item begins with this one when it is done.

        Raises:
            InputError: every worker died, again and again.
        """
        self._studies[study.study_name] = study
        self._wake()
        while True:
            self._given_up = False
            for place in self._places:
                if place.process is not None and place.item is None:
                    self._send(place, item)
            while any(place.item is not None for place in self._places) and not _over(item):
                yield from self._hear(item)
            if not self._given_up or _over(item):
                return
            # Somebody gave up with a trial in hand: the others do it.

    def turns(
        self, ask: Callable[[], tuple[Study, WorkItem] | None]
    ) -> Iterator[tuple[WorkItem, TunedTrial | None]]:
        """Items of one trial each, handed out as workers become free; each as it is done.

        Args:
            ask: A study and the next item for it; None where there is no more.

        Yields:
            An item and its trial; None where there is none: its worker was given up, or time was
            up.

        Raises:
            InputError: every worker died, again and again.
        """
        self._wake()
        while True:
            for place in self._places:
                if place.process is not None and place.item is None:
                    if (found := ask()) is None:
                        break
                    self._studies[found[0].study_name] = found[0]
                    self._send(place, found[1])
            busy = [(p, p.item) for p in self._places if p.item is not None]
            if all(_over(item) for _, item in busy):
                return
            done = []
            for place, item, said in self._listen():
                if said is None:
                    done.append(item)
                    yield item, place.trial
                place.trial = said
            for place, item in busy:
                if place.item is not item and item not in done:  # its worker was given up
                    yield item, None

    # Workers -------------------------------------------------------------------------------------

    def _wake(self) -> None:
        """Who was ended as late is needed again."""
        for place in self._places:
            if place.process is None and place.deaths < RESTARTS:
                with one_thread_each():
                    self._start(place)

    def _start(self, place: _Place) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        place.name = secrets.token_hex(6)
        place.names.append(place.name)
        place.process = context.Process(
            target=serve,
            args=(theirs, self._spec, place.name, place.index),
            name=f"{main_module.NAME}-{place.index}",
            daemon=True,
        )
        with nullcontext() if self._main else main_module.hidden():
            place.process.start()
        theirs.close()
        place.pipe = ours

    def _send(self, place: _Place, item: WorkItem) -> None:
        place.item = item
        with suppress(OSError):  # dead: the pipe's end says so
            assert place.pipe is not None
            place.pipe.send(item)

    def _hear(self, item: WorkItem) -> Iterator[TunedTrial]:
        """Trials; who is done with an earlier item gets this one."""
        for place, at, said in self._listen():
            if said is not None:
                yield said
            elif at is not item:
                self._send(place, item)

    def _listen(self) -> Iterator[tuple[_Place, WorkItem, TunedTrial | None]]:
        """What the workers say, and what their silence says: a trial, or None for an item's end."""
        listening = {id(p.pipe): p for p in self._places if p.item is not None}
        pipes = [p.pipe for p in listening.values() if p.pipe is not None]
        for pipe in wait(pipes, timeout=0.2):
            place = listening[id(pipe)]
            assert place.pipe is not None
            assert place.item is not None
            try:
                said: TunedTrial | None = place.pipe.recv()
            except (EOFError, OSError):
                self._replace(place)
                continue
            item = place.item
            if said is None:
                place.item = None
            else:
                place.deaths = 0
            yield place, item, said

    def _replace(self, place: _Place) -> None:
        item = place.item
        code = self._bury(place, FAREWELL)
        self._release(place)
        place.deaths += 1
        how = f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"
        if place.deaths >= RESTARTS:
            self._given_up = True
            self._tell(f"worker {place.index + 1} ended {how}, {RESTARTS} times in a row: given up")
            if not any(p.process for p in self._places):
                raise InputError(
                    "every worker process ended before it finished a trial",
                    do=f"{main_module.GUARD}; else look at what they wrote to stderr"
                    if self._main
                    else "Look at what they wrote to stderr, or try with --workers 1",
                )
            return
        self._tell(f"worker {place.index + 1} ended {how}; another takes its place")
        with one_thread_each():
            self._start(place)
        if item is not None:
            self._send(place, item)

    def _bury(self, place: _Place, seconds: float) -> int | None:
        process, place.process, place.item, place.trial = place.process, None, None, None
        if place.pipe is not None:
            place.pipe.close()
            place.pipe = None
        if process is None:
            return None
        process.join(seconds)
        if process.is_alive():
            process.kill()
            process.join()
        code: int | None = process.exitcode
        process.close()
        return code

    # Their trials --------------------------------------------------------------------------------

    def _release(self, place: _Place) -> None:
        """Give back what the place's dead workers were at."""
        dead = {name for name in place.names if place.process is None or name != place.name}
        for study in self._studies.values():
            give_back(study, lambda trial: trial.user_attrs.get(WORKER) in dead)


def _over(item: WorkItem) -> bool:
    """Whether nobody waits for an item any more."""
    moment = item.end if item.once else item.until
    return moment is not None and time.time() >= moment + LATE


def to_stderr(sentence: str) -> None:
    """The default of `tell`."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
