"""Rows grow for as long as the last fits say that the next one ends in time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from autometa.tables import Table
from autometa.tuning import growing
from autometa.tuning.growing import Grown, grown

WHOLE = Table(
    name="numbers",
    X=pd.DataFrame({"a": np.random.default_rng(0).normal(size=6400)}),
    y=pd.Series(np.arange(6400.0)),
)
TRIED = 100


class Machine:
    """A clock by which a fit takes a power of its rows, one second for those that were tried."""

    def __init__(self, power: float, seconds: float) -> None:
        self.power, self.end = power, seconds
        self.now, self.memory = 0.0, 10_000
        self.fits: list[int] = []

    def perf_counter(self) -> float:
        return self.now

    def fit(self, table: Table) -> int:
        self.fits.append(len(table))
        if len(table) > self.memory:
            raise MemoryError
        self.now += (len(table) / TRIED) ** self.power
        return len(table)

    def left(self) -> float:
        return self.end - self.now


def run(
    monkeypatch: pytest.MonkeyPatch, power: float, seconds: float
) -> tuple[Grown[int], Machine]:
    machine = Machine(power, seconds)
    monkeypatch.setattr("autometa.tuning.growing.time", machine)
    return grown(machine.fit, WHOLE, TRIED, 1.0, machine.left, 0), machine


def test_all_rows_where_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    found, machine = run(monkeypatch, 1.0, 1e6)
    assert (found.made, found.rows) == (6400, 6400)
    assert found.pace == pytest.approx(64 / 64**growing._GROWTH)
    assert machine.fits == [400, 1600, 6400]  # a third of the last one before it
    assert machine.now <= 64.0 * 4 / 3


@pytest.mark.parametrize("power", [0.5, 1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("seconds", [2.0, 10.0, 50.0, 200.0])
def test_time_is_kept_however_seconds_grow(
    monkeypatch: pytest.MonkeyPatch, power: float, seconds: float
) -> None:
    found, machine = run(monkeypatch, power, seconds)
    assert machine.now <= max(1.0, seconds) or machine.fits[0] == machine.fits[-1]
    assert found.rows == found.made == machine.fits[-1] == max(machine.fits)
    if len(machine.fits) > 1:  # of what was measured, no much larger fit would have ended
        worth = (growing._WORTH * found.rows / TRIED) ** power
        assert found.rows == 6400 or worth > growing._OF_LEFT * machine.left() * 0.99


def test_what_was_tried_is_fitted_without_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in (0.0, -5.0, 0.5):
        found, machine = run(monkeypatch, 1.0, seconds)
        assert (found.rows, machine.fits) == (TRIED, [TRIED])


def test_all_rows_that_were_tried_are_one_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds, left in ((1e3, 0.0), (0.0, 1.0), (0.0, -1.0)):
        machine = Machine(1.0, left)
        monkeypatch.setattr("autometa.tuning.growing.time", machine)
        assert grown(machine.fit, WHOLE, len(WHOLE), seconds, machine.left, 0).rows == len(WHOLE)
        assert machine.fits == [len(WHOLE)]


def test_what_was_made_of_fewer_rows_stays_where_more_cannot_be_learned() -> None:
    machine = Machine(1.0, 1e6)
    machine.memory = 2000
    assert grown(machine.fit, WHOLE, TRIED, 0.0, machine.left, 0) == Grown(1600, 1600, 1.0)
    assert machine.fits == [400, 1600, 6400]
    machine.memory = 50
    with pytest.raises(MemoryError):
        grown(machine.fit, WHOLE, TRIED, 0.0, machine.left, 0)


def test_the_pace_is_of_what_was_expected() -> None:
    machine = Machine(growing._GROWTH, 1e6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autometa.tuning.growing.time", machine)
        assert grown(machine.fit, WHOLE, TRIED, 0.5, machine.left, 0).pace == pytest.approx(2.0)
