from __future__ import annotations

import errno
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from autometa.cli import main
from autometa.meta import MetaLearner
from autometa.samplers.asking import suggest
from autometa.testing.families import Bowls


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('explain') / 'studies.db'}"
    family = Bowls()
    model = MetaLearner(seed=0, steps=50).fit(family.portfolio(4, 20))
    study = optuna.create_study(
        storage=url, study_name="bowl", direction="maximize", sampler=model.sampler(seed=0)
    )
    objective = family.objective(101)
    study.optimize(lambda t: objective(suggest(t, family.space)), n_trials=5)
    study.add_trial(optuna.trial.create_trial(value=1.0))
    return url


def run(*arguments: str, command: str = "explain") -> int:
    with pytest.raises(SystemExit) as stop:
        main([command, *arguments])
    return int(stop.value.code or 0)


def test_every_trial_is_explained(storage: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bowl", "--storage", storage, "-f", "json") == 0
    trials = json.loads(capsys.readouterr().out)["trials"]
    assert [t["rule"] for t in trials] == ["portfolio"] * 3 + ["transfer"] * 2 + ["not by autometa"]
    assert "4 prior tasks" in trials[0]["reason"]
    assert all(t["reason"] for t in trials[:5])
    assert set(trials[3]["weights"]) <= {f"bowl-{i}" for i in range(1, 5)}


def test_the_table_and_the_plot(
    storage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "weights.svg"
    assert run("bowl", "--storage", storage, "--plot", str(picture)) == 0
    assert "portfolio" in capsys.readouterr().out
    assert picture.read_text().startswith("<?xml")


def test_infeasible_trials_are_counted_and_every_trial_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    study = optuna.create_study(storage=url, study_name="s")
    for i in range(3):
        study.add_trial(
            optuna.create_trial(value=1.0, system_attrs={"constraints": [float(i - 1)]})
        )
    assert run("s", "--storage", url) == 0
    assert "1 of 3 trials are infeasible and count as failed: 2" in capsys.readouterr().err
    assert run("s", "--storage", url, "-f", "json") == 0
    trials = json.loads(capsys.readouterr().out)["trials"]
    assert [t["infeasible"] for t in trials] == [False, False, True]
    assert [t["number"] for t in trials] == [0, 1, 2]


def test_what_trials_of_any_end_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    study = optuna.create_study(storage=url, study_name="s", directions=["minimize", "maximize"])
    study.add_trial(optuna.create_trial(values=[1.5, float("inf")]))
    study.add_trial(optuna.create_trial(state=TrialState.FAIL))
    study.ask()
    assert run("s", "--storage", url) == 0
    shown = capsys.readouterr().out
    assert all(f"│ {cell} " in shown for cell in ("1.5, -", "failed", "running"))
    assert run("s", "--storage", url, "-f", "json") == 0
    trials = json.loads(capsys.readouterr().out)["trials"]
    assert [t["values"] for t in trials] == [[1.5, None], [], []]
    assert [t["state"] for t in trials] == ["complete", "failed", "running"]
    study = optuna.create_study(storage=url, study_name="pruned")
    study.add_trial(
        optuna.create_trial(state=TrialState.PRUNED, value=2.5, intermediate_values={0: 2.5})
    )
    assert run("pruned", "--storage", url) == 0
    assert "│ pruned 2.5 " in capsys.readouterr().out


@pytest.mark.parametrize("command", ["explain", "report"])
def test_a_storage_is_only_read_and_may_be_named_as_a_file(
    command: str, storage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Optuna itself would make its tables in another program's database."""
    file, page = storage.removeprefix("sqlite:///"), str(tmp_path / "report.html")
    more = ("-o", page) if command == "report" else ()
    before = Path(file).read_bytes()
    assert run("bowl", "--storage", file, *more, command=command) == 0
    assert Path(file).read_bytes() == before
    other = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE runs (id INTEGER)")
    before = other.read_bytes()
    for address in (str(other), f"sqlite:///{other}"):
        assert run("bowl", "--storage", address, *more, command=command) == 2
        assert "mlflow.db cannot be read" in capsys.readouterr().err
        assert other.read_bytes() == before


def test_a_figure_that_cannot_be_written_costs_nothing_else(
    storage: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    picture = tmp_path / "weights.svg"
    assert run("bowl", "--storage", storage, "--plot", str(tmp_path / "no" / "a.svg")) == 2
    assert "portfolio" not in capsys.readouterr().out

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("autometa.plots.figure.write_whole", full)
    assert run("bowl", "--storage", storage, "--plot", str(picture)) == 3
    shown = capsys.readouterr()
    assert "portfolio" in shown.out
    assert "error: the figure" in shown.err
    assert "No space left" in shown.err
    assert not picture.exists()


def test_unknown_studies_and_storages_are_refused(
    storage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("bowls", "--storage", storage) == 2
    assert "bowl" in capsys.readouterr().err
    assert run("bowl", "--storage", f"sqlite:///{tmp_path / 'no' / 'where.db'}") == 2
    assert "storage" in capsys.readouterr().err
