"""PostgreSQL and Optuna's gRPC proxy to measure with: throw-away, loopback, stopped by id."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna

from autometa.errors import MissingExtraError

LOOPBACK = "127.0.0.1"
USER = "postgres"
PATIENCE = 120.0  # seconds for a server to come up

_PROXY = """
import sys, optuna
from optuna.storages import get_storage, run_grpc_proxy_server
run_grpc_proxy_server(get_storage(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]))
"""
_ASK = """
import json, sys, time, optuna
from autometa.bench.load_servers import storage_of
name, begin, end = sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
study = optuna.load_study(study_name=name, storage=storage_of(int(sys.argv[1])))
ended = [t for t in study.get_trials(deepcopy=False) if t.datetime_complete is not None
         and t.datetime_complete.timestamp() <= end]
values = [t.value for t in ended if t.value is not None]
configs = [sorted(t.params.items()) for t in ended]
twice = len(configs) - len({str(c) for c in configs})
print(json.dumps({"trials": len(ended), "best": max(values, default=None), "twice": twice}))
"""


@contextmanager
def postgres() -> Iterator[str]:
    """A new cluster; gives the URL of its empty database.

    Raises:
        MissingExtraError: PostgreSQL's server programs are not installed.
    """
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not homes:
        raise MissingExtraError("PostgreSQL is not installed", do="apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="autometa-postgres-"))
    shutil.chown(folder, USER)
    data, port = folder / "data", _free_port()
    # Only root may become postgres; anybody else runs the cluster as himself.
    become = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
    run = [*become, str(homes[-1] / "initdb"), "-D", str(data), "-U", USER, "-A", "trust"]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    options = [f"listen_addresses={LOOPBACK}", f"port={port}", f"unix_socket_directories={folder}"]
    command = [str(homes[-1] / "postgres"), "-D", str(data)]
    command += [part for o in (*options, "max_connections=200") for part in ("-c", o)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*become, *command], stderr=log, stdout=log, cwd=folder)
    try:
        _wait_for(port, server)
        yield f"postgresql+psycopg://{USER}@{LOOPBACK}:{port}/{USER}"
    finally:
        os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGINT)
        server.wait(PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def proxy(url: str) -> Iterator[int]:
    """Optuna's gRPC proxy of a storage; gives its port."""
    port = _free_port()
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _PROXY, url, str(port)], stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, server)
        yield port
    finally:
        server.kill()
        server.wait()


def storage_of(port: int) -> Any:
    """The storage behind a proxy; make it after a fork only."""
    return optuna.storages.GrpcStorageProxy(host=LOOPBACK, port=port)


def ask_in_process(port: int, name: str, begin: float, end: float) -> dict[str, Any]:
    """What a study holds at a time, asked by a process of its own: gRPC and forks do not mix."""
    words = [str(port), name, str(begin), str(end)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _ASK, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends and server.poll() is None:
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"no server came up on port {port}")
