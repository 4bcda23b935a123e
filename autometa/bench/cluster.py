"""The groups of a benchmark run on a Dask cluster that is running already.

A group whose worker dies is run again by another, as Dask does by itself; its cells arrive together
when it is done, so that none arrives twice. One that kills every worker it is given to is reported,
and the others run. The journal is written by the caller alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from autometa.bench import methods, suites
from autometa.bench.journal import Cell
from autometa.bench.suite import Suite
from autometa.bench.work import Group, References, work_off
from autometa.collect.workers import connected, distributed
from autometa.threads import one_thread

_loaded: dict[tuple[str, Path | None], Suite] = {}


def on_cluster(
    plan: Sequence[Group],
    known: References,
    suite: str,
    data: Path | None,
    scheduler: str,
    failed: Callable[[Group, BaseException], None],
) -> Iterator[Cell]:
    """The cells of some groups, as they arrive.

    Args:
        plan: The groups.
        known: References that need not be computed again.
        suite: Its name, which the workers look up.
        data: Root of the public data, the same on every worker; None = AUTOMETA_DATA there.
        scheduler: Address of the scheduler. Dask without TLS trusts whoever reaches the port.
        failed: Told about a group that gave an error.

    Raises:
        MissingExtraError: Dask is not installed.
        InputError: the scheduler does not answer.
    """
    with connected(scheduler) as client:
        groups = {
            client.submit(_cells, group, known, suite, data, pure=False, retries=1): group
            for group in plan
        }
        for future in distributed().as_completed(list(groups)):
            error = future.exception()
            if error is not None:
                failed(groups[future], error)
            else:
                yield from future.result()


def _cells(group: Group, known: References, suite: str, data: Path | None) -> list[Cell]:
    if (suite, data) not in _loaded:
        _loaded[suite, data] = suites.load(suite, data)
    with one_thread():
        return list(work_off(group, _loaded[suite, data], methods.get(group.method), known))
