from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import pickle
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState, create_trial

from autometa.errors import InputError, PortfolioError, SpaceError, StoreError, without_passwords
from autometa.portfolio import Portfolio
from autometa.portfolio.importers import inferring
from autometa.samplers.create import create_study
from autometa.space import SearchSpace
from autometa.storages import sources
from autometa.task import State

LR = FloatDistribution(1e-4, 1.0, log=True)
KERNEL = CategoricalDistribution(["linear", "rbf", "poly"])
GAMMA = FloatDistribution(0.0, 1.0)
KINDS = ("sqlite", "journal", "memory")
KNOWN: dict[str, BaseDistribution] = {"lr": LR, "kernel": KERNEL, "gamma": GAMMA}


def storage(kind: str, folder: Path, name: str = "studies") -> tuple[BaseStorage, Any]:
    """(a storage to fill, what a user gives for it)."""
    if kind == "sqlite":
        url = f"sqlite:///{folder / name}.db"
        return RDBStorage(url), url
    if kind == "journal":
        path = folder / f"{name}.log"
        return JournalStorage(JournalFileBackend(str(path))), path
    memory = InMemoryStorage()
    return memory, memory


def study(
    storage: BaseStorage | None = None,
    name: str = "s",
    *,
    trials: Sequence[Mapping[str, Any]],
    direction: str = "maximize",
    distributions: Mapping[str, BaseDistribution] | None = None,
    **more: Any,
) -> optuna.Study:
    """A study of trials {"value": ..., "state": ..., "curve": ..., parameter: ...}."""
    if "directions" not in more:
        more["direction"] = direction
    made = optuna.create_study(study_name=name, storage=storage, **more)
    known = {**KNOWN, **(distributions or {})}
    for trial in trials:
        params = {k: v for k, v in trial.items() if k in known}
        made.add_trial(
            create_trial(
                state=trial.get("state", TrialState.COMPLETE),
                value=trial.get("value"),
                values=trial.get("values"),
                params=params,
                distributions={k: known[k] for k in params},
                intermediate_values=trial.get("curve"),
                system_attrs=trial.get("system"),
            )
        )
    return made


def simple(n: int = 3, **more: Any) -> list[dict[str, Any]]:
    return [{"lr": 0.1 + 0.1 * (i % 9), "value": float(i), **more} for i in range(n)]


def digest(folder: Path) -> dict[str, str]:
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir() if p.is_file()
    }


# Storages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_studies_of_any_storage_come_as_they_are(kind: str, tmp_path: Path) -> None:
    made, given = storage(kind, tmp_path)

    def objective(trial: optuna.Trial) -> float:
        lr = trial.suggest_float("lr", 1e-4, 1.0, log=True)
        if trial.suggest_categorical("kernel", ["linear", "rbf", "poly"]) == "rbf":
            lr += trial.suggest_float("gamma", 0.0, 1.0)
        return lr

    for i in range(2):
        sampler = optuna.samplers.RandomSampler(seed=i)
        optuna.create_study(study_name=f"s{i}", storage=made, sampler=sampler).optimize(
            objective, n_trials=12
        )
    before = digest(tmp_path)
    result = Portfolio.from_studies(given)
    assert digest(tmp_path) == before
    assert result.space.conditions == {"gamma": ("kernel", ("rbf",))}
    assert result.space.distributions == {"lr": LR, "kernel": KERNEL, "gamma": GAMMA}
    for history, name in zip(result.histories, ("s0", "s1"), strict=True):
        loaded = optuna.load_study(study_name=name, storage=made)
        assert history.task.name == history.task.family == name
        assert history.task.direction == "minimize"
        assert [t.config for t in history] == [t.params for t in loaded.trials]
        assert history.values.tolist() == [t.value for t in loaded.trials]
        assert np.isfinite(history.seconds).all()
    told = result.provenance["studies"]
    assert [(t["study"], t["trials"], t["skipped"]) for t in told] == [
        ("s0", 12, {}),
        ("s1", 12, {}),
    ]
    assert not Portfolio.from_studies(made).diff(result).changed
    json.dumps(dict(result.provenance), allow_nan=False)


@pytest.mark.parametrize("form", ["sqlite:///{}", "sqlite+pysqlite:///{}", "{}", "file"])
def test_the_forms_of_a_sqlite_file(form: str, tmp_path: Path) -> None:
    study(storage("sqlite", tmp_path)[0], trials=simple())
    path = tmp_path / "studies.db"
    given = f"sqlite:///file:{path}?mode=ro&uri=true" if form == "file" else form.format(path)
    assert len(Portfolio.from_studies(given).histories[0]) == 3


def test_several_sources_and_one_study_twice(tmp_path: Path) -> None:
    made, given = storage("sqlite", tmp_path)
    first = study(made, "a", trials=simple())
    second = study(None, "b", trials=simple())
    result = Portfolio.from_studies([first, given, second])
    assert [t.name for t in result.tasks] == ["a", "b"]
    assert result.provenance["skipped_studies"] == [
        {"study": "a", "source": "studies.db", "reason": "study 'a' comes twice"}
    ]


def test_other_studies_of_one_name_get_names_of_their_own() -> None:
    result = Portfolio.from_studies([study(trials=simple(n)) for n in (2, 3)])
    assert [(t.name, len(h)) for t, h in zip(result.tasks, result.histories, strict=True)] == [
        ("s", 2),
        ("s-2", 3),
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [("a*", ["a1", "a2"]), (["b", "a2"], ["a2", "b"]), (None, ["a1", "a2", "b"])],
)
def test_names_choose_studies(names: Any, expected: list[str]) -> None:
    memory = InMemoryStorage()
    for name in ("a1", "a2", "b"):
        study(memory, name, trials=simple())
    assert [t.name for t in Portfolio.from_studies(memory, names=names).tasks] == expected


_SERVER = """
import sys
from optuna.storages import RDBStorage, run_grpc_proxy_server
run_grpc_proxy_server(RDBStorage(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]))
"""


def test_studies_come_through_a_grpc_proxy(tmp_path: Path) -> None:
    pytest.importorskip("grpc")
    from optuna.storages import GrpcStorageProxy

    made, url = storage("sqlite", tmp_path)
    study(made, "remote", trials=simple(4, curve={0: 0.5, 1: 1.0}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-W", "ignore", "-c", _SERVER, url, str(port)])
    try:
        proxy = GrpcStorageProxy(host="127.0.0.1", port=port)
        proxy.wait_server_ready(timeout=120)
        result = Portfolio.from_studies(proxy)
        proxy.close()
    finally:
        server.terminate()
        server.wait(timeout=60)
    (history,) = result.histories
    assert history.task.name == "remote"
    np.testing.assert_array_equal(history.values, [0.0, 1.0, 2.0, 3.0])
    assert history.curves.shape == (4, 2)


# Read only ---------------------------------------------------------------------------------------


def test_an_older_schema_is_upgraded_in_a_copy_only(tmp_path: Path) -> None:
    study(storage("sqlite", tmp_path)[0], trials=simple())
    with sqlite3.connect(tmp_path / "studies.db") as database:
        (index,) = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'trials' AND sql "
            "LIKE '%study_id%'"
        ).fetchone()
        database.execute(f"DROP INDEX {index}")
        database.execute("UPDATE alembic_version SET version_num = 'v3.0.0.d'")
    database.close()
    with pytest.raises(RuntimeError, match="upgrade"):
        RDBStorage(f"sqlite:///{tmp_path / 'studies.db'}")
    before = digest(tmp_path)
    assert len(Portfolio.from_studies(tmp_path / "studies.db").histories[0]) == 3
    assert digest(tmp_path) == before


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    study(storage("sqlite", tmp_path)[0], trials=simple())
    with sqlite3.connect(tmp_path / "studies.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'v99.0.0'")
    database.close()
    with pytest.raises(StoreError, match=r"newer Optuna.*Upgrade Optuna"):
        Portfolio.from_studies(tmp_path / "studies.db")


@pytest.mark.parametrize("state", ["closed", "open", "dead"])
def test_write_ahead_logs_are_read_and_left_alone(state: str, tmp_path: Path) -> None:
    study(storage("sqlite", tmp_path)[0], "s", trials=simple())
    database = sqlite3.connect(tmp_path / "studies.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("UPDATE studies SET study_name = 'renamed'")
    folder = tmp_path
    if state == "closed":
        database.close()
    elif state == "dead":
        folder = tmp_path / "dead"
        folder.mkdir()
        for name in ("studies.db", "studies.db-wal"):
            shutil.copy(tmp_path / name, folder / name)
    before = digest(folder)
    assert Portfolio.from_studies(folder / "studies.db").tasks[0].name == "renamed"
    after = digest(folder)
    database.close()
    if state == "open":  # its owner keeps an index of the log in shared memory
        before.pop("studies.db-shm"), after.pop("studies.db-shm")
    assert after == before


def test_a_database_whose_writer_died_is_rolled_back_in_a_copy(tmp_path: Path) -> None:
    study(storage("sqlite", tmp_path)[0], trials=simple(300, curve={0: 1.0}))
    database = sqlite3.connect(tmp_path / "studies.db", isolation_level=None)
    database.execute("PRAGMA cache_size = 2")
    database.execute("BEGIN")
    database.execute("UPDATE trial_values SET value = -7")
    database.execute("UPDATE trial_params SET distribution_json = 'torn' || distribution_json")
    (folder := tmp_path / "dead").mkdir()
    for name in ("studies.db", "studies.db-journal"):
        shutil.copy(tmp_path / name, folder / name)
    database.execute("ROLLBACK")
    database.close()
    before = digest(folder)
    assert Portfolio.from_studies(folder / "studies.db").histories[0].values.min() == 0.0
    assert digest(folder) == before


def test_a_locked_database_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study(storage("sqlite", tmp_path)[0], trials=simple())
    monkeypatch.setattr(sources, "BUSY", 0.05)
    database = sqlite3.connect(tmp_path / "studies.db", isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match=r"database is locked.*try again"):
        Portfolio.from_studies(tmp_path / "studies.db")
    database.execute("ROLLBACK")
    database.close()
    assert len(Portfolio.from_studies(tmp_path / "studies.db")) == 1


class _Payload:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_are_never_unpickled(kind: str, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    payload = pickle.dumps(_Payload(mark))
    attributes = {
        key: payload.hex()
        for key in ("cma:optimizer", "cma:optimizer:0", "cma:0:optimizer", "sepcma:optimizer")
    }
    made, given = storage(kind, tmp_path)
    loaded = study(made, trials=simple(system=attributes))
    given = [given, loaded] if kind == "memory" else given
    assert len(Portfolio.from_studies(given).histories[0]) == 3
    assert not mark.exists()
    pickle.loads(payload)
    assert mark.exists()  # the payload was live


def test_redis_journals_are_refused_since_optuna_unpickles_them() -> None:
    with pytest.raises(InputError, match=r"unpickles") as caught:
        Portfolio.from_studies("redis://me:secret@localhost:6379")
    assert "secret" not in str(caught.value)


# Journals ----------------------------------------------------------------------------------------


def test_a_torn_last_line_is_skipped_and_reported(tmp_path: Path) -> None:
    made, path = storage("journal", tmp_path)
    study(made, trials=simple(3))
    text = path.read_bytes()
    path.write_bytes(text[:-20])
    before = digest(tmp_path)
    result = Portfolio.from_studies(path)
    assert digest(tmp_path) == before
    assert len(result.histories[0]) == 2
    assert result.provenance["notes"] == ["studies.log: the last line is torn and was skipped"]


def test_a_torn_line_in_the_middle_is_an_error(tmp_path: Path) -> None:
    made, path = storage("journal", tmp_path)
    study(made, trials=simple(3))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[1][:-20], *lines[2:]]))
    with pytest.raises(StoreError, match=r"line 2 of journal .* is damaged"):
        Portfolio.from_studies(path)


def test_a_missing_journal_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        Portfolio.from_studies(tmp_path / "none.log")
    assert digest(tmp_path) == {}


def test_a_journal_of_something_else_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text('{"op_code": 4}\n')
    with pytest.raises(StoreError, match=r"journal .* cannot be read"):
        Portfolio.from_studies(tmp_path / "x.log")


# Trials ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_state_is_kept_or_counted(kind: str, tmp_path: Path) -> None:
    made, given = storage(kind, tmp_path)
    S = TrialState
    trials: list[dict[str, Any]] = [
        {"lr": 0.1, "value": 1.0, "curve": {1: 0.2, 2: 0.6, 3: 0.8, 4: 1.0}},
        {"lr": 0.2, "value": math.inf},
        {"lr": 0.3, "state": S.PRUNED, "value": 0.3, "curve": {1: 0.3}},
        {"lr": 0.4, "state": S.PRUNED, "curve": {1: 0.1, 2: math.nan, 3: math.nan}},
        {"lr": 0.5, "state": S.PRUNED},
        {"lr": 0.6, "state": S.FAIL, "curve": {1: 0.5}},
        {"state": S.FAIL},
        {"lr": 0.7, "state": S.RUNNING},
        {"state": S.WAITING},
    ]
    study(made, trials=trials)
    result = Portfolio.from_studies(given)
    history = result.histories[0]
    assert history.raw[:, 0].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    C, F, P = State.COMPLETE, State.FAILED, State.PRUNED
    assert history.states.tolist() == [C, F, P, P, F, F]
    np.testing.assert_array_equal(history.values, [1.0, np.nan, 0.3, 0.1, np.nan, np.nan])
    assert history.fidelity.tolist() == [1.0, 1.0, 0.25, 0.75, 1.0, 1.0]
    curves = [t.curve for t in history]
    assert curves == [(0.2, 0.6, 0.8, 1.0), (), (0.3,), (0.1,), (), (0.5,)]
    (told,) = result.provenance["studies"]
    assert told["skipped"] == {"RUNNING": 1, "WAITING": 1, "FAIL: parameter 'lr' is missing": 1}
    assert told["not_finite"] == 1


@pytest.mark.filterwarnings("ignore:The value nan")
def test_nan_is_a_failure() -> None:
    made = optuna.create_study(study_name="s", direction="maximize")
    for value in (1.0, math.nan):
        trial = made.ask({"lr": LR})
        trial.report(value, 0)
        made.tell(trial, value)
    result = Portfolio.from_studies(made)
    assert result.histories[0].states.tolist() == [State.COMPLETE, State.FAILED]


@pytest.mark.parametrize(
    ("steps", "reached", "share"),
    [
        (range(10), [0, 1], 0.2),
        (range(1, 11), [1, 2], 0.2),
        (range(10, 101, 10), [10, 20], 0.2),
        ([1, 2, 4, 8], [1, 2, 4], 0.5),
        (None, [0, 1], 1.0),
    ],
)
def test_fidelity_is_the_share_of_steps(steps: Any, reached: list[int], share: float) -> None:
    whole = {"lr": 0.1, "value": 1.0, **({"curve": dict.fromkeys(steps, 0.5)} if steps else {})}
    pruned = {"lr": 0.2, "state": TrialState.PRUNED, "curve": dict.fromkeys(reached, 0.5)}
    history = Portfolio.from_studies(study(trials=[whole, pruned])).histories[0]
    assert history.fidelity.tolist() == [1.0, share]


@pytest.mark.parametrize("kind", KINDS)
def test_several_objectives_become_several_tasks(kind: str, tmp_path: Path) -> None:
    made, given = storage(kind, tmp_path)
    trials: list[dict[str, Any]] = [
        {"lr": 0.1, "values": [1.0, 5.0]},
        {"lr": 0.2, "values": [2.0, math.inf]},
        {"lr": 0.3, "state": TrialState.FAIL},
    ]
    study(made, trials=trials, directions=["maximize", "minimize"])
    first, second = Portfolio.from_studies(given, metric="m").histories
    assert [first.task.name, second.task.name] == ["s/0", "s/1"]
    assert [first.task.metric, second.task.metric] == ["m/0", "m/1"]
    assert first.task.family == second.task.family == "s"
    assert [first.task.direction, second.task.direction] == ["maximize", "minimize"]
    np.testing.assert_array_equal(first.values, [1.0, 2.0, np.nan])
    np.testing.assert_array_equal(second.values, [5.0, np.nan, np.nan])
    assert second.states.tolist() == [State.COMPLETE, State.FAILED, State.FAILED]


# Spaces ------------------------------------------------------------------------------------------


def infer(rows: Sequence[Mapping[str, Any]], **distributions: BaseDistribution) -> Portfolio:
    made = study(
        trials=[{"value": float(i), **row} for i, row in enumerate(rows)],
        distributions=distributions,
    )
    return Portfolio.from_studies(made)


def test_nested_conditions_and_counts_are_found() -> None:
    model, depth = CategoricalDistribution(["svm", "net", "none"]), IntDistribution(1, 4)
    units = IntDistribution(1, 64)
    rows: list[dict[str, Any]] = [
        {"model": "svm", "kernel": "linear"},
        {"model": "svm", "kernel": "rbf", "gamma": 0.5},
        {"model": "net", "layers": 1, "units_0": 4},
        {"model": "net", "layers": 3, "units_0": 4, "units_1": 8},
        {"model": "net", "layers": 2, "units_0": 4, "units_1": 9},
        {"model": "none"},
    ]
    result = infer(rows, model=model, layers=depth, units_0=units, units_1=units)
    assert result.space.conditions == {
        "kernel": ("model", ("svm",)),
        "gamma": ("kernel", ("rbf",)),
        "layers": ("model", ("net",)),
        "units_0": ("model", ("net",)),
        "units_1": ("layers", (2, 3, 4)),
    }
    configs = [{k: v for k, v in row.items() if k != "value"} for row in rows]
    assert [t.config for t in result.histories[0]] == configs


def test_what_nothing_explains_is_left_out_and_reported() -> None:
    rows = [{"kernel": "rbf", "lr": 0.1}, {"kernel": "rbf", "lr": 0.1, "gamma": 0.5}]
    result = infer(rows)
    assert result.space.names == ("kernel", "lr")
    assert result.provenance["studies"][0]["left_out"] == ["gamma"]
    assert len(result.histories[0]) == 2


def test_a_failed_trial_may_lack_what_it_had_not_asked_for_yet() -> None:
    rows: list[dict[str, Any]] = [
        {"kernel": "linear", "lr": 0.1},
        {"kernel": "rbf", "lr": 0.1, "gamma": 0.5},
        {"kernel": "rbf", "state": TrialState.FAIL, "value": None},
        {"kernel": "linear", "lr": 0.1, "state": TrialState.FAIL, "value": None},
    ]
    result = infer(rows)
    assert result.space.conditions == {"gamma": ("kernel", ("rbf",))}
    assert result.provenance["studies"][0]["skipped"] == {"FAIL: parameter 'lr' is missing": 1}
    assert len(result.histories[0]) == 3


def test_ranges_that_move_inside_a_study_are_joined() -> None:
    made = optuna.create_study(study_name="s")
    for i in range(1, 4):
        trial = made.ask()
        value = trial.suggest_int("n", i, 2 * i) + trial.suggest_float("x", 0, i, step=0.5)
        made.tell(trial, value)
    space = Portfolio.from_studies(made).space
    assert space.distributions == {
        "n": IntDistribution(1, 6),
        "x": FloatDistribution(0, 3, step=0.5),
    }


def test_alike_studies_share_the_widest_ranges() -> None:
    wide = {"lr": FloatDistribution(1e-6, 0.1, log=True), "kernel": KERNEL, "gamma": GAMMA}
    turned = {**wide, "kernel": CategoricalDistribution(["poly", "rbf", "linear"])}
    first = [{"lr": 1.0, "kernel": "rbf", "gamma": 0.5}, {"lr": 1.0, "kernel": "linear"}]
    # It has seen no linear kernel: alone, it would take gamma as always active.
    second = [{"kernel": "rbf", "gamma": 0.5, "lr": 1e-5}]
    third = [{"kernel": "poly", "lr": 1e-6}, {"kernel": "rbf", "gamma": 0.1, "lr": 1e-6}]
    made = [
        study(name="a", trials=[{"value": 1.0, **r} for r in first]),
        study(name="b", trials=[{"value": 1.0, **r} for r in second], distributions=wide),
        study(name="c", trials=[{"value": 1.0, **r} for r in third], distributions=turned),
    ]
    result = Portfolio.from_studies(made)
    assert result.space.distributions["lr"] == FloatDistribution(1e-6, 1.0, log=True)
    assert result.space.conditions == {"gamma": ("kernel", ("rbf",))}
    for history, rows in zip(result.histories, (first, second, third), strict=True):
        assert [t.config for t in history] == rows


def test_studies_that_contradict_one_another_stay_apart() -> None:
    always = [{"kernel": k, "gamma": 0.5, "value": 1.0} for k in ("linear", "rbf")]
    only = [{"kernel": "linear", "value": 1.0}, {"kernel": "rbf", "gamma": 0.5, "value": 1.0}]
    made = [study(name=n, trials=t) for n, t in (("a", always), ("b", only), ("c", only))]
    result = Portfolio.from_studies(made)
    assert [len(s.conditions) for s in result.spaces] == [0, 1]
    assert [t.space for t in result.tasks[1:]] == [result.spaces[1]] * 2


def test_other_scales_are_other_spaces() -> None:
    linear = {"lr": FloatDistribution(1e-4, 1.0)}
    made = [
        study(name="a", trials=simple()),
        study(name="b", trials=simple(), distributions=linear),
    ]
    assert len(Portfolio.from_studies(made).spaces) == 2


def test_a_large_integer_is_no_count() -> None:
    rows: list[dict[str, Any]] = [{"n": 1}, {"n": 10**9, "lr": 0.5}]
    assert infer(rows, n=IntDistribution(1, 10**9)).space.names == ("n",)


@pytest.mark.filterwarnings("ignore:The distribution is specified")
def test_ranges_are_joined_on_their_grids() -> None:
    old = inferring.union("x", [IntDistribution(0, 4, step=2), IntDistribution(1, 5, step=2)])
    assert old == IntDistribution(0, 5)
    thirds = [FloatDistribution(0, 1 / 3, step=1 / 3), FloatDistribution(0, 5 / 3, step=1 / 3)]
    joined = inferring.union("x", thirds)
    assert isinstance(joined, FloatDistribution)
    assert joined.step == 1 / 3
    assert joined.high == thirds[1].high


def test_studies_are_adapted_to_a_given_space() -> None:
    space = SearchSpace(
        {"lr": FloatDistribution(0.01, 0.25), "kernel": KERNEL, "gamma": GAMMA},
        conditions={"gamma": ("kernel", ["rbf"])},
    )
    rows: list[dict[str, Any]] = [
        {"lr": 0.1, "kernel": "linear"},
        {"lr": 0.5, "kernel": "linear"},
        {"lr": 0.1, "kernel": "rbf"},
        {"lr": 0.1, "kernel": "linear", "gamma": 0.5},
        {"lr": 0.1, "kernel": "other"},
        {"lr": 0.1, "kernel": "linear", "extra": 1},
    ]
    made = study(
        trials=[{"value": 1.0, **r} for r in rows],
        distributions={
            "kernel": CategoricalDistribution(["linear", "rbf", "other"]),
            "extra": IntDistribution(0, 1),
        },
    )
    result = Portfolio.from_studies(made, space=space)
    assert result.space == space
    assert [t.config for t in result.histories[0]] == [
        rows[0],
        {"lr": 0.25, "kernel": "linear"},
        {"lr": 0.1, "kernel": "rbf", "gamma": 0.5},
        {"lr": 0.1, "kernel": "linear"},
        {"lr": 0.1, "kernel": "linear"},
    ]
    assert result.provenance["studies"][0]["skipped"] == {
        "COMPLETE: parameter 'kernel' is without the choice 'other'": 1
    }
    (report,) = result.provenance["adapted"]["spaces"]
    assert (report["trials"], report["kept"], report["tasks"]) == (6, 5, ["s"])
    kinds = {p["name"]: [c["kind"] for c in p["changes"]] for p in report["parameters"]}
    assert kinds == {
        "lr": ["rescaled", "clipped"],
        "kernel": ["dropped"],
        "gamma": ["dropped", "filled"],
        "extra": ["dropped"],
    }
    with pytest.raises(InputError, match="too different"):
        Portfolio.from_studies(made, space={"lr": FloatDistribution(5, 6)}, names="s")


def test_a_failed_trial_that_ended_early_is_not_filled_in() -> None:
    space = SearchSpace({"lr": FloatDistribution(0.01, 1.0), "n": IntDistribution(1, 9)})
    made = study(
        trials=[
            {"value": 1.0, "lr": 0.1, "n": 3},
            {"state": TrialState.FAIL, "lr": 0.2},
            {"value": 2.0, "lr": 0.3},
        ],
        distributions={"n": IntDistribution(1, 9)},
    )
    result = Portfolio.from_studies(made, space=space, defaults={"n": 4})
    assert [t.config for t in result.histories[0]] == [{"lr": 0.1, "n": 3}, {"lr": 0.3, "n": 4}]
    assert result.provenance["studies"][0]["skipped"] == {"FAIL: parameter 'n' is missing": 1}


def test_the_inner_learning_rate_is_named_at_import() -> None:
    lr = FloatDistribution(1e-4, 1.0, log=True)
    first = study(name="a", trials=[{"value": 1.0, "lr": 0.1}], distributions={"lr": lr})
    wide = FloatDistribution(1e-5, 1.0, log=True)
    second = study(name="b", trials=[{"value": 1.0, "lr": 0.2}], distributions={"lr": wide})
    result = Portfolio.from_studies([first, second], inner_lr="lr")
    assert (result.space.inner_lr, result.space.distributions["lr"].low) == ("lr", 1e-5)  # type: ignore[attr-defined]
    given = Portfolio.from_studies(first, space={"lr": lr}, inner_lr="lr")
    assert given.space.inner_lr == "lr"
    with pytest.raises(InputError, match="no study tunes"):
        Portfolio.from_studies(first, inner_lr="rate")
    with pytest.raises(InputError, match="without a space"):
        Portfolio.from_studies(first, renamed={"lr": "rate"})
    with pytest.raises(SpaceError, match="no old space has it"):
        Portfolio.from_studies(first, space={"lr": lr}, renamed={"rate": "lr"})


# Errors ------------------------------------------------------------------------------------------


def test_a_study_without_complete_trials() -> None:
    memory = InMemoryStorage()
    study(memory, "empty", trials=[])
    study(memory, "running", trials=[{"lr": 0.1, "state": TrialState.RUNNING}])
    for given in (optuna.load_study(study_name="running", storage=memory), memory):
        with pytest.raises(InputError, match="no COMPLETE trial"):
            Portfolio.from_studies(given)
    study(memory, "good", trials=simple())
    result = Portfolio.from_studies(memory)
    assert [t.name for t in result.tasks] == ["good"]
    assert [s["study"] for s in result.provenance["skipped_studies"]] == ["empty", "running"]
    assert "(1 RUNNING)" in result.provenance["skipped_studies"][1]["reason"]
    with pytest.raises(InputError, match="'empty' has no COMPLETE trial"):
        Portfolio.from_studies(memory, names=["empty", "good"])


def test_mixed_directions_are_refused() -> None:
    made = [study(name=d, trials=simple(), direction=d) for d in ("maximize", "minimize")]
    with pytest.raises(PortfolioError, match="mixed directions"):
        Portfolio.from_studies(made, metric="acc")


def test_studies_that_minimise_and_maximise_are_of_two_metrics_where_nobody_named_one() -> None:
    made = [study(name=d, trials=simple(), direction=d) for d in ("maximize", "minimize")]
    found = Portfolio.from_studies(made)
    assert [(t.name, t.metric) for t in found.tasks] == [
        ("maximize", "value (maximize)"),
        ("minimize", "value"),
    ]
    assert len(found.spaces) == 1
    alone = Portfolio.from_studies(made[:1])
    assert [t.metric for t in alone.tasks] == ["value"]
    searched = create_study("minimize", prior=made, space=found.spaces[0])
    assert "starts from 2 prior tasks" in searched.user_attrs["autometa:start"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "neither a sqlite database nor a journal"),
        (b"not a database", "neither a sqlite database nor a journal"),
        (b'{"lr": {"0": 0.1}, "value": {"0": 1.0}}', "neither a sqlite database nor a journal"),
        (b'{"lr": 0.1}\n{"lr": 0.2}\n', "neither a sqlite database nor a journal"),
        (b"SQLite format 3\0" + b"\x01" * 2000, "damaged"),
    ],
)
def test_files_that_are_no_storage(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(content)
    for given in (tmp_path / "x.db", f"sqlite:///{tmp_path / 'x.db'}"):
        with pytest.raises(StoreError, match=message):
            Portfolio.from_studies(given)
    assert (tmp_path / "x.db").read_bytes() == content


def test_a_damaged_page_is_an_error(tmp_path: Path) -> None:
    study(storage("sqlite", tmp_path)[0], trials=simple(200))
    path = tmp_path / "studies.db"
    content = bytearray(path.read_bytes())
    content[8192:] = b"\x5a" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged: restore it"):
        Portfolio.from_studies(path)


def _full(how: str) -> OSError | sqlite3.OperationalError:
    if how == "system":
        return OSError(errno.ENOSPC, "No space left on device")
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorname = "SQLITE_FULL"
    return error


@pytest.mark.parametrize("how", ["system", "sqlite"])
def test_a_copy_that_finds_no_space_is_no_damage(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study(storage("sqlite", tmp_path)[0], trials=simple(2))

    def full(*_: object) -> None:
        raise _full(how)

    monkeypatch.setattr(sources, "_backup", full)
    with pytest.raises(StoreError, match=r"see that there is space, or set TMPDIR"):
        Portfolio.from_studies(tmp_path / "studies.db")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_no_storage(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="no ordinary file"):
        Portfolio.from_studies(tmp_path / "pipe")


def test_a_database_of_something_else(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as database:
        database.execute("CREATE TABLE t (x)")
    database.close()
    before = digest(tmp_path)
    with pytest.raises(StoreError, match="no such table"):
        Portfolio.from_studies(tmp_path / "x.db")
    assert digest(tmp_path) == before


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("nosuch://me:secret@host/db", StoreError),
        ("postgresql://me:se@cret/x@localhost:1/db", StoreError),
        ("redis://:secret@host", InputError),
        ("sqlite://", InputError),
        ("sqlite:///:memory:", InputError),
        ("nothing.db", StoreError),
        (".", StoreError),
        (5, InputError),
        ([5], InputError),
        ([], InputError),
        (InMemoryStorage(), InputError),
    ],
)
def test_bad_sources(given: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        Portfolio.from_studies(given)
    assert "cret" not in str(caught.value)
    assert caught.value.__cause__ is None or "cret" not in str(caught.value.__cause__)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match=r"no study is named 'x\*'. allowed: 's'"):
        Portfolio.from_studies(study(trials=simple()), names=["s", "x*"])


def test_passwords_are_hidden() -> None:
    told = without_passwords("at mysql://me:p@ss:w/rd@host/db?password=again&ssl=1 (x)")
    assert told == "at mysql://me:***@host/db?password=***&ssl=1 (x)"
    assert without_passwords("sqlite:////a:b@c.db") == "sqlite:////a:***@c.db"  # to be sure
    assert without_passwords("sqlite:////home/me/c.db") == "sqlite:////home/me/c.db"


def test_times_are_durations() -> None:
    made = optuna.create_study(study_name="s")
    trial = create_trial(value=1.0, params={"lr": 0.1}, distributions={"lr": LR})
    trial.datetime_start, trial.datetime_complete = datetime(2026, 1, 1), datetime(2026, 1, 2)
    made.add_trial(trial)
    result = Portfolio.from_studies(made)
    assert result.histories[0].seconds.tolist() == [86400.0]
    assert result.tasks[0].info["started"] == "2026-01-01T00:00:00"
