"""The runner: methods side by side on the tasks of a suite, in this process or in several."""

from __future__ import annotations

import logging
import multiprocessing
import os
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeAlias

from autometa.bench import journal, methods, suites
from autometa.bench.cluster import on_cluster
from autometa.bench.journal import Cell, Key
from autometa.bench.method import Method
from autometa.bench.suite import Split, Suite
from autometa.bench.summary import summarise
from autometa.bench.work import Group, References, groups, known_references, shorten, work_off
from autometa.children.evaluation.threads import one_thread_each
from autometa.errors import InputError
from autometa.threads import one_thread

SEEDS = (0, 1, 2, 3, 4)

Progress: TypeAlias = Callable[[int, int, Cell], None]  # finished cells, all cells, the latest one


def run(
    suite: str | Suite,
    methods: Sequence[str | Method],
    *,
    data: Path | None = None,
    split: Split = "test",
    tasks: Sequence[str] = (),
    seeds: Sequence[int] = SEEDS,
    trials: int | None = None,
    checkpoints: Sequence[int] | None = None,
    evaluations: int | Literal["all"] | None = None,
    reference: str = "autometa",
    cells: Path | None = None,
    again: Sequence[str] = (),
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
    message: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Run what is not finished yet, and summarise.

    Args:
        suite: By name, or one that was loaded.
        methods: By name, or a `Method` of your own (with one worker).
        data: Root of the public data; None = the environment variable AUTOMETA_DATA.
        split: Whose tasks to run.
        tasks: Only these of them.
        seeds: Of the samplers and of what each prior task was evaluated on.
        trials: Of every study; None = up to the last checkpoint.
        checkpoints: Numbers of trials at which to report; None = the suite's.
        evaluations: Of every prior task; None = the suite's default.
        reference: The method that the others are paired with; the first one where it is not run.
        cells: Journal to continue; None keeps nothing.
        again: Methods whose finished cells do not count.
        workers: Processes, each with one thread.
        scheduler: Address of a running Dask scheduler, whose workers run the cells instead.
        progress: Called after every cell.
        message: Told about methods that are skipped and groups that failed; logged otherwise.

    Returns:
        The results as plain data; `autometa.bench.summary` describes them.

    Raises:
        InputError: an unknown suite, method or task, or nothing to run.
    """
    loaded = suites.load(suite, data) if isinstance(suite, str) else suite
    tell = message or logging.getLogger(__name__).warning
    chosen = _available(methods, tell)
    names = [m.name for m in chosen]
    checkpoints = loaded.checkpoints if checkpoints is None else checkpoints
    trials = max(checkpoints) if trials is None else trials
    prior = loaded.default_evaluations if evaluations is None else evaluations
    count = None if prior == "all" else prior
    on = loaded.chosen(split, tuple(tasks))
    wanted = {
        Key(m.name, t.name, s, count if m.uses_prior else 0)
        for m in chosen
        for t in on
        for s in seeds
    }
    finished = journal.read(cells) if cells is not None else {}
    known = known_references(finished.values())
    finished = {k: c for k, c in finished.items() if k in wanted and k.method not in again}
    plan = groups(chosen, on, seeds, evaluations=count, trials=trials, finished=finished)
    total, done = len(wanted), len(wanted) - sum(len(g.tasks) for g in plan)
    for cell in _cells(plan, known, loaded, chosen, suite, data, workers, scheduler, tell):
        finished[cell.key] = cell
        if cells is not None:
            journal.append(cells, [cell])
        done += 1
        if progress is not None:
            progress(done, total, cell)
    return summarise(
        [shorten(c, trials) for c in finished.values()],
        suite=loaded,
        split=split,
        methods=names,
        reference=reference if reference in names else names[0],
        checkpoints=[c for c in checkpoints if c <= trials],
        evaluations="all" if count is None else count,
        seeds=list(seeds),
    )


def _available(wanted: Sequence[str | Method], tell: Callable[[str], None]) -> list[Method]:
    chosen = []
    for entry in wanted:
        method = methods.get(entry) if isinstance(entry, str) else entry
        missing = method.missing()
        if missing:
            tell(f"{method.name} skipped: {', '.join(missing)} cannot be imported")
        else:
            chosen.append(method)
    if not chosen:
        raise InputError("no method that can be run", allowed=", ".join(methods.names()))
    return chosen


def _cells(
    plan: list[Group],
    known: References,
    suite: Suite,
    chosen: Sequence[Method],
    asked: str | Suite,
    data: Path | None,
    workers: int,
    scheduler: str | None,
    tell: Callable[[str], None],
) -> Iterator[Cell]:
    if not plan:
        return
    if scheduler is None and (workers <= 1 or len(plan) == 1):
        by_name = {m.name: m for m in chosen}
        with one_thread():
            for group in plan:
                try:
                    yield from work_off(group, suite, by_name[group.method], known)
                except Exception as error:
                    tell(_failure(group, error))
        return
    unknown = [m.name for m in chosen if m.name not in methods.names()]
    if unknown or not isinstance(asked, str):
        raise InputError(
            f"several workers, but {unknown[0] if unknown else 'the suite'} is not registered",
            allowed="names of suites and methods, which other processes can look up",
            do="Use workers=1 and no scheduler, or register it",
        )
    if scheduler is not None:
        yield from on_cluster(
            plan, known, asked, data, scheduler, lambda g, error: tell(_failure(g, error))
        )
        return
    yield from _parallel(plan, known, asked, data, workers, tell)


def _parallel(
    plan: list[Group],
    known: References,
    suite: str,
    data: Path | None,
    workers: int,
    tell: Callable[[str], None],
) -> Iterator[Cell]:
    context = multiprocessing.get_context("spawn")
    arrived: Any = context.Queue()
    with (
        one_thread_each(),
        ProcessPoolExecutor(
            workers, mp_context=context, initializer=_begin, initargs=(arrived,)
        ) as pool,
    ):
        waiting: dict[Future[None], Group] = {
            pool.submit(_work_in_child, group, suite, data, known): group for group in plan
        }
        try:
            while waiting:
                yield from _arrivals(arrived)
                for future in [f for f in waiting if f.done()]:
                    group = waiting.pop(future)
                    error = future.exception()
                    if error is not None:
                        tell(_failure(group, error))
            yield from _arrivals(arrived)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _failure(group: Group, error: BaseException) -> str:
    return f"{group.method}, {group.fold}, seed {group.seed} failed: {error!r}"


def _arrivals(arrived: Any) -> Iterator[Cell]:
    try:
        yield arrived.get(timeout=0.3)
        while True:
            yield arrived.get(timeout=0.01)
    except queue.Empty:
        return


# In a worker -------------------------------------------------------------------------------------

_arrived: Any = None
_loaded: dict[tuple[str, Path | None], Suite] = {}


def _begin(arrived: Any) -> None:
    global _arrived  # the only state of a worker, set once before its first group
    _arrived = arrived


def _work_in_child(group: Group, suite: str, data: Path | None, known: References) -> None:
    parent = os.getppid()
    if (suite, data) not in _loaded:
        _loaded[suite, data] = suites.load(suite, data)
    with one_thread():
        for cell in work_off(group, _loaded[suite, data], methods.get(group.method), known):
            _arrived.put(cell)
            if os.getppid() != parent:  # killed: nobody is left to write the cells down
                os._exit(1)
