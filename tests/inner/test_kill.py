"""A meta-training that is killed (kill -9) or ended goes on as if it never was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autometa.inner import MAML, Episodes, FittedMAML, Outer, RateRule, Validation
from autometa.inner import store as files
from autometa.inner.early import Watch
from autometa.inner.training import KIND, SCHEMA
from autometa_benchmarks.inner.sinusoid import child, sinusoids

ENDLESS = 10**7


def train(folder: Path | None, iterations: int) -> FittedMAML:
    recipe = MAML(child(0), steps=1, outer=Outer(tasks=2))
    return recipe.fit(sinusoids, iterations=iterations, checkpoint=folder, every=3)


def test_kill_9_and_resume_equals_an_unbroken_run(tmp_path: Path) -> None:
    program = (
        f"import {__name__} as here, pathlib; here.train(pathlib.Path(r'{tmp_path}'), {ENDLESS})"
    )
    here = Path(__file__)
    places = [str(here.parent), str(here.parents[2])]
    process = subprocess.Popen(
        [sys.executable, "-c", program.replace(__name__, here.stem)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places), "OMP_NUM_THREADS": "1"},
    )
    try:
        while not (tmp_path / files.INDEX).exists():
            assert process.poll() is None
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    tensors, info = files.load(tmp_path, KIND, SCHEMA)
    done = len(tensors["losses"])
    assert done >= 3
    assert json.dumps(info)
    resumed, unbroken = train(tmp_path, done + 4), train(None, done + 4)
    assert resumed.info["iterations"] == done + 4
    assert all(torch.equal(value, resumed.params[name]) for name, value in unbroken.params.items())
    assert all(torch.equal(value, resumed.logs[name]) for name, value in unbroken.logs.items())


def raising(*_args: Any, **_options: Any) -> Any:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("place", "name"), [(torch.optim.Adam, "step"), (RateRule, "project_"), (Watch, "look")]
)
def test_no_half_done_update_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Any, name: str
) -> None:
    kept = Validation(episodes=sinusoids(np.random.default_rng(9), 3), every=2)
    drawn: list[int] = []

    def tasks(rng: np.random.Generator, n: int) -> Episodes:
        drawn.append(n)
        if len(drawn) == 8:
            monkeypatch.setattr(place, name, raising)
        return sinusoids(rng, n)

    recipe = MAML(child(0), steps=1, outer=Outer(tasks=2))
    with pytest.raises(KeyboardInterrupt):
        recipe.fit(tasks, iterations=20, checkpoint=tmp_path, every=6, validation=kept)
    assert len(files.load(tmp_path, KIND, SCHEMA)[0]["losses"]) == 6


def test_where_nothing_was_learned_nothing_is_written(tmp_path: Path) -> None:
    """A loss or tasks with a mistake are mended then, and the folder is not another recipe's."""
    with pytest.raises(KeyboardInterrupt):
        MAML(child(0)).fit(raising, iterations=2, checkpoint=tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_full_disk_hides_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def full(*_args: Any, **_options: Any) -> Any:
        raise OSError(28, "No space left on device")

    def tasks(rng: np.random.Generator, n: int) -> Episodes:
        drawn.append(n)
        return sinusoids(rng, n) if len(drawn) < 3 else raising()

    monkeypatch.setattr(files, "save", full)
    with pytest.raises(KeyboardInterrupt):
        MAML(child(0)).fit(tasks, iterations=9, checkpoint=tmp_path)
    assert len(drawn) == 3
