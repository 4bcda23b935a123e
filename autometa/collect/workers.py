"""Where evaluations run: in this process one after another, or on Dask.

Either way each evaluation runs in a child process of its own kind (`children.isolated`), so that
a config that hangs, eats the memory or crashes is one FAILED trial and nothing more. Why Dask and
not a process pool: a pool loses its whole queue when a worker dies, Dask reschedules it, and the
same code runs on a cluster.
"""

from __future__ import annotations

import atexit
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from autometa import children
from autometa.children.evaluation.evaluate import Outcome, failed
from autometa.children.evaluation.isolated import Evaluator
from autometa.collect.identity import digest
from autometa.collect.plan import Batch, Protocol
from autometa.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from autometa.tables import Table

PATIENCE = 10.0  # seconds after which a batch hands over what it has, the rest is queued again
MEMORY = 2 * 2**30  # bytes that one evaluation may add to its process
LOOPBACK = "127.0.0.1"
QUEUE = 3  # batches a worker has in hand or waiting: hides the transport, keeps the order

HANG = 20.0  # times the limit of processor time: a child that sleeps is given up by the clock

_tables: dict[tuple[str, str], Table] = {}

Result: TypeAlias = tuple[Batch, list[Outcome]]
Run: TypeAlias = Callable[[Iterable[Batch]], Iterator[Result]]


def evaluate(
    batch: Batch, table: Table, protocol: Protocol, timeout: float | None, source: str
) -> list[Outcome]:
    """Results of the first configs of a batch: as many as fit into PATIENCE, at least one.

    `source` is what the batch's child is made of in this process, see `Child.source`.
    """
    child, evaluator, table = children.get(source), _evaluator(), _known(table)
    if child.name != batch.child:
        raise InputError(f"{source!r} is {child.name!r} by now", allowed=f"{batch.child!r}")
    started = time.monotonic()
    found: list[Outcome] = []
    for config in batch.configs:
        found.append(
            evaluator.run(
                child,
                config,
                table,
                folds=protocol.folds,
                seed=protocol.seed,
                timeout=None if timeout is None else HANG * timeout,
                processor=timeout,
            )
        )
        if time.monotonic() - started > PATIENCE:
            break
    return found


def _known(table: Table) -> Table:
    """The table as this process has it already: a copy of it would be written and prepared anew."""
    place = table.name, digest(table)
    if place not in _tables:
        _tables.clear()  # one at a time: batches of one table follow one another
        _tables[place] = table
    return _tables[place]


def _source(batch: Batch) -> str:
    return children.get(batch.child).source


@cache
def _evaluator() -> Evaluator:
    """This process's evaluator, closed when the process ends."""
    evaluator = Evaluator(memory=MEMORY)
    atexit.register(evaluator.close)
    return evaluator


def serial(tables: Mapping[str, Table], protocol: Protocol, timeout: float | None) -> Run:
    """Evaluation in this process, one after another."""

    def run(work: Iterable[Batch]) -> Iterator[Result]:
        for batch in work:
            left = batch
            while left.configs:
                trials = evaluate(left, tables[left.table], protocol, timeout, _source(left))
                yield left, trials
                left = left.after(len(trials))

    return run


@contextmanager
def on_dask(
    tables: Mapping[str, Table],
    protocol: Protocol,
    timeout: float | None,
    *,
    workers: int,
    scheduler: str | None,
) -> Iterator[Run]:
    """Evaluation on a Dask cluster: a local one (loopback, no dashboard), or one that runs.

    Args:
        tables: Table name -> table, rows already capped.
        protocol: How to evaluate.
        timeout: Seconds of processor time for one evaluation.
        workers: Processes of the local cluster, one thread each.
        scheduler: Address of a running scheduler, "tcp://host:port". Dask without TLS trusts
            whoever reaches the port: keep it inside a network that you trust.

    Raises:
        MissingExtraError: Dask is not installed and a scheduler is asked for.
        InputError: the scheduler does not answer.
    """
    with connected(scheduler, workers=workers) as client:
        yield lambda work: _stream(client, work, tables, protocol, timeout)


@contextmanager
def connected(scheduler: str | None, *, workers: int = 1) -> Iterator[Any]:
    """A Dask client of a running scheduler, or of a local cluster on loopback.

    Args:
        scheduler: Address, or None for a local cluster.
        workers: Processes of the local cluster, one thread each.

    Raises:
        MissingExtraError: Dask is not installed.
        InputError: the scheduler does not answer.
    """
    cluster = None
    if scheduler is None:
        cluster = distributed().LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host=LOOPBACK,
            # Without an address Dask's health pages would listen on all interfaces.
            dashboard_address=f"{LOOPBACK}:0",
            worker_dashboard_address=f"{LOOPBACK}:0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=40,  # logging.ERROR
        )
    try:
        client = distributed().Client(cluster or scheduler, timeout=30)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {scheduler!r}", allowed="tcp://host:port"
        ) from error
    try:
        yield client
    finally:
        client.close()
        if cluster is not None:
            cluster.close()


def _stream(
    client: Any,
    work: Iterable[Batch],
    tables: Mapping[str, Table],
    protocol: Protocol,
    timeout: float | None,
) -> Iterator[Result]:
    """Keep every worker's queue short and filled; unfinished batches go first again."""
    dask = distributed()
    waiting, source = deque[Batch](), iter(work)
    running: dict[Any, Batch] = {}
    finished = dask.as_completed()

    def fill() -> None:
        slots = QUEUE * max(1, len(client.nthreads()))
        while len(running) < slots:
            batch = waiting.popleft() if waiting else next(source, None)
            if batch is None:
                return
            future = client.submit(
                evaluate,
                batch,
                tables[batch.table],
                protocol,
                timeout,
                _source(batch),
                pure=False,
                retries=1,
            )
            running[future] = batch
            finished.add(future)

    fill()
    while running:
        future = next(finished)
        batch = running.pop(future)
        # A result that was lost with its worker is being made again: then this waits for it.
        error = future.exception()
        if error is None:
            trials = future.result()
            left = batch.after(len(trials))
            if left.configs:
                waiting.append(left)
            yield batch, trials
        elif not isinstance(error, dask.KilledWorker):
            raise error  # a mistake in the program or a lost scheduler, not a config's failure
        elif len(batch.configs) > 1:  # it took its workers with it: find out which config did
            waiting.extend(Batch(batch.table, batch.child, (c,)) for c in batch.configs)
        else:
            yield batch, [failed(batch.configs[0], math.nan, "it ended its worker")]
        fill()


def has_dask() -> bool:
    """Whether `distributed` can be imported."""
    try:
        distributed()
    except MissingExtraError:
        return False
    return True


def distributed() -> Any:
    """The module, imported where it is needed.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return import_module("distributed")
    except ImportError as error:
        raise MissingExtraError(
            "Dask is not installed", do="pip install 'autometa[distributed]'"
        ) from error
