"""Runs of experiment trackers and HPO-B files: what comes in, what is counted, what is refused."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.cli import main
from autometa.errors import AutometaError, InputError, RecordError, StoreError
from autometa.portfolio import Portfolio
from autometa.portfolio.importers import hpob
from autometa.portfolio.importers import tracker_values as cells
from autometa.portfolio.importers.inferring import infer
from autometa.portfolio.importers.ranges import distribution_of
from autometa.task import State

# One row a run: (task, status, lr, depth, kernel, gamma, accuracy)
RUNS = [
    ("a", "FINISHED", 0.001, 1, "linear", None, 0.5),
    ("a", "FINISHED", 0.1, 3, "rbf", 2.5, 0.9),
    ("a", "FAILED", 0.5, 2, "linear", None, None),
    ("a", "RUNNING", 0.5, 2, "linear", None, 0.1),
    ("b", "FINISHED", 0.2, 9, "rbf", 0.5, 0.8),
    ("b", "FINISHED", 0.3, 4, "linear", None, math.nan),
    ("b", "KILLED", 0.4, 5, "rbf", 1.5, 0.7),
]
PARAMS = ("lr", "depth", "kernel", "gamma")
STATES = {"FINISHED": "finished", "FAILED": "failed", "RUNNING": "running", "KILLED": "killed"}


def table(path: Path, rows: list[dict[str, Any]]) -> Path:
    names = list(dict.fromkeys(n for r in rows for n in r))
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        writer.writerows(rows)
    return path


def document(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def params(run: tuple[Any, ...]) -> dict[str, Any]:
    return {n: v for n, v in zip(PARAMS, run[2:6], strict=True) if v is not None}


def mlflow_csv(folder: Path) -> Path:
    return table(
        folder / "runs.csv",
        [
            {
                "run_id": f"r{i}",
                "experiment_id": "7",
                "status": run[1],
                "start_time": f"2025-03-0{i + 1} 10:00:00+00:00",
                "end_time": f"2025-03-0{i + 1} 10:00:30+00:00",
                **{f"params.{k}": v for k, v in params(run).items()},
                "metrics.acc": run[6],
                "tags.dataset": run[0],
            }
            for i, run in enumerate(RUNS)
        ],
    )


def mlflow_json(folder: Path, *, pairs: bool) -> Path:
    def shape(values: dict[str, Any]) -> Any:
        return [{"key": k, "value": v} for k, v in values.items()] if pairs else values

    runs = [
        {
            "info": {
                "run_id": f"r{i}",
                "experiment_id": "7",
                "status": run[1],
                "start_time": 1_740_000_000_000 + 60_000 * i,
                "end_time": 1_740_000_030_000 + 60_000 * i,
            },
            "data": {
                "params": shape({k: str(v) for k, v in params(run).items()}),
                "metrics": shape({} if run[6] is None else {"acc": run[6]}),
                "tags": shape({"dataset": run[0]}),
            },
        }
        for i, run in enumerate(RUNS)
    ]
    return document(folder / "runs.json", {"runs": runs} if pairs else runs)


def wandb_csv(folder: Path) -> Path:
    return table(
        folder / "export.csv",
        [
            {
                "Name": f"sweep-{i}",
                "State": STATES[run[1]],
                "Created": f"2025-03-0{i + 1}T10:00:00.000Z",
                "Runtime": 30,
                "dataset": run[0],
                **params(run),
                "acc": run[6],
            }
            for i, run in enumerate(RUNS)
        ],
    )


def wandb_json(folder: Path) -> Path:
    runs = []
    for i, run in enumerate(RUNS):
        given = params(run)
        runs.append(
            {
                "name": f"sweep-{i}",
                "state": STATES[run[1]],
                "created_at": f"2025-03-0{i + 1}T10:00:00Z",
                "config": {
                    "dataset": run[0],
                    "_wandb": {"value": {"cli": "0.19"}},
                    "lr": {"value": given.pop("lr"), "desc": None},
                    **given,
                },
                "summary": {"_runtime": 30, **({} if run[6] is None else {"acc": run[6]})},
            }
        )
    return document(folder / "export.json", runs)


FILES: dict[str, Callable[[Path], Portfolio]] = {
    "mlflow csv": lambda d: Portfolio.from_mlflow(
        mlflow_csv(d), metric="acc", direction="maximize", task="tags.dataset"
    ),
    "mlflow json": lambda d: Portfolio.from_mlflow(
        mlflow_json(d, pairs=False), metric="metrics.acc", direction="maximize", task="tags.dataset"
    ),
    "mlflow rest": lambda d: Portfolio.from_mlflow(
        mlflow_json(d, pairs=True), metric="acc", direction="maximize", task="tags.dataset"
    ),
    "wandb csv": lambda d: Portfolio.from_wandb(
        wandb_csv(d), metric="acc", direction="maximize", task="dataset", params=PARAMS
    ),
    "wandb json": lambda d: Portfolio.from_wandb(
        wandb_json(d), metric="acc", direction="maximize", task="dataset"
    ),
}


@pytest.mark.parametrize("layout", FILES)
def test_every_layout_brings_the_same_trials(layout: str, tmp_path: Path) -> None:
    result = FILES[layout](tmp_path)
    assert [t.name for t in result.tasks] == ["a", "b"]
    space = result.space
    assert dict(space.distributions) == {
        "lr": FloatDistribution(0.001, 0.5, log=True),
        "depth": IntDistribution(1, 9),
        "kernel": CategoricalDistribution(["linear", "rbf"]),
        "gamma": FloatDistribution(0.5, 2.5),
    }
    assert space.conditions == {"gamma": ("kernel", ("rbf",))}
    a, b = (list(h) for h in result.histories)
    assert [(t.state, t.value) for t in a] == [
        (State.COMPLETE, 0.5),
        (State.COMPLETE, 0.9),
        (State.FAILED, None),
    ]
    assert [(t.state, t.value) for t in b] == [
        (State.COMPLETE, 0.8),
        (State.FAILED, None),
        (State.FAILED, None),
    ]
    assert a[1].config == {"lr": 0.1, "depth": 3, "kernel": "rbf", "gamma": 2.5}
    assert [t.seconds for t in a] == [30.0, 30.0, 30.0]
    studies = result.provenance["studies"]
    assert [s["skipped"] for s in studies] == [{"RUNNING": 1}, {}]
    assert [s["not_finite"] for s in studies] == [0, 1]


def test_a_given_space_is_kept_and_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    space = {"lr": FloatDistribution(1e-2, 1.0, log=True), "depth": IntDistribution(1, 20)}
    path = table(
        tmp_path / "r.csv",
        [
            {"status": "FINISHED", "experiment_id": 1, "params.lr": lr, "params.depth": d}
            | {"metrics.loss": 1.0}
            for lr, d in (("0.5", "3"), ("0.001", "4"), ("fast", "4"), ("0.1", "2.5"))
        ],
    )
    result = Portfolio.from_mlflow(path, metric="loss", direction="minimize", space=space)
    assert dict(result.space.distributions) == space
    assert [t.config for t in result.histories[0]] == [{"lr": 0.5, "depth": 3}]
    assert sum(result.provenance["studies"][0]["skipped"].values()) == 3


def test_what_is_no_parameter_is_left_out_and_said(tmp_path: Path) -> None:
    runs = [
        {
            "state": "finished",
            "config": {"x": i / 4, "flag": i % 2 == 0, "host": "h", "path": f"/runs/{i}"},
            "summary": {"loss": float(i)},
        }
        for i in range(70)
    ]
    path = document(tmp_path / "mine.json", runs)
    result = Portfolio.from_wandb(path, metric="loss", direction="minimize")
    assert [t.name for t in result.tasks] == ["mine"]
    assert set(result.space.names) == {"x", "flag"}
    assert result.space.distributions["flag"] == CategoricalDistribution([False, True])
    assert [n.split()[1] for n in result.provenance["notes"]] == ["'host'", "'path'"]


def wrong(name: str, content: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_text(content, encoding="utf-8")
        return folder / name

    return make


@pytest.mark.parametrize(
    ("make", "given", "error", "message"),
    [
        (mlflow_csv, {"metric": "loss"}, InputError, "acc"),
        (mlflow_csv, {"task": "tags.team"}, InputError, "tags.team"),
        (mlflow_csv, {"direction": "up"}, RecordError, "'maximize' or 'minimize'"),
        (wandb_csv, {}, InputError, "no export of MLflow runs"),
        (wrong("r.json", "{"), {}, StoreError, "no JSON"),
        (wrong("r.json", "[" * 100_000), {}, StoreError, "no JSON"),
        (wrong("r.json", '{"runs": 3}'), {}, InputError, "no list of runs"),
        (wrong("r.json", "[]"), {}, InputError, "no export"),
        (wrong("r.csv", ""), {}, StoreError, "not readable"),
        (lambda d: d / "none.csv", {}, StoreError, "none.csv"),
        (
            wrong("r.csv", "status,params.a,metrics.acc,experiment_id\nFINISHED,1,,1\n"),
            {},
            InputError,
            "no run of r.csv has a value",
        ),
        (
            wrong("r.csv", "status,params.a,metrics.acc,experiment_id\nDONE,1,2,1\n"),
            {},
            InputError,
            "status 'DONE'",
        ),
        (
            wrong("r.csv", "status,params.a,metrics.acc,experiment_id\nFINISHED,1,2,1\n"),
            {},
            InputError,
            "differ in no parameter",
        ),
    ],
)
def test_bad_mlflow_files(
    make: Callable[[Path], Path],
    given: dict[str, Any],
    error: type[AutometaError],
    message: str,
    tmp_path: Path,
) -> None:
    with pytest.raises(error, match=message):
        Portfolio.from_mlflow(make(tmp_path), **{"metric": "acc", "direction": "maximize", **given})


@pytest.mark.parametrize(
    ("make", "given", "message"),
    [
        (wandb_csv, {}, "does not say which of its columns are parameters"),
        (wandb_csv, {"params": ["width"]}, "no run has 'width'"),
        (wandb_json, {"metric": "loss"}, "no run has 'loss'"),
        (mlflow_csv, {"params": ["lr"]}, "no export of W&B runs"),
        (wrong("r.json", '[{"state": "finished", "config": [1]}]'), {}, "type list"),
        (wrong("r.json", '[{"state": "odd", "config": {"a": 1}, "acc": 1}]'), {}, "'odd'"),
    ],
)
def test_bad_wandb_files(
    make: Callable[[Path], Path], given: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        Portfolio.from_wandb(make(tmp_path), **{"metric": "acc", "direction": "maximize", **given})


def test_files_beyond_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "MOST_BYTES", 100)
    for layout in ("mlflow csv", "wandb json"):
        with pytest.raises(StoreError, match="up to 100"):
            FILES[layout](tmp_path)


# HPO-B -------------------------------------------------------------------------------------------

HPOB = {
    "4796": {
        "3549": {"X": [[0.0, 0.5], [1.0, 0.25]], "y": [[0.5], [0.75]]},
        "3918": {"X": [[0.1, 0.2]], "y": [[0.9]]},
    },
    "5527": {"3549": {"X": [[0.5]], "y": [[0.25]]}},
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("chunk", [1, 7, 2**20])
def test_hpob_comes_space_by_space(
    indent: int | None, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hpob, "_CHUNK", chunk)
    path = tmp_path / "meta-train-dataset.json"
    path.write_text(json.dumps(HPOB, indent=indent), encoding="utf-8")
    result = Portfolio.from_hpob(path)
    assert [(t.space.name, t.name) for t in result.tasks] == [
        ("hpob-4796", "3549"),
        ("hpob-4796", "3918"),
        ("hpob-5527", "3549"),
    ]
    assert result.spaces[0].names == ("x0", "x1")
    np.testing.assert_array_equal(result.histories[0].raw, [[0.0, 0.5], [1.0, 0.25]])
    np.testing.assert_array_equal(result.histories[0].scores, [0.5, 0.75])
    only = Portfolio.from_hpob(path, spaces=["5527"])
    assert [t.space.name for t in only.tasks] == ["hpob-5527"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", InputError),
        ("{}", StoreError),
        ("[]", StoreError),
        (json.dumps(HPOB)[:-2], StoreError),
        (json.dumps(HPOB) + "x", StoreError),
        (json.dumps(HPOB) + json.dumps(HPOB), StoreError),
        (json.dumps({"s": {"t": {"X": [[2.0]], "y": [[1.0]]}}}), InputError),
        (json.dumps({"s": {"t": {"X": [[0.5]], "y": [[1.0, 2.0]]}}}), InputError),
        (json.dumps({"s": {"t": {"X": [[0.5], [0.1, 0.2]], "y": [[1.0]]}}}), InputError),
        (json.dumps({"s": {"t": {"X": [], "y": []}}}), InputError),
        (json.dumps({"s": {"t": {"Z": 1}}}), InputError),
        (json.dumps({"s": {"t": {"X": [["a"]], "y": [[1.0]]}}}), InputError),
        (json.dumps({"s": {"t": {"u": {"X": [[0.5]], "y": [[1.0]]}}}}), StoreError),
    ],
)
def test_bad_hpob_files(text: str, error: type[AutometaError], tmp_path: Path) -> None:
    path = tmp_path / "h.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error):
        Portfolio.from_hpob(path)


def test_hpob_bounds_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = document(tmp_path / "h.json", HPOB)
    monkeypatch.setattr(hpob, "MOST_PIECE", 20)
    monkeypatch.setattr(hpob, "_CHUNK", 8)
    with pytest.raises(StoreError, match="characters"):
        Portfolio.from_hpob(path)
    monkeypatch.undo()
    with pytest.raises(InputError, match="no space '1'"):
        Portfolio.from_hpob(path, spaces=["1"])


# Command line ------------------------------------------------------------------------------------


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["portfolio", "import", *(str(w) for w in words)])
    return int(ended.value.code or 0)


def test_the_command_takes_every_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    into = ["--into", tmp_path / "p"]
    named = ["--value", "acc", "--direction", "maximize", *into]
    flow, wand = mlflow_csv(tmp_path), wandb_csv(tmp_path)
    blob = document(tmp_path / "h.json", HPOB)
    known = [w for p in PARAMS for w in ("--param", p)]
    assert run(flow, "--layout", "mlflow", "--task", "tags.dataset", *named) == 0
    assert run(wand, "--layout", "wandb", "--task", "dataset", *known, *named) == 0
    assert run(blob, "--layout", "hpob", "--only", "5527", *into) == 0
    names = {t.name for t in Portfolio.load(tmp_path / "p").tasks}
    assert names == {"a", "b", "3549"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--layout", "mlflow"], "--value"),
        (["--layout", "mlflow", "--value", "loss", "--direction", "maximize"], "acc"),
        (["--layout", "hpob", "--task", "x"], "--task"),
        (["--layout", "hpob"], "HPO-B"),
        (["--layout", "csv"], "--task"),
    ],
)
def test_bad_options_end_with_2_and_write_nothing(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = tmp_path / "p"
    assert run(mlflow_csv(tmp_path), *words, "--into", into) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert not into.exists()


# Data frames -------------------------------------------------------------------------------------


def test_a_frame_says_what_the_file_says_that_it_would_be(tmp_path: Path) -> None:
    """As of `mlflow.search_runs`, or of a W&B API loop: nobody need write it to a file first."""
    mlflow, wandb = mlflow_csv(tmp_path), wandb_csv(tmp_path)
    told: dict[str, Any] = {"metric": "acc", "direction": "maximize"}
    for read, path, more in (
        (Portfolio.from_mlflow, mlflow, {"task": "tags.dataset"}),
        (Portfolio.from_wandb, wandb, {"task": "dataset", "params": PARAMS}),
    ):
        there = read(path, **told, **more)
        here = read(pd.read_csv(path), **told, **more)
        assert [len(h) for h in here.histories] == [len(h) for h in there.histories]
        assert here.spaces == there.spaces
        for a, b in zip(here.histories, there.histories, strict=True):
            np.testing.assert_array_equal(a.values, b.values)
            np.testing.assert_array_equal(a.raw, b.raw)
    config = [{"lr": 0.1 * (i + 1), "kind": "ab"[i % 2]} for i in range(4)]
    trees = pd.DataFrame({"config": config, "summary": [{"acc": 0.5}] * 4, "name": list("wxyz")})
    assert len(Portfolio.from_wandb(trees, **told).histories[0]) == 4


@pytest.mark.parametrize("given", [[{"params.lr": 1}], None, 3])
@pytest.mark.parametrize("read", [Portfolio.from_mlflow, Portfolio.from_wandb])
def test_what_is_neither_a_file_nor_a_frame_is_refused(read: Any, given: Any) -> None:
    with pytest.raises(InputError, match=r"runs of type .* or a data frame"):
        read(given, metric="acc", direction="maximize")


@pytest.mark.parametrize("odd", ["auto", "inf", "1" + "0" * 400, "[0.1, 0.2]", "", "0,01"])
def test_one_odd_cell_does_not_make_a_rate_a_category(odd: str) -> None:
    rates = [10 ** -(1 + i / 7) for i in range(20)]
    frame = pd.DataFrame({"params.lr": [*map(str, rates), odd], "params.kind": [*"ab" * 10, "a"]})
    same: dict[str, Any] = {"metrics.acc": 0.5, "status": "FINISHED", "experiment_id": 1}
    frame = frame.assign(**same)
    found = Portfolio.from_mlflow(frame, metric="acc", direction="maximize")
    (history,), (space,) = found.histories, found.spaces
    assert isinstance(space.distributions["lr"], FloatDistribution)
    assert space.distributions["lr"].log
    assert len(history) == 20
    assert sum(found.provenance["studies"][0]["skipped"].values()) == 1


@pytest.mark.parametrize(
    "cells",
    [
        ["sqrt", "log2", *["0.5", "1.0"] * 6],  # numbers that come again and again
        ["auto", "0.1", "0.2", "0.3"],  # too few to say
        ["scale"] * 4 + [str(i / 7) for i in range(8)],  # too many of the other
    ],
)
def test_numbers_among_choices_are_choices(cells: list[str]) -> None:
    assert isinstance(distribution_of("x", cells), CategoricalDistribution)


def test_whole_numbers_stay_whole_beside_an_odd_cell() -> None:
    cells = [*map(str, (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)), "auto"]
    assert distribution_of("x", cells) == IntDistribution(1, 89, log=True)


def _with_names(count: int, twice: int = 0) -> list[dict[str, Any]]:
    """Runs with a path each, the last ones with one for two, and a gap here and there."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(count):
        place = i if i < count - 2 * twice else count - 2 * twice + (i - count) // 2
        gamma = rng.uniform() if rng.random() < 0.5 else ""
        rows.append(
            {
                "status": "FINISHED",
                "experiment_id": "1",
                "params.folder": f"/runs/{place}",
                "params.lr": 10 ** rng.uniform(-4, -1),
                "params.comma": f"0,{i:03}",
                "params.gamma": gamma,
                "metrics.acc": rng.uniform(),
            }
        )
    return rows


@pytest.mark.parametrize(("count", "twice"), [(20, 0), (20, 1), (40, 2)])
def test_a_name_of_each_run_switches_nothing(count: int, twice: int, tmp_path: Path) -> None:
    path = table(tmp_path / "runs.csv", _with_names(count, twice))
    found = Portfolio.from_mlflow(path, metric="acc", direction="maximize")
    assert not any(s.conditions for s in found.spaces)
    assert sum(map(len, found.histories)) == count
    assert "lr" in found.space.names
    notes = found.provenance["notes"]
    assert "parameter 'comma' left out: another text in each run, such as '0,000'" in notes
    assert ("folder" in found.space.names) is bool(twice)


def test_a_category_of_many_values_that_come_again_switches() -> None:
    names = [f"net{i}" for i in range(12)]
    distributions = {"net": CategoricalDistribution(names), "heads": IntDistribution(1, 4)}
    codes = np.array([*range(12), *range(6)], dtype=np.float64)
    heads = np.where(codes % 2 == 0, 2.0, np.nan)
    conditions, left_out = infer(distributions, np.stack([codes, heads], axis=1))
    assert conditions == {"heads": ("net", names[::2])}
    assert left_out == []
    alone = np.stack([codes, heads], axis=1)[:12]
    assert infer(distributions, alone) == ({}, ["heads"])


@pytest.mark.parametrize("text", ["93 %", "0,93", "1,234.5", "-,5", "+3e"])
def test_a_number_in_another_notation_is_no_failure(text: str, tmp_path: Path) -> None:
    """Its run would have counted as failed, and a search would have kept away from its config."""
    odd = json.dumps(text)
    (tmp_path / "w.csv").write_text(
        "Name,State,lr,acc\na,finished,0.1,0.9\nb,finished,0.2," + odd + "\n"
    )
    (tmp_path / "m.csv").write_text(
        "experiment_id,status,params.lr,metrics.acc\n1,FINISHED,0.1,0.9\n1,FINISHED,0.2," + odd
    )
    with pytest.raises(InputError, match=f"'acc' is {re.escape(repr(text))}"):
        Portfolio.from_wandb(tmp_path / "w.csv", metric="acc", direction="maximize", params=["lr"])
    with pytest.raises(InputError, match=f"acc' is {re.escape(repr(text))}"):
        Portfolio.from_mlflow(tmp_path / "m.csv", metric="acc", direction="maximize")


@pytest.mark.parametrize("text", ["diverged", "inf", "-Infinity", "NaN", "1e999", ""])
def test_a_run_without_a_finite_value_has_failed(text: str, tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text(
        f"Name,State,lr,acc\na,finished,0.1,0.9\nb,finished,0.2,{text}\n"
    )
    found = Portfolio.from_wandb(
        tmp_path / "w.csv", metric="acc", direction="maximize", params=["lr"]
    )
    assert found.histories[0].states.tolist() == [State.COMPLETE, State.FAILED]
