"""Searches that several processes share, and what may happen to them and to their storage."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from autometa.storages.connect import open_storage
from autometa.storages.orphans import release
from autometa.tuning.trials import evaluated
from autometa_benchmarks.postgres import Cluster
from tests.faults.counter import Faults
from tests.faults.killing import Program, later
from tests.faults.programs import search_spec, value_of

slow = pytest.mark.slow


def told(said: list[Any]) -> list[Any]:
    return [line for line in said if line != "ready"]


def study_of(url: str, name: str) -> optuna.Study:
    return optuna.load_study(study_name=name, storage=open_storage(url))


def assert_whole(url: str, name: str, acknowledged: list[Any], target: int, warm: int = 3) -> None:
    """Nothing acknowledged is lost, nothing is there twice, the total is what was asked for.

    Of the start no place is lost, and none is taken twice. A worker that did not wait for a result
    goes on with it, so there may be a few more.
    """
    trials = [t for t in study_of(url, name).get_trials() if evaluated(t)]
    assert len(trials) == target
    texts = [json.dumps(t.params, sort_keys=True) for t in trials]
    twice = [t for t, text in zip(trials, texts, strict=True) if texts.count(text) > 1]
    assert not twice, [(t.number, t.user_attrs, t.system_attrs, t.datetime_start) for t in twice]
    found = dict(zip(texts, (t.value for t in trials), strict=True))
    for config, value in acknowledged:
        assert found[json.dumps(config, sort_keys=True)] == value == pytest.approx(value_of(config))
    taken = [t.user_attrs.get("autometa:slot") for t in trials]
    slots = [slot for slot in taken if slot is not None]
    assert len(set(slots)) == len(slots), taken
    assert set(slots) >= set(range(warm)), taken
    assert max(slots) < 2 * warm


def release_all(url: str, name: str) -> None:
    """What a parent does for its dead workers, for storages without heartbeats."""
    study = study_of(url, name)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        release(study, trial.number)


def address(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if kind in ("postgres", "proxy"):
        return str(request.getfixturevalue(kind))
    return f"{'sqlite' if kind == 'sqlite' else 'journal'}:///{tmp_path / 'study'}"


@pytest.fixture
def name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"{request.node.name}-{tmp_path.name}-{time.time_ns()}"


@pytest.mark.parametrize(
    "kind", ["journal", "postgres", "proxy", pytest.param("sqlite", marks=slow)]
)
def test_several_processes_share_a_search(
    kind: str, tmp_path: Path, name: str, model: Path, request: pytest.FixtureRequest
) -> None:
    """Exact in number, and without a config twice, though all of them start at once."""
    url, target, number = address(kind, tmp_path, request), 16, 2 if kind != "postgres" else 3
    programs = [Program("search", url, name, target, model, 0.0) for _ in range(number)]
    said = [line for p in programs for line in told(p.end())]
    assert len(said) == target
    assert_whole(url, name, said, target)


@slow
@pytest.mark.parametrize("kind", ["journal", "postgres", "proxy", "sqlite"])
def test_no_duplicates_under_load(
    kind: str, tmp_path: Path, name: str, model: Path, request: pytest.FixtureRequest
) -> None:
    url = address(kind, tmp_path, request)
    target, number = (24, 3) if kind == "sqlite" else (60, 5)  # sqlite has one writer at a time
    programs = [Program("search", url, name, target, model, 0.0) for _ in range(number)]
    said = [line for p in programs for line in told(p.end())]
    assert_whole(url, name, said, target)


def _kills(kind: str, kills: int, url: str, name: str, model: Path, faults: Faults) -> None:
    """Two workers at a time, one of which is killed at some moment; then the rest is done."""
    rng, target, said = random.Random(kills), 4 * kills + 8, list[Any]()
    with faults.tried(f"search worker killed, {kind}", kills):
        second = Program("search", url, name, target, model, 0.4).ready()
        for _ in range(kills):
            first = Program("search", url, name, target, model, 0.02).ready()
            later(rng, 0.5)
            said += told(first.kill())
            if kind in ("journal", "proxy"):
                study = study_of(url, name)
                assert len(study.get_trials()) > 0
        said += told(second.kill())
        if kind in ("journal", "proxy"):
            release_all(url, name)
        else:
            time.sleep(5)  # without a heartbeat for that long, workers count as dead
        said += told(Program("search", url, name, target, model, 0.0).end())
        assert_whole(url, name, said, target)


@pytest.mark.parametrize("kind", ["journal"])
def test_a_killed_worker_loses_nothing(
    kind: str,
    tmp_path: Path,
    name: str,
    model: Path,
    faults: Faults,
    request: pytest.FixtureRequest,
) -> None:
    _kills(kind, 1, address(kind, tmp_path, request), name, model, faults)


@slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("kind", "kills"), [("journal", 8), ("postgres", 8), ("sqlite", 4), ("proxy", 4)]
)
def test_many_killed_workers_lose_nothing(
    kind: str,
    kills: int,
    tmp_path: Path,
    name: str,
    model: Path,
    faults: Faults,
    request: pytest.FixtureRequest,
) -> None:
    _kills(kind, kills, address(kind, tmp_path, request), name, model, faults)


def test_a_journal_with_a_torn_tail_and_an_orphaned_lock_goes_on(
    tmp_path: Path, name: str, model: Path, faults: Faults
) -> None:
    url, path = f"journal:///{tmp_path / 'study'}", tmp_path / "study"
    said = told(Program("search", url, name, 4, model, 0.0).end())
    with faults.tried("torn tail and orphaned lock of a journal"):
        with path.open("ab") as file:
            file.write(b'{"op_code": 4, "worker_id": "x", "tri')
        path.with_name("study.lock").symlink_to(path)  # Optuna's lock in a dead process's hand
        path.with_name("study.lock-autometa").write_bytes(b"1")
        said += told(Program("search", url, name, 8, model, 0.0).end())
        assert_whole(url, name, said, 8)
        assert not path.with_name("study.lock").exists()


def test_sqlite_locked_by_another_process_is_waited_for(
    tmp_path: Path, name: str, model: Path, faults: Faults
) -> None:
    url = f"sqlite:///{tmp_path / 'study'}"
    said = told(Program("search", url, name, 4, model, 0.0).end())
    with faults.tried("sqlite locked by another process"):
        program = Program("search", url, name, 8, model, 0.05).ready()
        with closing(sqlite3.connect(tmp_path / "study", timeout=60)) as other:
            other.execute("BEGIN EXCLUSIVE")
            time.sleep(6.0)  # longer than the driver's own patience
            other.rollback()
        said += told(program.end())
        assert_whole(url, name, said, 8)


def test_connections_that_the_server_closes_are_replaced(
    cluster: Cluster, name: str, model: Path, faults: Faults
) -> None:
    psycopg = pytest.importorskip("psycopg")
    times, target = 4, 24
    with faults.tried("PostgreSQL closes all connections", times):
        program = Program("search", cluster.url, name, target, model, 0.1).ready()
        with psycopg.connect(cluster.url, autocommit=True) as other:
            for _ in range(times):
                time.sleep(0.7)
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
        said = told(program.end())
        assert_whole(cluster.url, name, said, target)


@slow
def test_postgres_restarted_in_the_middle_of_a_study(
    cluster: Cluster, name: str, model: Path, faults: Faults
) -> None:
    times, target = 3, 40
    with faults.tried("PostgreSQL restarted", times):
        programs = [Program("search", cluster.url, name, target, model, 0.3) for _ in range(2)]
        for program in programs:
            program.ready()
        for how in ("immediate", "fast", "immediate"):
            time.sleep(2.0)
            cluster.stop(how)
            time.sleep(1.0)
            cluster.start()
        said = [line for p in programs for line in told(p.end())]
        assert_whole(cluster.url, name, said, target)


def test_a_clock_that_jumps_changes_nothing(
    tmp_path: Path, name: str, model: Path, faults: Faults
) -> None:
    url = f"sqlite:///{tmp_path / 'study'}"
    with faults.tried("wall clock jumping by days at every reading"):
        said = told(Program("search", url, name, 10, model, 0.0, "jump").end())
        assert_whole(url, name, said, 10)


def test_a_trial_taken_from_a_worker_that_only_slept_is_there_once(
    tmp_path: Path, model: Path, name: str, faults: Faults
) -> None:
    """Its result comes too late: the trial that repeats it is the one that counts."""
    from autometa.meta import MetaModel
    from tests.faults.programs import CHILD, Formula

    url = f"journal:///{tmp_path / 'study'}"
    whole = search_spec(url, name)

    class Sleepy(Formula):
        def run(self, *arguments: Any, **options: Any) -> Any:
            if not self.seconds:
                release_all(url, name)  # what others do, who saw no heartbeat
            self.seconds += 1
            return Formula(0.0).run(*arguments, **options)

    search = whole.warm(CHILD, MetaModel.load(model), whole.judge(Sleepy(0.0)))
    with faults.tried("a worker that wakes up after its trial was given away"):
        done = list(search.fill(5, lambda: False))
        assert len(done) == 5
        assert_whole(url, name, [[t.config, t.value] for t in done], 5)
        states = [t.state for t in study_of(url, name).get_trials()]
        assert states.count(TrialState.FAIL) == 1
