"""What the measurements of cost share: made data, memory, and a step in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autometa.portfolio import Portfolio
from autometa.reading import parse_json
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory


def bowls(space: SearchSpace, tasks: int, trials: int, *, places: tuple[float, float]) -> Portfolio:
    """Random trials of made tasks: bowls around points within `places` of every unit column."""
    rng = np.random.default_rng(0)
    histories = []
    for number in range(tasks):
        raw = space.sample_raw(trials, rng)
        unit = space.encode_raw(raw)
        values = -((unit - rng.uniform(*places, unit.shape[1])) ** 2).sum(1)
        task = Task(name=f"t{number}", space=space, direction="maximize")
        histories.append(TaskHistory(task=task, raw=raw, values=values))
    return Portfolio(histories)


def alone(module: str, words: Sequence[object]) -> dict[str, Any]:
    """The JSON that a module prints as its last line, run by a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = parse_json(done.stdout.splitlines()[-1])
    return found


def resident() -> float:
    """Megabytes this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak() -> float:
    """Megabytes this process had in memory at most.

    `getrusage` would count what the parent had when it started this process.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None  # Linux has it
    return int(found[1]) / 1024
