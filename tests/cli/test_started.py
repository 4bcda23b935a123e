from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from autometa.cli import main


def write(path: Path, columns: int, rows: int, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % 2
    frame = pd.DataFrame(rng.normal(size=(rows, columns)) + 2.0 * y[:, None])
    path.parent.mkdir(exist_ok=True)
    frame.rename(columns=lambda j: f"x{j}").assign(target=y).to_csv(path, index=False)
    return path


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    return int(ended.value.code or 0)


def test_a_start_is_learned_and_tuned_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known, place = tmp_path / "known", tmp_path / "start"
    for k, rows in enumerate((200, 210, 50)):
        write(known / f"t{k}.csv", 3 + k, rows, k)
    assert run("start", known, "--into", place, "--iterations", 2, "-f", "json") == 0
    shown = capsys.readouterr()
    made = {"start": str(place), "tables": ["t0", "t1"], "left_out": []}
    assert json.loads(shown.out) == made
    assert "t2: left out" in shown.err
    new = write(tmp_path / "new.csv", 4, 80, 9)
    options = ["--families", f"mlp@{place}", "--trials", 1, "--folds", 2, "-q", "-f", "json"]
    assert run("tune", new, *options, "--report", tmp_path / "r.html") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["child"].startswith("mlp-from-")
    assert str(tmp_path) not in result["child"] + result["study_name"]
    assert run("tune", known / "t0.csv", *options, "--report", tmp_path / "r.html") == 2
    assert "learned on 't0'" in capsys.readouterr().err


def test_nothing_to_learn_from_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = write(tmp_path / "small.csv", 2, 30, 0)
    assert run("start", small, "--into", tmp_path / "start") == 2
    assert "error: no tables" in capsys.readouterr().err
    assert not (tmp_path / "start").exists()


@pytest.mark.parametrize("held", ["{}", "not JSON"])
def test_a_folder_of_something_else_is_refused_before_learning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], held: str
) -> None:
    (tmp_path / "index.json").write_text(held)
    known = write(tmp_path / "known.csv", 3, 200, 0)
    assert run("start", known, "--into", tmp_path, "--iterations", 10**9) == 2
    assert "index.json" in capsys.readouterr().err or held == "{}"
    assert (tmp_path / "index.json").read_text() == held
