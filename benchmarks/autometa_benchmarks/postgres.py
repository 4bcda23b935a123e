"""A throw-away PostgreSQL cluster on a loopback port, to measure and to test with."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autometa.errors import MissingExtraError

LOOPBACK = "127.0.0.1"
_USER = "postgres"


@dataclass(frozen=True)
class Cluster:
    """One server.

    Args:
        programs: Where PostgreSQL's server programs are.
        folder: Of its data.
        port: Where it listens.
    """

    programs: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Of its empty database."""
        return f"postgresql://{_USER}@{LOOPBACK}:{self.port}/{_USER}"

    @classmethod
    @contextmanager
    def in_folder(cls) -> Iterator[Cluster]:
        """A running cluster, gone with its folder afterwards.

        Raises:
            MissingExtraError: PostgreSQL's server programs are not installed.
        """
        programs = _programs()
        with tempfile.TemporaryDirectory(prefix="autometa-pg-") as name:
            cluster = cls(programs, Path(name) / "data", free_port())
            if os.getuid() == 0:
                shutil.chown(name, _USER)
            cluster._run("initdb", "-A", "trust", "-U", _USER, "--no-sync", "-E", "UTF8")
            cluster.start()
            try:
                yield cluster
            finally:
                cluster.stop("immediate")

    def start(self) -> None:
        """Start the server; returns when it accepts connections."""
        options = (
            f"-p {self.port} -c listen_addresses={LOOPBACK} -c unix_socket_directories= "
            "-c max_connections=200"
        )
        self._run("pg_ctl", "start", "-w", "-o", options, "-l", str(self.folder / "log"))

    def stop(self, how: str) -> None:
        """Stop it, in a way that pg_ctl knows: "fast", "immediate"."""
        self._run("pg_ctl", "stop", "-w", "-m", how)

    def _run(self, program: str, *arguments: str) -> None:
        # The server refuses to run as root; anybody else runs it as himself.
        user = pwd.getpwnam(_USER).pw_uid if os.getuid() == 0 else None
        subprocess.run(
            [str(self.programs / program), "-D", str(self.folder), *arguments],
            check=True,
            user=user,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _programs() -> Path:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    listed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
    if not listed:
        raise MissingExtraError(
            "PostgreSQL's server is not installed", do="apt-get install postgresql"
        )
    return listed[-1]
