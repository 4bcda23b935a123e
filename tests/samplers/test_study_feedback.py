"""FeedBack never ends the search that it watches; what it could not use is counted."""

from __future__ import annotations

import copy
import logging
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from autometa import FeedBack
from autometa import locking as lock
from autometa.errors import InputError
from autometa.portfolio import Portfolio
from autometa.samplers import study_feedback

pytestmark = pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")


def search(
    callback: FeedBack,
    *,
    choices: list[Any] | None = None,
    n: int = 4,
    jobs: int = 1,
    **more: Any,
) -> optuna.Study:
    def objective(trial: optuna.Trial) -> Any:
        x = trial.suggest_float("x", 0.0, 1.0)
        if choices is not None:
            trial.suggest_categorical("k", choices)
        return (x, -x) if "directions" in more else x

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), **more)
    study.optimize(objective, n_trials=n, callbacks=[callback], n_jobs=jobs)
    return study


def a_file(folder: Path) -> Path:
    folder.write_text("no folder")
    return folder


def inside_a_file(folder: Path) -> Path:
    return a_file(folder) / "portfolio"


def damaged(folder: Path) -> Path:
    Portfolio().save(folder)
    (folder / "manifest.json").write_text("{")
    return folder


def newer(folder: Path) -> Path:
    Portfolio().save(folder)
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(re.sub('"schema": [0-9]+', '"schema": 99', text))
    return folder


def of_another_direction(folder: Path) -> Path:
    search(FeedBack(folder), direction="maximize", study_name="other")
    return folder


@pytest.mark.parametrize("make", [a_file, inside_a_file, damaged, newer, of_another_direction])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_portfolio_that_cannot_be_written_does_not_end_the_search(
    make: Callable[[Path], Path], jobs: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    callback = FeedBack(make(tmp_path / "p"))
    caplog.clear()
    assert len(search(callback, jobs=jobs).trials) == 4
    (count,) = callback.not_used.failures.values()
    assert count == 4
    assert callback.not_used
    assert len([r for r in caplog.records if r.name == study_feedback.__name__]) == 1


def test_a_locked_portfolio_does_not_end_the_search_and_the_next_trial_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_feedback, "_PATIENCE", 0.01)
    folder = tmp_path / "p"
    callback = FeedBack(folder)
    folder.mkdir()
    with lock.exclusive(folder, timeout=1):
        study = search(callback, n=2)
    (reason,) = callback.not_used.failures
    assert "locked by another writer" in reason
    callback(study, study.trials[-1])
    assert [len(h) for h in Portfolio.load(folder).histories] == [2]
    assert callback.not_used.failures[reason] == 2


@pytest.mark.parametrize(
    "error", [OSError("disk full"), MemoryError(), RecursionError("deep"), TypeError("odd")]
)
def test_no_error_ends_the_search(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(study_feedback, "learn_studies", fails)
    callback = FeedBack(tmp_path / "p", every=2)
    assert len(search(callback).trials) == 4
    assert list(callback.not_used.failures.values()) == [2]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_the_user_can_still_end_it(
    error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(study_feedback, "learn_studies", stops)
    with pytest.raises(error):
        search(FeedBack(tmp_path / "p"))


@pytest.mark.parametrize(
    ("choices", "kept"),
    [
        ([[1], [1, 2]], True),
        ([(1,), {"a": (2,)}], True),
        ([float("nan"), 1.0], True),
        ([dict, list], True),
        ([object(), object()], False),
        ([lambda: 1, lambda: 2], False),
    ],
)
def test_odd_choices_are_fed_back_or_cost_their_parameter(
    choices: list[Any], kept: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    callback = FeedBack(tmp_path / "p")
    search(callback, choices=choices)
    (history,) = Portfolio.load(tmp_path / "p").histories
    assert len(history) == 4
    assert ("k" in history.task.space.names) is kept
    assert (list(callback.not_used.parameters) == ["k"]) is not kept
    assert not callback.not_used.failures
    told = [r for r in caplog.records if r.name == study_feedback.__name__]
    assert len(told) == (0 if kept else 1)


def test_trials_left_out_are_counted_and_several_objectives_are_fed_back(tmp_path: Path) -> None:
    callback = FeedBack(tmp_path / "p")
    study = search(callback, directions=["minimize", "maximize"])
    study.add_trial(optuna.trial.create_trial(values=[1.0, 2.0]))
    callback(study, study.trials[-1])
    assert callback.not_used.trials == {"COMPLETE: no parameters": 1}
    assert [len(h) for h in Portfolio.load(tmp_path / "p").histories] == [4, 4]
    callback(study, study.trials[-1])
    assert callback.not_used.trials == {"COMPLETE: no parameters": 1}


def test_a_described_study_whose_description_is_damaged(tmp_path: Path) -> None:
    callback = FeedBack(tmp_path / "p")
    study = search(callback, n=0)
    study.set_user_attr(study_feedback.TASK, {"space": {"distributions": 3}})
    study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=2, callbacks=[callback])
    assert sum(callback.not_used.failures.values()) == 2


def test_it_is_copied_and_pickled_and_refuses_addresses(tmp_path: Path) -> None:
    callback = FeedBack(tmp_path / "p")
    assert copy.deepcopy(callback) == pickle.loads(pickle.dumps(callback)) == callback
    assert not callback.not_used
    with pytest.raises(InputError, match=r"Portfolio\.from_studies"):
        FeedBack("sqlite:///tuning.db")
    with pytest.raises(InputError, match="every"):
        FeedBack(tmp_path, every=True)


@pytest.fixture(autouse=True)
def loud(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
