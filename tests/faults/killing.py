"""Start programs and kill them."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from typing import Any, ClassVar

from tests.faults.programs import environment

PROGRAM = [sys.executable, "-m", "tests.faults.programs"]


class Program:
    """A program of `programs`; what a failed test leaves behind is ended by `end_all`."""

    running: ClassVar[list[subprocess.Popen[str]]] = []

    def __init__(self, name: str, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, name, *map(str, arguments)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.running.append(self.process)

    @classmethod
    def end_all(cls) -> None:
        """Kill what is left."""
        while cls.running:
            process = cls.running.pop()
            if process.poll() is None:
                process.kill()
            process.communicate()

    def ready(self) -> Program:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == '"ready"\n'
        return self

    def kill(self) -> list[Any]:
        """SIGKILL; what it had acknowledged."""
        self.process.send_signal(signal.SIGKILL)
        return self.said()

    def said(self) -> list[Any]:
        """Everything it acknowledged until its end."""
        out, _ = self.process.communicate(timeout=800)
        self.running.remove(self.process)
        return [json.loads(line) for line in out.splitlines(keepends=True) if line.endswith("\n")]

    def end(self) -> list[Any]:
        """Its natural end."""
        said = self.said()
        assert self.process.returncode == 0
        return said


def later(rng: random.Random, most: float) -> None:
    """Some moment within `most` seconds."""
    time.sleep(rng.uniform(0.0, most))
