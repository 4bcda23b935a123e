"""A throw-away PostgreSQL cluster on a loopback port, which the tests may restart."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


def binaries() -> Path | None:
    """Where initdb and postgres are."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    listed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
    return listed[-1] if listed else None


@dataclass
class Cluster:
    """One server; `url` is where it listens."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @classmethod
    @contextmanager
    def in_folder(cls) -> Iterator[Cluster]:
        bin_ = binaries()
        if bin_ is None:
            pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with tempfile.TemporaryDirectory(prefix="autometa-pg-") as name:
            cluster = cls(Path(name) / "data", port)
            if os.getuid() == 0:
                shutil.chown(name, "postgres")
            cluster._run("initdb", "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8")
            cluster.start()
            try:
                yield cluster
            finally:
                cluster.stop("immediate")

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        self._run("pg_ctl", "start", "-w", "-o", options, "-l", str(self.folder / "log"))
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)

    def stop(self, how: str) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", how)

    def _run(self, program: str, *arguments: str) -> None:
        bin_ = binaries()
        assert bin_ is not None
        # The server refuses to run as root.
        user = pwd.getpwnam("postgres").pw_uid if os.getuid() == 0 else None
        subprocess.run(
            [str(bin_ / program), "-D", str(self.folder), *arguments],
            check=True,
            user=user,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
