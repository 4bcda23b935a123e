from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autometa.children import Child, Outcome
from autometa.children.evaluation.evaluate import failed
from autometa.cli import main
from autometa.collect import workers
from autometa.portfolio import Portfolio
from autometa.space import Config
from autometa.task import CompletedTrial


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    path = tmp_path / "tables"
    path.mkdir()
    for name in ("red", "white"):
        y = np.arange(40) % 2
        frame = pd.DataFrame(rng.normal(size=(40, 2)) + y[:, None], columns=["a", "b"])
        frame.assign(quality=y).to_csv(path / f"{name}.csv", index=False)
    (path / "index.csv").write_text("name,family,source\nred,wine,KEEL\nwhite,wine,KEEL\n")
    return path


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["collect", *map(str, words)])
    return int(ended.value.code or 0)


def test_collect_writes_a_portfolio_and_goes_on_where_it_stopped(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [folder, "--into", tmp_path / "out", "--children", "linear,k_nearest_neighbors"]
    options += ["--target", "quality", "--workers", 1, "--folds", 2]
    assert run(*options, "--configs", 1) == 0
    shown = capsys.readouterr()
    assert "portfolio in" in shown.out
    assert "12 of 12 evaluations" in shown.err
    assert run(*options, "--configs", 2, "--licence", "MIT", "-f", "json") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["children"] == [
        {"child": c, "tables": 2, "trials": 8, "failed": 0}
        for c in ("linear", "k_nearest_neighbors")
    ]
    assert "16 of 16 evaluations" in shown.err
    made = Portfolio.load(tmp_path / "out")
    assert {t.family for t in made.tasks} == {"wine"}
    assert (made.licence, len(made.provenance["runs"])) == ("MIT", 2)
    assert str(tmp_path) not in (tmp_path / "out" / "manifest.json").read_text()


def test_what_the_folder_held_is_kept_and_said(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--into", tmp_path / "out", "--target", "quality", "--workers", 1, "--folds", 2]
    options += ["--children", "linear", "--configs", 0, "-f", "json"]
    for name, note in (("red", ""), ("white", "keeps what else it held: 2 trials\n")):
        assert run(folder / f"{name}.csv", *options) == 0
        shown = capsys.readouterr()
        assert json.loads(shown.out)["children"][0]["tables"] == 1
        assert shown.err.endswith(note)
        assert ("keeps" in shown.err) == bool(note)
    assert {t.name for t in Portfolio.load(tmp_path / "out").tasks} == {"red", "white"}


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        (["out\nof luck"] * 4, "linear: 4 trials failed, 4 by: out of luck"),
        (["", "a", "", ""], "linear: 1 trial failed, 1 by: a"),
        (["a", "b", "b", ""], "linear: 3 trials failed, 2 by: b"),
        ([""] * 4, ""),
    ],
)
def test_why_trials_failed_is_said(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    errors: list[str],
    said: str,
) -> None:
    left = iter(errors)

    def outcome(child: Child, config: Config, *_: Any, **how: Any) -> Outcome:
        error = next(left)
        done = Outcome(trial=CompletedTrial(config=config, value=0.5))
        return failed(config, 0.1, error) if error else done

    monkeypatch.setattr(workers, "_evaluator", lambda: SimpleNamespace(run=outcome))
    options = [folder, "--into", tmp_path / "out", "--target", "quality", "--workers", 1]
    options += ["--folds", 2, "--configs", 0, "--children", "linear", "-f", "json"]
    assert run(*options) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["children"][0]["trials"] == 4
    assert shown.err.endswith(f"note: {said}\n" if said else ", 0 failed\n")


def test_derived_tables_that_cannot_be_made_are_said(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    age = rng.normal(50, 10, 240)
    frame = pd.DataFrame({"age": age, "pressure": 2 * age + rng.normal(0, 8, 240)})
    frame.assign(quality=np.where(age > 50, "old", "young")).to_csv(folder / "clinic.csv")
    options = ["--target", "quality", "--children", "k_nearest_neighbors", "--configs", 0]
    options += ["--workers", 1, "--folds", 2]
    for tables, into, asked, said in (
        (folder / "red.csv", "none", 2, "0 of 2 derived tables: "),
        (folder, "one", 1, ""),
        (folder, "one", 3, "1 of 3 derived tables: the folder was begun with no more, or no "),
    ):
        assert run(tables, "--into", tmp_path / into, "--derived", asked, *options) == 0
        shown = capsys.readouterr().err
        assert ("derived tables" in shown) == bool(said)
        assert said in shown


def test_own_tables_get_the_configs_that_others_would_start_with(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--children", "k_nearest_neighbors", "--target", "quality", "--workers", 1]
    options += ["--folds", 2, "--configs", 0]
    asked = [folder / "red.csv", "--into", tmp_path / "shipped", *options, "--rounds", 1]
    assert run(*asked, "--each", 3, "--prior", "embedded") == 0
    (history,) = Portfolio.load(tmp_path / "shipped").histories
    assert len(history) == 2 + 3
    made = tmp_path / "made"
    assert run(folder, "--into", made, *options[:-1], 4) == 0
    again = [folder / "red.csv", "--into", tmp_path / "own", *options, "--rounds", 1, "--each", 1]
    assert run(*again, "--prior", made) == 0
    (history,) = Portfolio.load(tmp_path / "own").histories
    assert len(history) == 2 + 1
    capsys.readouterr()
    assert run(*asked[:-2], "--prior", "embedded") == 2
    assert "a prior without rounds" in capsys.readouterr().err
    assert run(*asked, "--prior", tmp_path / "nowhere") == 2
    assert "there is no file or folder" in capsys.readouterr().err


def test_what_cannot_be_used_is_said_in_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = ["--into", tmp_path / "out", "--target", "quality"]
    assert run(folder, *into, "--children", "forest") == 2
    assert capsys.readouterr().err.startswith("error: child 'forest'")
    assert run(folder, *into, "--finish-partial") == 2
    assert "no results" in capsys.readouterr().err


@pytest.fixture
def heard() -> Iterator[None]:
    """As in a terminal: what runs in the background does not hear Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_stops_it_keeps_the_results_and_ends_with_130(
    number: signal.Signals,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from autometa.collect import workers

    evaluate, asked = workers.evaluate, []

    def stopping(*arguments: object) -> object:
        asked.append(arguments)
        if len(asked) == 2:
            os.kill(os.getpid(), number)
        return evaluate(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "evaluate", stopping)
    options = [folder, "--into", tmp_path / "out", "--children", "linear", "--target", "quality"]
    assert run(*options, "--workers", 1, "--configs", 1) == 130
    assert "the same command goes on from here" in capsys.readouterr().err
    assert run(*options, "--finish-partial", "--configs", 1) == 0
    assert [len(h) for h in Portfolio.load(tmp_path / "out").histories] == [3]


def test_a_broken_table_is_named_and_the_others_are_collected(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.csv").write_text('a,quality\n1,2\n"3,4\n')
    (folder / "empty.parquet").touch()
    pd.read_csv(folder / "red.csv").head(4).to_csv(folder / "tiny.csv", index=False)
    options = ["--into", tmp_path / "out", "--children", "linear", "--target", "quality"]
    options += ["--workers", 1, "--folds", 5, "--configs", 0]
    files = sorted(folder.iterdir())
    lost = ["broken.csv", "empty.parquet", "tiny"]
    for given in ([folder], [f for f in files if f.name != "index.csv"]):  # as a shell's * does
        assert run(*given, *options, "-f", "json", "-q") == 3
        shown = capsys.readouterr()
        told = shown.err.splitlines()
        assert [line.split()[1] for line in told] == lost
        assert all(line.startswith("error: ") for line in told)
        listed = json.loads(shown.out)
        assert listed["children"] == [{"child": "linear", "tables": 2, "trials": 4, "failed": 0}]
        assert [sentence.split()[0] for sentence in listed["left_out"]] == lost
    assert {t.name for t in Portfolio.load(tmp_path / "out").tasks} == {"red", "white"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["red.csv", "missing.csv"], "no file"),
        (["red.csv", "sklearn:irises"], "data set 'irises'"),
        (["empty.csv"], "empty.csv"),
        (["empty.csv", "empty.tsv"], "none of 2 tables can be used; the first: 'empty.csv'"),
        (["tiny.csv"], "5 folds of table 'tiny'"),
        (["tiny.csv", "small.csv"], "none of 2 tables can be collected"),
        ([""], "index.csv has the columns"),
    ],
)
def test_what_leaves_nothing_or_is_not_there_ends_with_2(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    given: list[str],
    message: str,
) -> None:
    for name in ("empty.csv", "empty.tsv"):
        (folder / name).touch()
    for name in ("tiny.csv", "small.csv"):
        pd.read_csv(folder / "red.csv").head(4).to_csv(folder / name, index=False)
    if given == [""]:
        (folder / "index.csv").write_text("what,family\nred,wine\n")
    sources = [name if ":" in name else folder / name for name in given]
    assert run(*sources, "--into", tmp_path / "out", "--target", "quality", "-q", "--folds", 5) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_start_is_learned_without_a_broken_table(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unittest.mock import Mock

    from autometa.children.starts import learning

    learned = Mock()
    monkeypatch.setattr(learning, "learn_start_on", learned)
    (folder / "empty.csv").touch()
    with pytest.raises(SystemExit) as ended:
        main(["start", str(folder), "--into", str(tmp_path / "s"), "--target", "quality"])
    assert ended.value.code == 3
    learned.return_value.save.assert_called_once()
