"""The inside of `isolated`: answers one JSON line for each JSON line it reads.

Started as `python -m autometa.children.helper`. The answers go to the process's first
standard output; whatever children print goes to standard error, which the parent drains.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from autometa.children.child import Child
from autometa.children.evaluation.evaluate import prepare_to_run, run
from autometa.children.evaluation.held_out import write_predictions
from autometa.children.folds import Folds, Splits
from autometa.children.registry import get
from autometa.errors import AutometaError, InputError
from autometa.tables import Table
from autometa.tables.columns import Reading

GRACE = 30
"""Seconds after its time is up that a helper without a parent lives on at most."""


def main() -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _no_core_dump()
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()

    def answer(message: Mapping[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    import_module("autometa.children.preparation")
    answer({"ready": True})
    table: Table | None = None
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            if "folder" in request:
                table = _table(request)
                answer({"ready": True})
            elif "warm" in request:
                prepare_to_run(_sourced(request))
                answer({"ready": True})
            else:
                assert table is not None
                answer(_evaluated(get(request["child"]), table, request))
        except (AutometaError, ImportError) as error:
            answer({"refused": str(error)})


def _no_core_dump() -> None:
    """A process that is ended at its limit leaves no image of its memory on the disk."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _evaluated(child: Child, table: Table, request: Mapping[str, Any]) -> dict[str, Any]:
    timeout = request["timeout"]
    if timeout is not None:
        # Should the parent die, the kernel ends a helper that hangs.
        signal.alarm(int(timeout) + GRACE)
    with _memory_limit(request["memory"]), _processor_limit(request["processor"]):
        outcome = run(
            child,
            request["config"],
            table,
            folds=_folds(request["folds"]),
            seed=request["seed"],
            timeout=timeout,
        )
    signal.alarm(0)
    if request.get("predictions") and outcome.predictions:
        with suppress(OSError):  # a full disk costs the ensemble a member, not the search a trial
            write_predictions(outcome.predictions, Path(request["predictions"]))
    return outcome.to_json()


@lru_cache(maxsize=1)
def _folds(given: int | str) -> Folds:
    """A number of folds, or the splits that the parent wrote to a file."""
    if isinstance(given, int):
        return given
    with np.load(given, allow_pickle=False) as parts:
        count = len(parts.files) // 2
        return Splits(tuple((parts[f"{k}-0"], parts[f"{k}-1"]) for k in range(count)))


def _table(request: Mapping[str, Any]) -> Table:
    folder = Path(request["folder"])
    target = pd.read_parquet(folder / "y.parquet")
    return Table(
        name=request["name"],
        X=pd.read_parquet(folder / "X.parquet"),
        y=target["y"],
        kind=request["kind"],
        reading=Reading.done(request["dates"]),
        weights=target["weight"].to_numpy() if "weight" in target else None,
        scale=request["scale"],
    )


def _sourced(request: Mapping[str, Any]) -> Child:
    """The child by its source; from here on it is known by its name."""
    child = get(request["source"])
    if child.name != request["warm"]:
        raise InputError(
            f"{request['source']!r} is {child.name!r} by now",
            allowed=f"{request['warm']!r}, as when the evaluation began",
            do="Leave a learned start alone while it is in use",
        )
    return child


@contextmanager
def _memory_limit(extra: int | None) -> Iterator[None]:
    """At most `extra` bytes of address space more than now; no limit where None or unsupported."""
    held = _address_space()
    if extra is None or held is None:
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + extra, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@contextmanager
def _processor_limit(seconds: float | None) -> Iterator[None]:
    """At most so much processor time from now on, or the system ends this process.

    Whatever the child does, in whatever language, and however busy the machine is.
    """
    try:
        import resource
    except ImportError:  # not on Windows: there the parent's patience is the only limit
        seconds = None
    if seconds is None:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_CPU)
    most = math.ceil(time.process_time() + seconds)
    if before[1] != resource.RLIM_INFINITY:
        most = min(most, before[1])
    resource.setrlimit(resource.RLIMIT_CPU, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)


def _address_space() -> int | None:
    """Bytes of address space this process has now; None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _end_with_parent(parent: int) -> None:
    """Leave when the parent is gone: nobody will read the answer."""
    while os.getppid() == parent:
        time.sleep(2.0)
    os._exit(1)


if __name__ == "__main__":
    main()
