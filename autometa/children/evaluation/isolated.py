"""Evaluate children in a process of their own, so that whatever a config does, it only fails.

A config may hang, allocate without end or kill its process. `Evaluator` keeps one helper process
(`python -m autometa.children.helper`), sends it one JSON line an evaluation and reads
one back; on a timeout or a crash the helper is killed, the trial is FAILED, and a new helper starts
with the next evaluation. The table goes over as a Parquet file, so nothing is unpickled on either
side.

Inside the helper every library uses one thread: many small fits side by side are the fast way.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
import pandas as pd

from autometa.children.child import Child
from autometa.children.evaluation.evaluate import Outcome, failed
from autometa.children.evaluation.threads import helper_command, helper_environment
from autometa.children.folds import Folds, Splits, splits_of
from autometa.errors import InputError
from autometa.space import Value
from autometa.tables import Table

GRACE_SECONDS = 1.0
"""A child that looks at its timeout itself gets this long to stop and keep its helper alive."""
STARTUP_SECONDS = 120.0
"""A helper that has not answered by then (imports on a very busy machine) is given up."""
_LOOK = 0.2  # seconds between looks at whether another thread has ended the helper
_OUT_OF_TIME = "signal SIGXCPU"  # how a process ends at its limit of processor time
STDERR_TAIL = 2000
"""Bytes of the helper's own output that a failure's reason may quote."""


class Evaluator:
    """`children.run` behind a process border, with limits that hold.

    Args:
        memory: Bytes that one evaluation may add to what its process holds when it starts (address
            space, where the system has such a limit); None for no limit.

    >>> from autometa import children
    >>> from autometa.tables import load_table
    >>> with Evaluator() as isolated:
    ...     child = children.get("k_nearest_neighbors")
    ...     found = isolated.run(
    ...         child, child.space.defaults, load_table("sklearn:iris"), folds=3, seed=0, timeout=60
    ...     )
    >>> found.trial.state.name
    'COMPLETE'
    """

    def __init__(self, *, memory: int | None = None) -> None:
        self._memory = memory
        self._process: subprocess.Popen[bytes] | None = None
        self._words: deque[bytes] = deque(maxlen=64)
        self._rest = b""
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._table: Table | None = None
        self._sent = False
        self._warm: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the helper and remove the table's file; a thread that gets it ready stops too."""
        self._kill()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = self._table = None

    def run(
        self,
        child: Child,
        config: Mapping[str, Value],
        table: Table,
        *,
        folds: Folds,
        seed: int,
        timeout: float | None = None,
        processor: float | None = None,
        predictions: Path | None = None,
    ) -> Outcome:
        """As `children.run`, with a `timeout` that holds whatever the child does.

        Args:
            child: As of `children.run`, like the next four.
            config: Its config.
            table: What to train on.
            folds: Number of folds, or given splits.
            seed: Decides all that is random.
            timeout: Seconds by the clock.
            processor: Seconds of processor time, which a busy machine does not shorten. A trial
                that needs more is FAILED with these seconds.
            predictions: File that the helper writes the held-out predictions to, see `held_out`;
                the outcome itself comes without them.

        Raises:
            SpaceError, InputError: as `children.run`.
        """
        child = child.on(table.kind)
        child.refuse(table)
        checked = child.space.check(config)
        splits_of(table, folds, seed)
        self.prepare(table, child)
        request = {
            "child": child.name,
            "config": checked,
            "folds": self._sent_splits(folds) if isinstance(folds, Splits) else folds,
            "seed": seed,
            "timeout": timeout,
            "memory": self._memory,
            "processor": processor,
            "predictions": None if predictions is None else str(predictions.absolute()),
        }
        start = time.perf_counter()
        try:
            answer = self._ask(request, None if timeout is None else timeout + GRACE_SECONDS)
        except TimeoutError:
            self._kill()
            return failed(checked, time.perf_counter() - start, f"more than {timeout:g} s")
        except (EOFError, BrokenPipeError) as ended:
            reason, seconds = str(ended) or "the process ended", time.perf_counter() - start
            if processor is not None and _OUT_OF_TIME in reason:
                reason, seconds = f"more than {processor:g} s of processor time", processor
            self._kill()
            return failed(checked, seconds, reason)
        except BaseException:
            # Ctrl-C in the middle of an answer: the helper's next line would be a stale one.
            self._kill()
            raise
        return Outcome.from_json(checked, answer)

    # The helper process --------------------------------------------------------------------------

    def prepare(self, table: Table, child: Child, *, within: float | None = None) -> None:
        """Have a live helper with the table and the child's libraries, within so many seconds.

        `run` does it where it is needed; done before, in a thread, it costs no waiting.

        Raises:
            InputError: the helper does not start.
            TimeoutError: it was not ready in time.
        """
        end = None if within is None else time.monotonic() + within

        def left() -> float:
            return STARTUP_SECONDS if end is None else min(end - time.monotonic(), STARTUP_SECONDS)

        if self._table is not table:
            if self._folder is not None:
                self._folder.cleanup()
            self._folder = tempfile.TemporaryDirectory(prefix="autometa-")
            table.X.to_parquet(Path(self._folder.name) / "X.parquet")
            labels = pd.DataFrame({"y": table.labels})
            if table.weights is not None:
                labels["weight"] = table.weights
            labels.to_parquet(Path(self._folder.name) / "y.parquet")
            self._table, self._sent = table, False
        try:
            if self._process is None or self._process.poll() is not None:
                self._start(left())
            if not self._sent:
                assert self._folder is not None
                place = self._folder.name
                about: dict[str, Any] = {"folder": place, "name": table.name, "kind": table.kind}
                about |= {"dates": table.schema.dates, "scale": table.scale}
                self._ask(about, None if end is None else left())
                self._sent = True
            if child.name not in self._warm:
                self._ask({"warm": child.name, "source": child.source}, left())
                self._warm.add(child.name)
        except (TimeoutError, EOFError, BrokenPipeError) as error:
            self._kill()
            if within is not None and isinstance(error, TimeoutError):
                raise
            raise InputError(f"the evaluation process did not get ready: {error}") from error

    def _sent_splits(self, splits: Splits) -> str:
        """File of given splits for the helper; it keeps the latest ones by this name."""
        assert self._folder is not None
        path = Path(self._folder.name) / f"{splits.digest()}.npz"
        if not path.exists():
            pairs = enumerate(splits.pairs)
            parts: dict[str, Any] = {f"{k}-{i}": pair[i] for k, pair in pairs for i in (0, 1)}
            np.savez(path, **parts)
        return str(path)

    def _start(self, within: float) -> None:
        self._kill()
        self._process = subprocess.Popen(
            helper_command("autometa.children.helper"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=helper_environment(),
            start_new_session=True,
        )
        assert self._process.stderr is not None
        self._words = deque(maxlen=64)
        threading.Thread(
            target=_drain, args=(self._process.stderr, self._words), daemon=True
        ).start()
        self._read(within)

    def _ask(self, request: Mapping[str, Any], timeout: float | None) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        return self._read(timeout)

    def _read(self, timeout: float | None) -> dict[str, Any]:
        """One answer.

        Raises:
            TimeoutError: none in time.
            EOFError: the helper ended, or another thread ended it: nothing comes from a pipe that
                was closed, not even its end.
            InputError: the helper refused the request.
        """
        process = self._process
        assert process is not None
        pipe = process.stdout
        assert pipe is not None
        end = float("inf") if timeout is None else time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                left = max(0.0, end - time.monotonic())
                come = selector.select(min(left, _LOOK))
                if self._process is not process:
                    raise EOFError("it was closed")
                if come and not (data := os.read(pipe.fileno(), 1 << 16)):
                    raise EOFError(self._exit_reason(process))
                if come:
                    self._rest += data
                elif left <= _LOOK:
                    raise TimeoutError
        line, _, self._rest = self._rest.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "refused" in answer:
            raise InputError(str(answer["refused"]))
        return answer

    def _exit_reason(self, process: subprocess.Popen[bytes]) -> str:
        code = process.wait(timeout=10)
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        said = b"".join(self._words)[-STDERR_TAIL:].decode(errors="replace").strip()
        return f"the process ended with {how}" + (f": {said[-300:]}" if said else "")

    def _kill(self) -> None:
        process, self._process, self._rest = self._process, None, b""
        self._sent, self._warm = False, set()
        if process is None:
            return
        if process.poll() is None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()


def _drain(pipe: IO[bytes], words: deque[bytes]) -> None:
    """Keep a helper's last output, so that neither a full pipe nor memory stops it."""
    with pipe:
        while data := os.read(pipe.fileno(), 1 << 12):
            words.append(data)
