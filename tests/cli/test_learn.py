from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState, create_trial

from autometa.cli import main
from autometa.portfolio import Portfolio
from autometa.portfolio.learning import learn_studies
from autometa.space import SearchSpace
from autometa.storages import sources
from autometa.task import Task, TaskHistory

X = FloatDistribution(0.0, 1.0)
KIND = CategoricalDistribution(["a", "b"])


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(w) for w in words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def learned(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    code, out, err = run(capsys, "learn", *words, "-f", "json")
    assert code == 0, err
    result: dict[str, Any] = json.loads(out)
    return result


def add(study: optuna.Study, *rows: dict[str, Any], high: float = 1.0, **more: Any) -> optuna.Study:
    known = {"x": FloatDistribution(0.0, high), "kind": KIND, "y": X, "n": IntDistribution(1, 3)}
    for i, row in enumerate(rows):
        study.add_trial(
            create_trial(
                params=row,
                distributions={name: known[name] for name in row},
                **({"value": float(i)} | more),
            )
        )
    return study


@pytest.fixture
def url(tmp_path: Path) -> str:
    storage = RDBStorage(f"sqlite:///{tmp_path / 'mine.db'}")
    first = optuna.create_study(study_name="first", storage=storage)
    add(first, {"x": 0.1}, {"x": 0.2}, {"x": 0.2})
    add(first, {"x": 0.3}, state=TrialState.RUNNING, value=None)
    add(optuna.create_study(study_name="second", storage=storage), {"x": 0.4})
    optuna.create_study(study_name="empty", storage=storage)
    return f"sqlite:///{tmp_path / 'mine.db'}"


def test_studies_join_a_portfolio_once(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, folder = tmp_path / "mine.db", tmp_path / "p"
    before = hashlib.sha256(source.read_bytes()).hexdigest()
    told = learned(capsys, url, "--into", folder)
    assert (told["tasks"], told["trials"]) == (2, 4)
    assert [(s["task"], s["added"], s["skipped"]) for s in told["studies"]] == [
        ("first", 3, 1),
        ("second", 1, 0),
    ]
    assert [s["study"] for s in told["skipped_studies"]] == ["empty"]
    portfolio = Portfolio.load(folder)
    assert [h.raw[:, 0].tolist() for h in portfolio.histories] == [[0.1, 0.2, 0.2], [0.4]]
    again = learned(capsys, source, "--into", folder)
    assert [(s["added"], s["known"]) for s in again["studies"]] == [(0, 3), (0, 1)]
    assert not portfolio.diff(Portfolio.load(folder))
    assert hashlib.sha256(source.read_bytes()).hexdigest() == before


def test_only_new_trials_are_added(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learned(capsys, url, "--into", tmp_path / "p")
    add(optuna.load_study(study_name="second", storage=url), {"x": 0.4}, {"x": 0.9})
    told = learned(capsys, url, "--into", tmp_path / "p", "--names", "sec*")
    assert [(s["task"], s["added"]) for s in told["studies"]] == [("second", 1)]
    assert told["trials"] == 5
    names = [[s["study"] for s in p["studies"]] for p in _provenance(tmp_path / "p")]
    assert names == [["first"], ["second"]]  # told of as it was learned last


def _provenance(folder: Path) -> list[dict[str, Any]]:
    merged: list[dict[str, Any]] = Portfolio.load(folder).provenance["merged"]
    return merged


def test_the_table_names_studies_and_reasons(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "learn", url, "--into", tmp_path / "p")
    assert code == 0
    assert "4 trials added" in out
    for word in ("first", "second", "1 RUNNING", "study 'empty' has no COMPLETE trial"):
        assert word in out


def test_a_torn_journal_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "j.log"
    storage = JournalStorage(JournalFileBackend(str(path)))
    add(optuna.create_study(study_name="s", storage=storage), {"x": 0.1}, {"x": 0.2})
    path.write_bytes(path.read_bytes()[:-5])
    code, _, err = run(capsys, "learn", path, "--into", tmp_path / "p")
    assert code == 0
    assert "j.log: the last line is torn" in err
    assert len(Portfolio.load(tmp_path / "p").histories[0]) == 1


def test_later_studies_widen_the_space_of_earlier_ones(tmp_path: Path) -> None:
    memory = InMemoryStorage()
    first = add(optuna.create_study(study_name="a", storage=memory), {"x": 0.5, "kind": "a"})
    learn_studies(Portfolio.from_studies(first), tmp_path)
    second = optuna.create_study(study_name="b", storage=memory)
    add(second, {"x": 3.0, "kind": "b"}, high=4.0)
    result, added = learn_studies(Portfolio.from_studies(second), tmp_path)
    assert added == {"b": 1}
    assert [t.name for t in result.tasks] == ["a", "b"]
    assert result.space.distributions["x"] == FloatDistribution(0.0, 4.0)
    before = Portfolio.load(tmp_path)
    for order in ([first, second], [second, first], [first]):
        _, added = learn_studies(Portfolio.from_studies(order), tmp_path)
        assert not any(added.values())
        assert not before.diff(Portfolio.load(tmp_path))


def test_a_study_that_shows_a_condition_later_comes_once(tmp_path: Path) -> None:
    study = add(optuna.create_study(study_name="s"), {"kind": "a", "y": 0.5})
    learn_studies(Portfolio.from_studies(study), tmp_path)
    add(study, {"kind": "b"})
    result, added = learn_studies(Portfolio.from_studies(study), tmp_path)
    assert result.space.conditions == {"y": ("kind", ("a",))}
    assert (len(result.histories[0]), added) == (2, {"s": 1})


def test_a_study_that_needs_another_space_replaces_its_earlier_import(tmp_path: Path) -> None:
    study = add(optuna.create_study(study_name="s"), {"kind": "a", "y": 0.5})
    other = add(optuna.create_study(study_name="o"), {"kind": "a", "y": 0.5})
    learn_studies(Portfolio.from_studies([study, other]), tmp_path)
    add(study, {"kind": "a"})  # nothing explains y any more
    result, added = learn_studies(Portfolio.from_studies(study), tmp_path)
    assert {
        t.name: (t.space.names, len(h)) for t, h in zip(result.tasks, result.histories, strict=True)
    } == {
        "o": (("kind", "y"), 1),
        "s": (("kind",), 2),
    }
    assert added == {"s": 2}


def test_several_objectives_are_learned_once(tmp_path: Path) -> None:
    study = optuna.create_study(study_name="s", directions=["minimize", "maximize"])
    add(study, {"x": 0.1}, value=None, values=[1.0, 2.0])
    for count in (1, 0):
        result, added = learn_studies(Portfolio.from_studies(study), tmp_path)
        assert added == {"s/0": count, "s/1": count}
    assert [t.name for t in result.tasks] == ["s/0", "s/1"]


def test_other_data_of_a_name_stands_beside(tmp_path: Path) -> None:
    space = SearchSpace({"x": X})
    own = TaskHistory(
        task=Task(name="s", space=space, direction="minimize"),
        raw=np.array([[0.5]]),
        values=np.array([1.0]),
    )
    Portfolio([own]).save(tmp_path)
    studies = [add(optuna.create_study(study_name="s"), {"x": v}) for v in (0.1, 0.2)]
    for _ in range(2):
        for study in reversed(studies):
            result, _ = learn_studies(Portfolio.from_studies(study), tmp_path)
    result, added = learn_studies(Portfolio.from_studies(studies), tmp_path)
    assert [t.name for t in result.tasks] == ["s", "s-2", "s-3"]
    assert not any(added.values())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing.db"], "cannot be opened"),
        (["nosuch://me:secret@host/db"], "cannot be opened"),
        (["postgresql+psycopg://me:secret@127.0.0.1:1/db"], "cannot be opened"),
        (["mysql+pymysql://me:secret@127.0.0.1:1/db"], "cannot be opened"),
        (["mine.db", "--names", "third"], "no study is named 'third'"),
        (["mine.db", "--names", "empty"], "no COMPLETE trial"),
        (["damaged.db"], "damaged"),
    ],
)
def test_bad_input_ends_with_2_and_writes_nothing(
    url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "damaged.db").write_bytes(b"SQLite format 3\0" + b"\1" * 4000)
    code, out, err = run(capsys, "learn", *words, "--into", "p")
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert "secret" not in err
    assert not (tmp_path / "p").exists()


def test_a_locked_database_ends_with_2_and_writes_nothing(
    url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sources, "BUSY", 0.05)
    database = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    code, out, err = run(capsys, "learn", url, "--into", tmp_path / "p")
    database.execute("ROLLBACK")
    database.close()
    assert (code, out) == (2, "")
    assert "locked" in err
    assert not (tmp_path / "p").exists()


def test_a_direction_that_does_not_fit_the_folder_writes_nothing(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learned(capsys, url, "--metric", "loss", "--into", tmp_path / "p")
    before = {p.name: p.read_bytes() for p in (tmp_path / "p").iterdir()}
    other = RDBStorage(f"sqlite:///{tmp_path / 'other.db'}")
    add(optuna.create_study(study_name="o", storage=other, direction="maximize"), {"x": 0.1})
    words = ("learn", tmp_path / "other.db", "--into", tmp_path / "p", "--metric", "loss")
    code, _, err = run(capsys, *words)
    assert code == 2
    assert "mixed directions" in err
    assert {p.name: p.read_bytes() for p in (tmp_path / "p").iterdir()} == before


def test_studies_are_adapted_as_they_are_learned(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = SearchSpace(
        {"X": FloatDistribution(0.15, 1.0), "epochs": IntDistribution(1, 9)}, name="new"
    )
    (tmp_path / "space.json").write_text(json.dumps(new.to_json()))
    words = [url, "--into", tmp_path / "p", "--space", tmp_path / "space.json"]
    words += ["--default", "epochs=3", "--outside", "drop", "--licence", "MIT"]
    told = learned(capsys, *words)
    assert [s["added"] for s in told["studies"]] == [2, 1]
    assert [s["kept"] for s in told["adapted"]["spaces"]] == [2, 1]
    found = Portfolio.load(tmp_path / "p")
    assert (found.space, found.licence) == (new, "MIT")
    assert {t.config["epochs"] for h in found.histories for t in h} == {3}
    assert [s["added"] for s in learned(capsys, *words)["studies"]] == [0, 0]
    code, out, _ = run(capsys, "learn", *words)
    assert code == 0
    assert "guessed by its name" in out
    code, _, err = run(capsys, "learn", url, "--into", tmp_path / "q", "--inner-lr", "rate")
    assert code == 2
    assert "no study tunes" in err
    assert not (tmp_path / "q").exists()


@pytest.mark.parametrize("words", [("learn", "--into", "new"), ("replay", "--names", "first*")])
def test_a_folder_is_no_storage(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, words[0], tmp_path, *words[1:])
    assert code == 2
    assert "is a folder" in err
    assert "portfolio merge" in err
