from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from autometa.cli import main
from autometa.portfolio import Portfolio


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


def test_what_cannot_be_used_is_said_in_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = ["--into", tmp_path / "out", "--target", "quality"]
    assert run(folder, *into, "--children", "forest") == 2
    assert capsys.readouterr().err.startswith("error: child 'forest'")
    assert run(folder, *into, "--finish-partial") == 2
    assert "no results" in capsys.readouterr().err


def test_ctrl_c_keeps_the_results_and_ends_with_130(
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
            raise KeyboardInterrupt
        return evaluate(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "evaluate", stopping)
    options = [folder, "--into", tmp_path / "out", "--children", "linear", "--target", "quality"]
    assert run(*options, "--workers", 1, "--configs", 1) == 130
    assert "the same command goes on from here" in capsys.readouterr().err
    assert run(*options, "--finish-partial", "--configs", 1) == 0
    assert [len(h) for h in Portfolio.load(tmp_path / "out").histories] == [3]
