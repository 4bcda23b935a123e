from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa._version import __version__
from autometa.cli import main
from autometa.portfolio import Portfolio
from autometa.portfolio.store import shipped
from autometa.space import SearchSpace
from autometa.task import State

SPACE = SearchSpace(
    {
        "kernel": CategoricalDistribution(["linear", "rbf"]),
        "gamma": FloatDistribution(1e-3, 1e3, log=True),
        "weights": CategoricalDistribution([None, "balanced", True, 1]),
        "depth": IntDistribution(1, 9),
    },
    conditions={"gamma": ("kernel", ["rbf"])},
    name="svm",
)
CSV = """\
data,score,kernel,gamma,weights,depth,state
01,0.5,linear,,None,1,COMPLETE
01,0.75,rbf,1.0,balanced,2,COMPLETE
caf\u00e9,nan,rbf,2e-1,true,3,FAIL
caf\u00e9,0.25,linear,,1.0,4,COMPLETE
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "space.json").write_text(json.dumps(SPACE.to_json()))
    (tmp_path / "trials.csv").write_text(CSV, encoding="utf-8")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(w) for w in words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def import_words(files: Path, into: str = "p", **changes: object) -> list[object]:
    options = {
        "task": "data",
        "value": "score",
        "direction": "maximize",
        "space": files / "space.json",
        "into": files / into,
        "state": "state",
        **changes,
    }
    words: list[object] = ["portfolio", "import", files / "trials.csv"]
    for name, value in options.items():
        words += [f"--{name}", value]
    return words


def test_import_understands_csv(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, *import_words(files, licence="MIT", metric="acc"), "-f", "json")
    assert code == 0
    assert json.loads(out)["imported_trials"] == 4
    portfolio = Portfolio.load(files / "p")
    assert [t.name for t in portfolio.tasks] == ["01", "caf\u00e9"]
    first, second = (list(h) for h in portfolio.histories)
    assert first[0].config == {"kernel": "linear", "weights": None, "depth": 1}
    assert first[1].config == {"kernel": "rbf", "gamma": 1.0, "weights": "balanced", "depth": 2}
    assert [repr(t.config["weights"]) for t in second] == ["True", "1"]
    assert second[0].state == State.FAILED
    assert portfolio.licence == "MIT"
    assert portfolio.provenance == {"imported": "trials.csv", "autometa": __version__}


def test_import_twice_changes_nothing(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, *import_words(files))
    before = Portfolio.load(files / "p")
    code, _, _ = run(capsys, *import_words(files))
    assert code == 0
    assert not before.diff(Portfolio.load(files / "p"))


def test_import_of_parquet_is_the_same(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, *import_words(files))
    frame = pd.DataFrame(
        {
            "data": ["01", "01", "caf\u00e9", "caf\u00e9"],
            "score": [0.5, 0.75, np.nan, 0.25],
            "kernel": ["linear", "rbf", "rbf", "linear"],
            "gamma": [np.nan, 1.0, 0.2, np.nan],
            "weights": [None, "balanced", None, None],
            "depth": [1, 2, 3, 4],
            "state": ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE"],
        }
    )
    frame.to_parquet(files / "trials.parquet")
    words = import_words(files, into="q")
    words[2] = files / "trials.parquet"
    code, _, _ = run(capsys, *words)
    assert code == 0
    p, q = Portfolio.load(files / "p"), Portfolio.load(files / "q")
    assert p.histories[0].raw.tobytes() == q.histories[0].raw.tobytes()


def test_a_space_may_be_distributions_alone(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "space.json").write_text(
        json.dumps({"depth": {"name": "IntDistribution", "attributes": {"low": 1, "high": 9}}})
    )
    code, _, _ = run(capsys, *import_words(files))
    assert code == 0
    assert Portfolio.load(files / "p").space.names == ("depth",)


def test_list_and_inspect(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, *import_words(files))
    code, out, _ = run(capsys, "portfolio", "list", files / "p")
    assert code == 0
    assert "2 tasks, 4 trials" in out
    assert "caf\u00e9" in out
    _, out, _ = run(capsys, "portfolio", "list", files / "p", "-f", "json")
    tasks = json.loads(out)["tasks"]
    assert [(t["task"], t["trials"], t["best"]) for t in tasks] == [
        ("01", 2, 0.75),
        ("caf\u00e9", 2, 0.25),
    ]
    _, out, _ = run(capsys, "portfolio", "inspect", files / "p")
    assert "svm" in out
    assert "FAILED=1" in out
    _, out, _ = run(capsys, "portfolio", "inspect", files / "p", "--format", "json")
    (space,) = json.loads(out)["spaces"]
    assert space["states"] == {"COMPLETE": 3, "FAILED": 1, "PRUNED": 0}
    _, out, _ = run(capsys, "portfolio", "inspect", files / "p", "--task", "01")
    assert "Best trials" in out
    _, out, _ = run(capsys, "portfolio", "inspect", files / "p", "--task", "01", "-f", "json")
    (history,) = json.loads(out)["histories"]
    assert [t["value"] for t in history["best"]] == [0.75, 0.5]


def test_merge_and_diff(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, *import_words(files))
    (files / "trials.csv").write_text(CSV.replace("01,0.75", "01,0.7") + "new,1,linear,,1,9,FAIL\n")
    run(capsys, *import_words(files, into="q"))
    code, out, _ = run(capsys, "portfolio", "diff", files / "p", files / "q", "-f", "json")
    assert code == 0
    found = json.loads(out)
    assert found["added"] == [{"task": "new", "space": "svm"}]
    assert found["changed"][0]["trials_added"] == found["changed"][0]["trials_removed"] == 1
    _, out, _ = run(capsys, "portfolio", "diff", files / "p", files / "q")
    assert "2 differences" in out
    code, out, _ = run(
        capsys, "portfolio", "merge", files / "p", files / "q", "--into", files / "r", "-f", "json"
    )
    assert code == 0
    assert json.loads(out) == {"folder": str(files / "r"), "tasks": 3, "trials": 6}
    merged = Portfolio.load(files / "r")
    assert not merged.merge(Portfolio.load(files / "p")).diff(merged)


def test_the_embedded_portfolio_is_the_default(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(capsys, *import_words(files))
    monkeypatch.setattr(shipped, "FOLDER", files / "p")
    code, out, _ = run(capsys, "portfolio", "list")
    assert code == 0
    assert "2 tasks" in out
    monkeypatch.setattr(shipped, "FOLDER", files / "nothing")
    code, _, err = run(capsys, "portfolio", "list")
    assert code == 2
    assert err == "error: this build ships no portfolio. Name a folder.\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "dataset"}, "column 'dataset' is missing"),
        ({"direction": "up"}, "'maximize' or 'minimize'"),
        ({"space": "nothing.json"}, "holds no search space"),
        ({"value": "kernel"}, "'kernel' is 'linear' in row 0"),
        ({"fidelity": "gamma"}, "full budget"),
    ],
)
def test_bad_input_ends_with_2(
    files: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], message: str
) -> None:
    code, out, err = run(capsys, *import_words(files, **changes))
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert not (files / "p" / "manifest.json").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["list", "nothing"],
        ["inspect", "nothing"],
        ["diff", "nothing", "nothing"],
        ["merge", "nothing", "nothing", "--into", "r"],
        ["list", "--format", "xml"],
        ["unknown"],
    ],
)
def test_bad_folders_and_options_end_with_2(
    files: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
) -> None:
    monkeypatch.chdir(files)
    code, out, err = run(capsys, "portfolio", *words)
    assert code == 2
    assert out == ""
    assert err


@pytest.mark.parametrize("name", ["trials.xls", "trials.gz", "missing.csv", "text.parquet"])
def test_files_that_are_no_tables_are_refused(
    files: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (files / "text.parquet").write_text("no Parquet")
    words = import_words(files)
    words[2] = files / name
    code, _, err = run(capsys, *words)
    assert code == 2
    assert err.startswith("error: ")


def test_an_unknown_task_is_refused(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, *import_words(files))
    code, _, err = run(capsys, "portfolio", "inspect", files / "p", "--task", "x")
    assert code == 2
    assert "no task 'x'" in err


def test_ascii_terminals_get_ascii(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, *import_words(files))
    for words in (["portfolio", "list", str(files / "p")], ["portfolio", "--help"]):
        result = subprocess.run(
            [sys.executable, "-m", "autometa.cli", *words],
            env={"PYTHONIOENCODING": "ascii", "PYTHONPATH": ":".join(sys.path), "LC_ALL": "C"},
            capture_output=True,
            check=True,
        )
        assert result.stdout.decode("ascii")


def test_adapt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from autometa.testing.families import Bowls

    Bowls().portfolio(2, trials=5).save(tmp_path / "old")
    new = SearchSpace(
        {
            "lr": FloatDistribution(1e-4, 1.0, log=True),
            "depth": IntDistribution(1, 8),
            "optimiser": CategoricalDistribution(["ADAM", "momentum"]),
            "epochs": IntDistribution(1, 50),
        }
    )
    space = new.to_json()["distributions"]
    (tmp_path / "space.json").write_text(json.dumps(space))
    words = ["portfolio", "adapt", tmp_path / "old", "--space", tmp_path / "space.json"]
    words += ["--into", tmp_path / "new", "--renamed", "learning_rate=lr", "--default", "epochs=7"]
    words += ["--choice", "optimiser:sgd=momentum", "--report", tmp_path / "report.json"]
    with pytest.raises(SystemExit) as ended:
        main([str(w) for w in words])
    assert not ended.value.code
    shown = capsys.readouterr().out
    assert "'adam' -> 'ADAM', 'sgd' -> 'momentum'" in shown
    assert "with 7, as given" in shown
    assert json.loads((tmp_path / "report.json").read_text())["helps"]
    for report in ("space.json", "no/report.json"):  # what is read, and what cannot be written
        with pytest.raises(SystemExit) as ended:
            main([str(w) for w in [*words[:-1], tmp_path / report]])
        assert ended.value.code == 2
    assert json.loads((tmp_path / "space.json").read_text()) == space
    found = Portfolio.load(tmp_path / "new")
    assert [len(h) for h in found.histories] == [5, 5]
    assert {t.config["epochs"] for h in found.histories for t in h} == {7}
    (tmp_path / "space.json").write_text(json.dumps({"z": space["lr"]}))
    for wrong in ([], ["--renamed", "nonsense"], ["--outside", "fold"]):
        with pytest.raises(SystemExit) as ended:
            main([str(w) for w in [*words[:5], "--into", tmp_path / "none", *wrong]])
        assert ended.value.code == 2
        assert not (tmp_path / "none").exists()


def test_a_space_may_be_written_as_for_warm(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "trials.csv").write_text("data,score,lr,kind\na,0.5,0.1,x\na,0.25,0.2,y\nb,0.5,1,x\n")
    written = {"lr": {"low": 0.01, "high": 1.0, "log": True}, "kind": ["x", "y"]}
    (files / "space.json").write_text(json.dumps(written))
    code, _, err = run(capsys, *import_words(files)[:-2])
    assert code == 0, err
    assert Portfolio.load(files / "p").spaces[0].inner_lr == "lr"
    for words in (("list",), ("inspect",), ("inspect", "--task", "a")):
        shown = run(capsys, "portfolio", *words, files / "p")[1]
        assert "lr, kind" in shown.replace("kind, lr", "lr, kind")
    code, _, err = run(
        capsys,
        "portfolio",
        "adapt",
        files / "p",
        "--space",
        files / "space.json",
        "--into",
        files / "q",
    )
    assert code == 0, err


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_cells_that_no_comma_parts_are_said(
    mark: str, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = (files / "trials.csv").read_text()
    (files / "trials.csv").write_text(table.replace(",", mark))
    code, _, err = run(capsys, *import_words(files))
    assert code == 2
    assert "not parted by commas" in err


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("run_id,metrics.acc,params.lr", "--layout mlflow needs --value, --direction"),
        ("name,config,summary", "--layout wandb needs --value, --direction"),
        ("data,score,lr", "another --layout: csv, parquet, mlflow, wandb, hpob"),
        ("", "another --layout: csv"),
    ],
)
def test_all_that_a_layout_lacks_is_said_and_the_export_that_it_may_be(
    files: Path, capsys: pytest.CaptureFixture[str], head: str, said: str
) -> None:
    (files / "export.csv").write_text(head + "\n")
    words = ("portfolio", "import", files / "export.csv", "--into", files / "p")
    code, _, err = run(capsys, *words, "--value", "score")
    assert code == 2
    assert "layout csv without --task, --direction, --space" in err
    assert said in err
