"""A meta-training that is really killed (kill -9) goes on as if it never was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from autometa.inner import MAML, FittedMAML, Outer
from autometa.inner import store as files
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
