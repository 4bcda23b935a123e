"""What other processes are started with: one thread each, or many would fight over the cores."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
}
"""Environment variables that the libraries read when they are loaded."""


def helper_command(module: str) -> list[str]:
    """Runs a module of ours; a user's own json.py in the present folder does not stand in for ours.

    (`-m` alone would look there first. Where the caller does too, `helper_environment` says so.)
    """
    return [sys.executable, "-P", "-m", module]


def helper_environment() -> dict[str, str]:
    """Of a process of ours that imports what this one can, with one thread."""
    paths = os.pathsep.join(p or str(Path.cwd()) for p in sys.path)
    return {**os.environ, **ONE_THREAD, "PYTHONPATH": paths}


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes that are started meanwhile have these variables; this one has its own back."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
