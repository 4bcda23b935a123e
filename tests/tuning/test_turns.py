"""Turns of a contest for several workers: who is free has the next one, whatever becomes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from autometa.errors import InputError
from autometa.tuning.arms import TunedTrial
from autometa.tuning.contest import Turn
from autometa.tuning.workers import main_module, worker_pool
from autometa.tuning.workers.turns import in_turns
from autometa.tuning.workers.worker import WorkItem, _Turn
from autometa.tuning.workers.worker_pool import RESTARTS, WorkerPool, _Place

Work = Callable[[int, WorkItem], TunedTrial | None]
STUDY: Any = SimpleNamespace(study_name="s", get_trials=lambda **_: [])


class Process:
    """What a pool asks of a process; a thread does the work."""

    exitcode = -9

    def __init__(self) -> None:
        self.farewells: list[float | None] = []

    def join(self, seconds: float | None = None) -> None:
        self.farewells.append(seconds)

    def is_alive(self) -> bool:
        return False

    def terminate(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def pool_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, Work], WorkerPool]]:
    """(workers, work) -> a pool whose workers are threads; one that raises ends like a process."""
    threads: list[threading.Thread] = []
    monkeypatch.setattr(worker_pool, "give_back", lambda *_: 0)

    def made(count: int, work: Work) -> WorkerPool:
        def start(self: WorkerPool, place: _Place) -> None:
            place.pipe, theirs = Pipe()
            place.process, place.name = Process(), f"w{place.index}"

            def serve() -> None:
                try:
                    while (item := theirs.recv()) is not None:
                        if (trial := work(place.index, item)) is not None:
                            theirs.send(trial)
                        theirs.send(None)
                except (EOFError, OSError, ZeroDivisionError):
                    pass
                theirs.close()

            threads.append(threading.Thread(target=serve, daemon=True, name="worker"))
            threads[-1].start()

        monkeypatch.setattr(WorkerPool, "_start", start)
        monkeypatch.setattr(main_module, "is_needed", lambda spec: False)
        return WorkerPool(Mock(), count, Mock())

    yield made
    for thread in threads:
        thread.join(10.0)


def item(x: int, end: float = 60.0) -> WorkItem:
    return WorkItem(
        child="a", model=Path(str(x)), target=9, until=None, end=time.time() + end, once=True
    )


def trial(x: Any, child: str = "a") -> TunedTrial:
    return TunedTrial(number=0, child=child, config={"x": x}, value=0.5, seconds=0.1)


def x_of(turn: Turn) -> int:
    x = (turn.config or {"x": -1})["x"]
    assert isinstance(x, int)
    return x


def asking(turns: list[Turn]) -> Callable[[], tuple[Turn, Any, WorkItem] | None]:
    left = list(turns)

    def ask() -> tuple[Turn, Any, WorkItem] | None:
        if not left:
            return None
        turn = left.pop(0)
        return turn, STUDY, item(x_of(turn))

    return ask


def test_all_turns_are_had_and_a_slow_one_holds_nobody(pool_of: Any) -> None:
    go_on = threading.Event()

    def work(index: int, item: WorkItem) -> TunedTrial | None:
        x = int(str(item.model))
        if x == 0:
            assert go_on.wait(10.0)
        if x == 5:
            go_on.set()
        return None if x == 3 else trial(x)

    turns = [Turn(family="a", config={"x": i}) for i in range(6)]
    with pool_of(2, work) as pool:
        over = [(turn, found) for turn, found, _ in in_turns(pool, asking(turns))]
    assert {x_of(turn) for turn, _ in over} == set(range(6))
    assert {x_of(turn) for turn, _ in over[:4]} == {1, 2, 3, 4}  # while the first went on
    for turn, found in over:
        assert turn.config is not None
        assert (found is None) == (turn.config["x"] == 3)
        assert found is None or found.config == turn.config


@pytest.mark.parametrize("first", ["own", "pair"])
def test_two_that_take_one_another_s_config_are_told_apart(pool_of: Any, first: str) -> None:
    """The first turn's own search gets the config of the second, from the study's queue."""
    both, told = threading.Barrier(2), threading.Event()

    def work(index: int, item: WorkItem) -> TunedTrial:
        both.wait(10.0)
        own = str(item.model) == "-1"
        if own != (first == "own"):
            assert told.wait(10.0)
        return trial(7) if own else trial(1000)

    turns = [Turn(family="a"), Turn(family="a", config={"x": 7}, pair=3)]
    over = {}
    with pool_of(2, work) as pool:
        for turn, found, _ in in_turns(pool, asking(turns)):
            over[turn.pair] = found
            told.set()
    assert over[3] is not None
    assert over[3].config == {"x": 7}
    assert over[-1] is not None
    assert over[-1].config == {"x": 1000}


def test_a_worker_that_dies_is_replaced_and_one_that_always_dies_given_up(pool_of: Any) -> None:
    deaths: list[int] = []

    def once(index: int, item: WorkItem) -> TunedTrial:
        if not deaths:
            deaths.append(index)
            raise ZeroDivisionError
        return trial(int(str(item.model)))

    turns = [Turn(family="a", config={"x": i}) for i in range(3)]
    with pool_of(1, once) as pool:
        over = [found.config["x"] for _, found, _ in in_turns(pool, asking(turns)) if found]
    assert over == [0, 1, 2]

    def never(index: int, item: WorkItem) -> TunedTrial:
        if index == 0:
            deaths.append(0)
            raise ZeroDivisionError
        if len(deaths) <= RESTARTS:  # of this worker, and one of the first part
            time.sleep(0.05)
        return trial(int(str(item.model)))

    with pool_of(2, never) as pool:
        found = list(in_turns(pool, asking(turns)))
    assert sorted(x_of(turn) for turn, _, _ in found) == [0, 1, 2]
    assert [t for turn, t, _ in found if x_of(turn) == 0] == [None]

    def nobody(index: int, item: WorkItem) -> TunedTrial:
        raise ZeroDivisionError

    with pool_of(1, nobody) as pool, pytest.raises(InputError, match="every worker process"):
        list(in_turns(pool, asking(turns)))


def test_who_is_late_is_not_waited_for(pool_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def work(index: int, item: WorkItem) -> TunedTrial:
        go_on.wait(10.0)
        return trial(0)

    monkeypatch.setattr(worker_pool, "LATE", 0.0)
    with pool_of(1, work) as pool:
        left = [(Turn(family="a"), STUDY, item(0, end=-1.0))]
        assert list(in_turns(pool, lambda: left.pop() if left else None)) == []
        go_on.set()


def test_who_is_dismissed_ends_before_anybody_waits(pool_of: Any) -> None:
    with pool_of(2, lambda index, item: trial(0)) as pool:
        assert len(list(in_turns(pool, asking([Turn(family="a")] * 3)))) == 3
        mine = [t for t in threading.enumerate() if t.name == "worker"]
        assert len(mine) == 2
        pool.dismiss()
        for thread in mine:
            thread.join(10.0)
            assert not thread.is_alive()
        processes: list[Process] = [place.process for place in pool._places]
        pool._places[1].item = item(0)  # this one has a trial in hand
        pool.stop()
    idle, busy = (process.farewells[0] for process in processes)
    assert idle is not None
    assert busy is not None
    assert idle <= 0.5 < 5.0 < busy


def test_an_item_of_one_trial_is_over_after_it() -> None:
    import os

    turn = _Turn(os.getppid(), None, None, once=True)
    assert [turn.late(), turn.late()] == [False, True]
    many = _Turn(os.getppid(), None, None)
    assert [many.late(), many.late()] == [False, False]
