"""`autometa tune --workers`: workers killed, Ctrl-C, a parent that dies."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from autometa.storages.connect import open_storage
from autometa.tuning.trials import evaluated
from tests.faults.counter import Faults
from tests.faults.killing import Program
from tests.faults.programs import environment

psutil = pytest.importorskip("psutil")
slow = pytest.mark.slow


def tune(folder: Path, trials: int, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "autometa.cli", "tune", "sklearn:iris", "--families", "linear"]
    command += ["--portfolio", "none", "--folds", "2", "--trials", str(trials), "--workers", "2"]
    command += ["--storage", "journal:///study", "--study-name", "s", "-f", "json", "-v", *options]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Jobs that a shell runs in the background, these tests perhaps, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    Program.running.append(process)
    return process


def workers(parent: subprocess.Popen[str]) -> list[Any]:
    """Worker processes, the evaluators' own helpers and multiprocessing's tracker left out."""
    return [p for p in psutil.Process(parent.pid).children() if "spawn_main" in str(p.cmdline())]


def trials(folder: Path) -> list[Any]:
    if not (folder / "study").exists():
        return []
    try:
        study = optuna.load_study(
            study_name="s", storage=open_storage(f"journal:///{folder / 'study'}")
        )
    except KeyError:
        return []
    return study.get_trials(deepcopy=False)


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 250
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def assert_whole(folder: Path, target: int) -> None:
    done = [t for t in trials(folder) if evaluated(t)]
    assert len(done) == target
    assert len({json.dumps(t.params, sort_keys=True) for t in done}) == target
    assert not [t for t in trials(folder) if t.state in (TrialState.RUNNING, TrialState.WAITING)]


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=[slow, pytest.mark.timeout(900)])])
def test_a_killed_worker_is_replaced_and_nothing_is_lost(
    kills: int, tmp_path: Path, faults: Faults
) -> None:
    target = 4 + 6 * kills
    with faults.tried("worker of tune killed", kills):
        parent = tune(tmp_path, target)
        for k in range(kills):
            until(lambda n=4 * k + 1: sum(map(evaluated, trials(tmp_path))) >= n, "no trial")  # type: ignore[misc]
            workers(parent)[k % 2].kill()
        out, err = parent.communicate(timeout=280)
        assert parent.returncode == 0, err
        assert err.count("ended by signal 9; another takes its place") == kills
        assert len(json.loads(out)["warm"]) == target
        assert_whole(tmp_path, target)


@slow
def test_ctrl_c_stops_all_and_the_same_command_goes_on(tmp_path: Path, faults: Faults) -> None:
    with faults.tried("Ctrl-C in a search of several workers"):
        parent = tune(tmp_path, 500, "--total")
        until(lambda: sum(map(evaluated, trials(tmp_path))) >= 3, "no trial")
        gone = workers(parent)
        parent.send_signal(signal.SIGINT)
        out, _ = parent.communicate(timeout=120)
        assert parent.returncode == 130
        assert not any(p.is_running() for p in gone)
        done = len(json.loads(out)["warm"])
        assert 3 <= done == sum(map(evaluated, trials(tmp_path)))
        assert tune(tmp_path, done + 4, "--total").communicate(timeout=280)
        assert_whole(tmp_path, done + 4)


@slow
def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path, faults: Faults) -> None:
    with faults.tried("parent of several workers killed"):
        parent = tune(tmp_path, 500, "--total")
        until(lambda: sum(map(evaluated, trials(tmp_path))) >= 3, "no trial")
        left = workers(parent)
        parent.kill()
        parent.communicate()
        until(lambda: not any(p.is_running() for p in left), "workers without a parent went on")
        done = sum(map(evaluated, trials(tmp_path)))
        tune(tmp_path, done + 4, "--total").communicate(timeout=280)
        assert_whole(tmp_path, done + 4)
