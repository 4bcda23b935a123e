"""Priors on the command line: what is read, and what ends with code 2 and nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest

from autometa.cli import main
from autometa.meta import MetaLearner
from autometa.portfolio import Portfolio
from autometa.testing.families import Bowls


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("doors")
    past = Bowls().portfolio(2, 6)
    past.save(path / "past")
    MetaLearner(steps=2).fit(past).save(path / "model")
    study = optuna.create_study(study_name="s", storage=f"sqlite:///{path / 'tuning.db'}")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 2)), columns=["a", "b"])
    frame["label"] = np.where(frame["a"] > 0, "yes", "no")
    frame.to_csv(path / "table.csv", index=False)
    return path


@pytest.fixture(autouse=True)
def _there(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.mark.parametrize(
    ("source", "tasks"),
    [("past", 2), ("./past/", 2), ("sqlite:///tuning.db", 1), ("tuning.db", 1), ("svm", 72)],
)
def test_portfolio_commands_read_what_every_door_reads(
    capsys: pytest.CaptureFixture[str], source: str, tasks: int
) -> None:
    code, out, err = run(capsys, "portfolio", "list", source, "-f", "json")
    assert (code, err) == (0, "")
    assert len(json.loads(out)["tasks"]) >= min(tasks, 60)


@pytest.mark.parametrize(
    ("prior", "said"),
    [
        ("pasd", "Did you mean 'past'?"),
        ("sqlite:///tunning.db", "Did you mean 'tuning.db'"),
        ("sqllite:///tuning.db", "Did you mean sqlite://"),
        ("embeded", "Did you mean 'embedded'"),
        ("mysqll://me:secret@host/db", "me:***@host"),
        ("model", "model"),
        ("sqlite:///tuning.db", "none of the studies helps 'svm'"),
    ],
)
def test_a_misspelt_prior_ends_with_2(
    capsys: pytest.CaptureFixture[str], here: Path, prior: str, said: str
) -> None:
    before = sorted(p.name for p in here.iterdir())
    commands = [
        ["tune", "table.csv", "--target", "label", "--families", "svm", "--portfolio", prior]
    ]
    if prior != "sqlite:///tuning.db":
        commands += [["portfolio", "list", prior], ["replay", prior]]
    for command in commands:
        code, out, err = run(capsys, *command)
        assert (code, out) == (2, "")
        assert "error: " in err
        assert said in err
        assert "secret" not in err
        assert "Traceback" not in err
        assert "?." not in err
    assert sorted(p.name for p in here.iterdir()) == before


def test_a_folder_to_learn_into_is_no_url(capsys: pytest.CaptureFixture[str], here: Path) -> None:
    for into in ("sqlite:///past.db", "postgresql://me:secret@host/db"):
        code, _, err = run(capsys, "learn", "sqlite:///tuning.db", "--into", into)
        assert code == 2
        assert "is a URL, not a folder" in err
        assert "secret" not in err
    assert not (here / "sqlite:").exists()
    assert len(Portfolio.load(here / "past")) == 2
