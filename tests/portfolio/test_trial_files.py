"""Large spaces in several files, whose trials are read when somebody looks at them."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from optuna.distributions import FloatDistribution

from autometa.errors import StoreError
from autometa.portfolio import Portfolio
from autometa.portfolio.store import columns, trial_files
from autometa.portfolio.store import folder as store
from autometa.portfolio.store.trial_files import LateHistory, TrialFile
from autometa.space import SearchSpace
from autometa.task import COLUMNS, Task, TaskHistory
from tests.portfolio.test_store import edit, example, names

LINE = SearchSpace({"x": FloatDistribution(0.0, 1.0)}, name="line")


def late(folder: Path) -> Portfolio:
    """A portfolio of two spaces, the first one of several files and read late."""
    other = TaskHistory(
        task=Task(name="t0", space=LINE, direction="minimize"),
        raw=np.array([[0.5]]),
        values=np.array([1.0]),
    )
    Portfolio([*example(6).histories, other]).save(folder)
    return Portfolio.load(folder)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_files, "ROWS", 12)
    monkeypatch.setattr(store, "MOST_AT_ONCE", 10)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file is read."""
    found = Counter[str]()
    real = TrialFile.decode

    def counted(file: TrialFile, content: bytes) -> list[TaskHistory]:
        found[file.path.name] += 1
        return real(file, content)

    monkeypatch.setattr(TrialFile, "decode", counted)
    return found


@pytest.mark.usefixtures("small")
def test_a_large_space_is_opened_without_its_trials(tmp_path: Path, read: Counter[str]) -> None:
    portfolio = late(tmp_path)
    files = [n for n in names(tmp_path) if n.startswith("trials-")]
    assert len(files) == 6  # 5 + 6, then 7, 8, 9, 10 rows, and the small space
    assert sum(read.values()) == 1  # the small space
    assert [len(h) for h in portfolio.histories] == [5, 6, 7, 8, 9, 10, 1]
    assert [isinstance(h, LateHistory) for h in portfolio.histories] == [True] * 6 + [False]
    assert len(portfolio.spaces) == 2
    assert sum(read.values()) == 1
    assert not portfolio.select(portfolio.spaces[0]).diff(Portfolio(example(6).histories)).changed
    assert set(read.values()) == {1}
    assert len(read) == 6


@pytest.mark.usefixtures("small")
def test_a_late_history_is_like_every_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portfolio = late(tmp_path)
    monkeypatch.setattr(store, "MOST_AT_ONCE", 10**6)
    for found, expected in zip(
        portfolio.histories, Portfolio.load(tmp_path).histories, strict=True
    ):
        assert not isinstance(expected, LateHistory)
        if isinstance(found, LateHistory):  # all but the small space's
            with pytest.raises(dataclasses.FrozenInstanceError):
                found.raw = np.zeros(1)  # type: ignore[misc]
        copies = [found, copy.deepcopy(found), pickle.loads(pickle.dumps(found))]
        renamed = dataclasses.replace(found, task=dataclasses.replace(found.task, name="new"))
        for each in [*copies, renamed]:
            assert len(each) == len(expected)
            for name in COLUMNS:
                np.testing.assert_array_equal(getattr(each, name), getattr(expected, name))
        assert renamed.task.name == "new"
        assert [t.value for t in found] == [t.value for t in expected]
        with pytest.raises(AttributeError):
            found.nothing  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.usefixtures("small")
def test_files_stay_readable_when_the_portfolio_is_replaced(tmp_path: Path) -> None:
    portfolio = late(tmp_path)
    example(1, seed=1).save(tmp_path)
    assert len([n for n in names(tmp_path) if n.startswith("trials-")]) == 1
    portfolio.save(tmp_path)
    portfolio = Portfolio.update(tmp_path, lambda old: old.without("t0").merge(example(1, seed=2)))
    assert not Portfolio.load(tmp_path).diff(portfolio)


@pytest.mark.usefixtures("small")
def test_a_damaged_file_is_refused_when_it_is_looked_at(tmp_path: Path) -> None:
    late(tmp_path)
    path = sorted(tmp_path.glob("trials-*"), key=lambda p: p.stat().st_size)[-1]
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    portfolio = Portfolio.load(tmp_path)
    with pytest.raises(StoreError, match="the checksum of"):
        portfolio.diff(Portfolio(example(6).histories))
    path.write_bytes(content[:-1])
    with pytest.raises(StoreError, match="bytes"):
        Portfolio.load(tmp_path)
    path.unlink()
    with pytest.raises(StoreError, match="is missing"):
        Portfolio.load(tmp_path)


@pytest.mark.usefixtures("small")
def test_trials_that_do_not_fit_are_refused_when_they_are_looked_at(tmp_path: Path) -> None:
    portfolio = late(tmp_path)
    edit(
        tmp_path,
        lambda data: [
            entry["space"]["distributions"]["depth"]["attributes"].update(high=2)
            for entry in data["spaces"][:5]
        ],
    )
    portfolio = Portfolio.load(tmp_path)
    with pytest.raises(StoreError, match="do not fit their space"):
        portfolio.histories[0].raw  # noqa: B018


@pytest.mark.usefixtures("small")
def test_sizes_of_late_files_are_checked_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late(tmp_path)
    monkeypatch.setattr(columns, "from_arrow", lambda *_: pytest.fail("it was read"))
    monkeypatch.setattr(TrialFile, "read", lambda _: [])
    edit(tmp_path, lambda data: data["tasks"][0].update(trials=4))
    with pytest.raises(StoreError, match="11 trials"):
        Portfolio.load(tmp_path)
    monkeypatch.setattr(trial_files, "MAX_BYTES", 100)
    with pytest.raises(StoreError, match="up to 100"):
        Portfolio.load(tmp_path)


def test_no_task_is_in_two_files_and_files_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_files, "ROWS", 1)
    histories = example(40).histories
    found = list(trial_files.parts(histories))
    assert [h.task.name for part in found for h in part] == [h.task.name for h in histories]
    assert len(found) == 40
    monkeypatch.setattr(trial_files, "FILES", 4)
    most = sum(map(len, histories)) // 4
    found = list(trial_files.parts(histories))
    assert all(sum(map(len, part)) <= most for part in found)
    assert len(found) <= 6
