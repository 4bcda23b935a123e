"""The comparison with other people's systems, on made tables and with made systems."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autometa.errors import InputError
from autometa_benchmarks.automl import protocol, running
from autometa_benchmarks.automl import systems as known
from autometa_benchmarks.automl.figure import draw
from autometa_benchmarks.automl.protocol import Job
from autometa_benchmarks.automl.summary import summarise
from autometa_benchmarks.automl.systems import OURS, System, interpreters
from tests.cli.test_doors import run as command

PROGRAM = f"""
import sys
sys.path.insert(0, {str(known.PROGRAMS)!r})
import numpy as np
from shared import main, version

def system(X, y, X_test, job):
    mode = job["options"]["mode"]
    if mode == "breaks":
        raise RuntimeError("no model today")
    assert "target" not in X_test.columns and len(X) == len(y)
    classes = job["classes"]
    if not classes:
        said = np.full(len(X_test), y.mean()) if mode == "dull" else X_test["a"].to_numpy()
        return said, None, {{"each": {{"mean": np.full(len(X_test), y.mean()).tolist()}}}}
    said = (X_test["a"] > 0).to_numpy().astype(int) * (mode == "good")
    each = {{"second": np.ones(len(X_test)).tolist()}}
    return said, np.eye(classes)[said], {{"each": each, "versions": version("numpy")}}

main(system)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for i, (name, kind) in enumerate([("one", "classification"), ("two", "regression")]):
        frame = pd.DataFrame({"a": rng.normal(size=450 + 9 * i), "b": 1.0})
        frame["c"] = pd.Categorical(["u", "v", None] * (len(frame) // 3))
        target = frame["a"] + 0.3 * rng.normal(size=len(frame))
        frame["target"] = np.where(target > 0, "yes", "no") if i == 0 else target
        frame.to_parquet(tmp_path / f"{name}.parquet")
        rows.append({"name": name, "family": f"f{i}", "kind": kind, "rows": len(frame)})
    rows.append({"name": "kin", "family": "f0", "kind": "classification", "rows": 401})
    rows.append({"name": "small", "family": "f3", "kind": "classification", "rows": 99})
    pd.DataFrame(rows).to_csv(tmp_path / "index.csv", index=False)
    return tmp_path


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, System]:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    found = {
        name: System(name=name, program=str(program), needs=needs, options={"mode": mode})
        for name, mode, needs in (
            (OURS, "good", "numpy"),
            ("dull", "dull", "numpy"),
            ("broken", "breaks", "numpy"),
            ("absent", "good", "no_such_module"),
        )
    }
    for module in (known, running):
        monkeypatch.setattr(module, "SYSTEMS", found)
    return found


def test_tables_of_different_families_and_rows_apart(folder: Path) -> None:
    assert list(protocol.chosen_tables(folder, (), 9)["name"]) == ["two", "one"]
    assert list(protocol.chosen_tables(folder, ("kin",), 9)["name"]) == ["kin"]
    with pytest.raises(InputError, match="table 'three'"):
        protocol.chosen_tables(folder, ("three",), 9)
    job = Job(table="one", family="f0", kind="classification", seed=0, seconds=1.0, system="x")
    train, test, truth, classes = protocol.divided(folder, job)
    assert (len(train), len(test), classes) == (300, 150, 2)
    assert not set(train.index) & set(test.index)
    assert abs(truth.mean() - train["target"].mean()) < 0.02
    again = protocol.divided(folder, job)[1]
    assert again.equals(test)
    other = protocol.divided(
        folder, Job(**{**{f: getattr(job, f) for f in job.__slots__}, "seed": 1})
    )[1]
    assert not other.equals(test)


def test_systems_take_turns_on_each_table(folder: Path) -> None:
    tables = protocol.chosen_tables(folder, (), 9)
    found = list(protocol.jobs(tables, ("a", "b", "c"), 2, (1.0, 2.0)))
    assert len(found) == 2 * 2 * 2 * 3
    for i in range(0, len(found), 3):
        assert len({(j.table, j.seed, j.seconds) for j in found[i : i + 3]}) == 1
        assert {j.system for j in found[i : i + 3]} == {"a", "b", "c"}
    assert len({tuple(j.system for j in found[i : i + 3]) for i in range(0, len(found), 3)}) > 1


def test_cells_are_kept_and_what_is_missing_is_said(folder: Path, made: dict[str, System]) -> None:
    pythons = interpreters({}, list(made.values()))
    assert "no no_such_module" in str(pythons["absent"])
    with pytest.raises(InputError, match="environment 'other'"):
        interpreters({"other": folder}, list(made.values()))
    jobs = list(protocol.jobs(protocol.chosen_tables(folder, (), 9), tuple(made), 1, (1.0,)))
    journal = folder / "cells.jsonl"
    cells = running.run(jobs, pythons, folder, journal, pinned=False)
    by = {(c["table"], c["system"]): c for c in cells}
    assert by["one", OURS]["score"] > 0.8
    assert by["two", OURS]["score"] > 0.8
    assert by["one", "dull"]["score"] == 0.5
    assert "no model today" in by["one", "broken"]["error"]
    assert "missing" in by["one", "absent"]
    assert len(by["one", OURS]["load"]) == 2
    assert by["one", OURS]["about"]["versions"]["numpy"] == np.__version__
    with journal.open("a") as file:
        file.write('{"key": "torn')
    told: list[str] = []
    again = running.run(jobs, pythons, folder, journal, told=lambda job, cell: told.append(job.key))
    assert again == cells
    assert len(told) == len(jobs) == len(running.read(journal))

    found = summarise(cells)
    assert found["missing"].keys() == {"absent"}
    (at,) = found["times"]
    assert (at["places"], at["tables"]) == (2, 2)
    rows = {row["system"]: row for row in at["rows"]}
    assert rows[OURS]["rank"] == 1.0
    assert rows["broken"]["rank"] == 3.0
    assert rows["broken"]["failed"] == 2
    assert rows["dull"]["wins"] == {
        "won": 2,
        "tied": 0,
        "lost": 0,
        "share": 1.0,
        "low": 1.0,
        "high": 1.0,
    }
    assert at["behind_defaults"] == []
    assert draw(found, folder / "automl.svg").stat().st_size > 1000


def test_what_is_lost_to_defaults_comes_first() -> None:
    def cell(system: str, table: str, score: float | None, **more: Any) -> dict[str, Any]:
        own = {"key": "", "system": system, "table": table, "family": table, "seed": 0}
        return {**own, "asked": 30.0, "took": 30.0, "score": score, **more}

    cells = [
        *(cell(OURS, t, s) for t, s in (("a", 0.8), ("b", 0.7), ("c", 0.9))),
        *(cell("d", t, 0.6, each={"x": s, "y": 0.1}) for t, s in (("a", 0.85), ("b", 0.9))),
        cell("d", "c", 0.9, each={"x": 0.9}),
    ]
    (at,) = summarise(cells)["times"]
    assert [row["table"] for row in at["behind_defaults"]] == ["b", "a"]
    (other,) = (row for row in at["rows"] if row["system"] == "d")
    assert other["wins"]["tied"] == 1


def test_the_command(
    folder: Path, made: dict[str, System], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tables").symlink_to(folder)
    words = [
        "bench",
        "automl",
        "--into",
        str(tmp_path / "r.json"),
        "--data",
        str(tmp_path / "data"),
    ]
    words += ["--times", "1", "--seeds", "1", "--systems", f"{OURS},absent", "--no-pin"]
    code, out, err = command(capsys, *words)
    assert code == 0
    assert "1 s: 2 places of 2 tables" in out
    assert "absent is missing" in err
    assert json.loads((tmp_path / "r.json").read_text())["times"][0]["rows"][0]["rank"] == 1.0
    for wrong in (["--times", "soon"], ["--python", "flaml"], ["--systems", "luck"]):
        assert command(capsys, *words, *wrong)[0] == 2
