"""Optuna's gRPC proxy to measure with, on loopback, stopped by its process id."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autometa.storages.addresses import database_url
from autometa.storages.connect import open_storage
from autometa_benchmarks.postgres import LOOPBACK, free_port

PATIENCE = 120.0  # seconds for a server to come up

_PROXY = """
import sys, optuna
from optuna.storages import get_storage, run_grpc_proxy_server
run_grpc_proxy_server(get_storage(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]))
"""
_ASK = """
import json, sys, time, optuna
from autometa_benchmarks.load_servers import storage_of
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
def proxy(url: str) -> Iterator[int]:
    """Optuna's gRPC proxy of a database; gives its port."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _PROXY, database_url(url), str(port)],
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, server)
        yield port
    finally:
        server.kill()
        server.wait()


def storage_of(port: int) -> Any:
    """The storage behind a proxy; make it after a fork only."""
    return open_storage(f"grpc://{LOOPBACK}:{port}")


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
