"""A Dask cluster of two workers, one of which is killed in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autometa.bench import journal, run
from autometa.collect import Collection, Protocol
from autometa.collect.workers import connected
from tests.faults.counter import Faults
from tests.faults.programs import collection

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with connected(None, workers=2) as client:
        yield client


class KillOnce:
    """Kills a worker when the first results have arrived."""

    def __init__(self, client: Any, after: int) -> None:
        self.client, self.left = client, after
        self.killed = False

    def __call__(self, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(next(iter(self.client.run(os.getpid).values())), signal.SIGKILL)
            self.killed = True


def test_bench_cells_are_all_there_and_none_twice(
    cluster: Any, tmp_path: Path, faults: Faults
) -> None:
    cells, kill = tmp_path / "cells.jsonl", KillOnce(cluster, 2)
    tasks = [t.name for t in _suite().chosen("test")][:2]
    with faults.tried("worker of a Dask cluster killed, bench"):
        found = run(
            "synthetic",
            ["random", "cold-tpe"],
            tasks=tasks,
            seeds=range(4),
            trials=4,
            cells=cells,
            scheduler=cluster.scheduler.address,
            progress=kill,
        )
        assert kill.killed
        assert len(cells.read_text().splitlines()) == len(journal.read(cells)) == 16
        assert {k.task for k in journal.read(cells)} == set(tasks)
        assert {m: len(found["methods"][m]["curve"]) for m in found["methods"]} == {
            "random": 4,
            "cold-tpe": 4,
        }


def _suite() -> Any:
    from autometa.bench.suites.synthetic import Synthetic

    return Synthetic()


@pytest.mark.slow
def test_a_collection_is_whole_and_nothing_is_there_twice(
    cluster: Any, tmp_path: Path, faults: Faults
) -> None:
    kill = KillOnce(cluster, 2)
    with faults.tried("worker of a Dask cluster killed, collection"):
        mine = collection(tmp_path, Collection, Protocol)
        mine.run(scheduler=cluster.scheduler.address, report=kill)
        assert kill.killed
        lines = (tmp_path / "journal.jsonl").read_text().splitlines()
        assert sum('"kind": "trial"' in line for line in lines) == 168
        assert len(mine.entries.trials) == 168
