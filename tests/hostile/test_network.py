"""autometa opens no port by itself; what it starts listens on the loopback only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

LOOPBACK = {"127.0.0.1", "::1"}
# Every bind of a process and of the Python processes that it starts, by an audit hook.
WATCH = """
import os, sys
def _watch(event, arguments):
    if event == "socket.bind":
        with open(os.environ["AUTOMETA_BINDS"], "a") as file:
            file.write(f"{arguments[1]!r}\\n")
sys.addaudithook(_watch)
"""


def binds(code: str, folder: Path) -> list[str]:
    """The addresses that a program binds, its child processes included."""
    (folder / "sitecustomize.py").write_text(WATCH)
    found = folder / "binds"
    found.touch()
    path = os.pathsep.join([str(folder), *(p or str(Path.cwd()) for p in sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": path, "AUTOMETA_BINDS": str(found)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return found.read_text().splitlines()


def test_the_watch_sees_a_port(tmp_path: Path) -> None:
    code = "import socket; socket.create_server(('127.0.0.1', 0))"
    assert binds(code, tmp_path) == ["('127.0.0.1', 0)"]
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}], check=True)"
    assert len(binds(code, tmp_path)) == 2


def test_tuning_opens_no_port(tmp_path: Path) -> None:
    code = """
        import autometa
        from autometa.tuning.tune import tune_table
        from autometa.tables import load_table
        table = load_table("sklearn:iris")
        tune_table(table, families="linear", n_trials=2, folds=2, portfolio=None)
        from autometa.meta import MetaLearner
        from autometa.testing.families import Bowls
        MetaLearner(seed=0, steps=20).fit(Bowls().portfolio(3, 12)).warm_start(1)
    """
    assert binds(code, tmp_path) == []


def test_the_cluster_of_a_collection_listens_on_the_loopback_only(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="pip install 'autometa[distributed]'")
    code = """
        import json
        from autometa.collect.plan import Protocol
        from autometa.collect import workers
        import psutil, os
        if __name__ == "__main__":
            with workers.on_dask({}, Protocol(folds=2), 10.0, workers=2, scheduler=None):
                own = psutil.Process()
                listening = [
                    c.laddr.ip
                    for process in (own, *own.children(recursive=True))
                    for c in process.net_connections()
                    if c.status == psutil.CONN_LISTEN
                ]
            open("listening", "w").write(json.dumps(listening))
    """
    pytest.importorskip("psutil")
    (tmp_path / "collecting.py").write_text(textwrap.dedent(code))
    bound = binds("import runpy; runpy.run_path('collecting.py', run_name='__main__')", tmp_path)
    listening = json.loads((tmp_path / "listening").read_text())
    assert len(listening) >= 3  # the scheduler and two workers at least
    assert set(listening) <= LOOPBACK
    hosts = [host for host in bound if not host.startswith(("('127.0.0.1'", "('::1'"))]
    assert not hosts
