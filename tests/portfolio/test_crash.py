"""Writers killed at any moment, and writers at once, in processes of their own."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autometa.portfolio import Portfolio

WRITER = """
import sys
import numpy as np
from optuna.distributions import FloatDistribution
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory

folder, prefix, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
space = SearchSpace({"x": FloatDistribution(0.0, 1.0)}, name="line")
rng = np.random.default_rng(0)


def history(name, n):
    raw = space.sample_raw(n, rng)
    task = Task(name=name, space=space, direction="maximize")
    return TaskHistory(task=task, raw=raw, values=raw[:, 0], curves=rng.random((n, 5)))


print("ready", flush=True)
for i in range(rounds):
    if prefix == "replace":
        # Task and trials tell the same number, so that a mix of two writes would show.
        n = 1000 + i % 7
        Portfolio([history(f"n{n}", n)], provenance={"trials": n}).save(folder)
    else:
        new = Portfolio([history(f"{prefix}{i}", 10)])
        Portfolio.update(folder, lambda old: old.merge(new))
        print(i, flush=True)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")


def start(folder: Path, prefix: str, rounds: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), prefix, str(rounds)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def assert_whole(folder: Path) -> None:
    portfolio = Portfolio.load(folder)
    (history,) = portfolio.histories
    n = portfolio.provenance["trials"]
    assert (history.task.name, len(history)) == (f"n{n}", n)


def test_kill_9_never_costs_a_portfolio(tmp_path: Path) -> None:
    first = start(tmp_path, "replace", 1)
    assert first.wait() == 0
    assert first.stdout is not None
    first.stdout.close()
    rng = random.Random(0)
    for _ in range(15):
        process = start(tmp_path, "replace", 1_000_000)
        time.sleep(rng.uniform(0.0, 0.08))
        assert_whole(tmp_path)  # while it writes
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert_whole(tmp_path)
        assert len(list(tmp_path.glob("trials-*.parquet"))) <= 2
    Portfolio.load(tmp_path).save(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3  # lock, manifest, trials: nothing left over


def test_kill_9_of_an_updater_loses_nothing_acknowledged(tmp_path: Path) -> None:
    acknowledged = set()
    for attempt in range(3):
        process = start(tmp_path, f"{attempt}-", 1_000_000)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(attempt + 2)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
        process.communicate()
        acknowledged |= {f"{attempt}-{line.strip()}" for line in lines if line.endswith("\n")}
    assert len(acknowledged) >= 9
    assert acknowledged <= {t.name for t in Portfolio.load(tmp_path).tasks}


def test_two_writers_at_once_lose_no_update(tmp_path: Path) -> None:
    processes = [start(tmp_path, prefix, 12) for prefix in ("a", "b")]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    expected = {f"{prefix}{i}" for prefix in ("a", "b") for i in range(12)}
    portfolio = Portfolio.load(tmp_path)
    assert {t.name for t in portfolio.tasks} == expected
    assert {len(h) for h in portfolio.histories} == {10}
