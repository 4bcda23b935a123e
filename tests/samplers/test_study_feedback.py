"""FeedBack never ends the search that it watches; what it could not use is counted."""

from __future__ import annotations

import copy
import logging
import pickle
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution

import autometa
from autometa import FeedBack
from autometa import locking as lock
from autometa.errors import InputError
from autometa.meta import MetaLearner
from autometa.portfolio import Portfolio
from autometa.samplers import study_feedback
from autometa.task import Direction
from tests.priors.families import portfolio_of

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
    (folder / "manifest.json").write_text(re.sub('"schema": ?[0-9]+', '"schema": 99', text))
    return folder


def of_another_direction(folder: Path) -> Path:
    search(FeedBack(folder, metric="loss"), direction="maximize", study_name="other")
    return folder


@pytest.mark.parametrize("make", [a_file, inside_a_file, damaged, newer, of_another_direction])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_portfolio_that_cannot_be_written_does_not_end_the_search(
    make: Callable[[Path], Path], jobs: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    callback = FeedBack(make(tmp_path / "p"), metric="loss")
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
    assert FeedBack(tmp_path, every=np.int64(2)).every == 2  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def loud(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)


# What the user says of a study -------------------------------------------------------------------


def told(folder: Path) -> Any:
    (task,) = Portfolio.load(folder).tasks
    return task


def test_a_plain_study_joins_with_what_is_said_of_it(tmp_path: Path) -> None:
    X, y = [[float(i), i % 3] for i in range(40)], [i % 2 for i in range(40)]
    callback = FeedBack(tmp_path / "p", metric="log_loss", meta_features={"site": 3}, data=(X, y))
    made = search(callback, study_name="ward-7")
    assert not callback.not_used
    task = told(tmp_path / "p")
    assert (task.name, task.metric, task.meta_features["site"]) == ("ward-7", "log_loss", 3.0)
    assert len(task.meta_features) > 10
    again = autometa.feed_back(made, tmp_path / "q", metric="log_loss", data=(X, y))
    assert again.tasks[0].meta_features.items() <= task.meta_features.items()
    assert copy.deepcopy(callback).metric == pickle.loads(pickle.dumps(callback)).metric


def test_what_a_study_knows_of_itself_stays_and_is_added_to(tmp_path: Path) -> None:
    space = {"x": FloatDistribution(0.0, 1.0)}
    study = autometa.create_study(
        "minimize", space=space, metric="rmse", meta_features={"rows": 5.0}, study_name="own"
    )
    study.optimize(lambda t: t.suggest_float("x", 0.0, 1.0), n_trials=3)
    autometa.feed_back(study, tmp_path / "p")
    assert told(tmp_path / "p").metric == "rmse"
    assert told(tmp_path / "p").meta_features == {"rows": 5.0}
    autometa.feed_back(study, tmp_path / "q", metric="mae", meta_features={"rows": 6, "n": 1})
    assert told(tmp_path / "q").metric == "mae"
    assert told(tmp_path / "q").meta_features == {"rows": 6.0, "n": 1.0}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"metric": 3}, "metric = 3"),
        ({"metric": ""}, "metric = ''"),
        ({"meta_features": [1]}, "meta-features of type list"),
        ({"data": 3}, "data of type int"),
    ],
)
def test_what_is_said_wrongly_is_an_error_before_the_search(
    tmp_path: Path, wrong: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        FeedBack(tmp_path / "p", **wrong)
    study = search(FeedBack(tmp_path / "q"))
    with pytest.raises(InputError, match=words):
        autometa.feed_back(study, tmp_path / "p", **wrong)
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("study", ["study", "sqlite:///tuning.db", None])
def test_what_is_no_study_is_not_fed_back(tmp_path: Path, study: Any) -> None:
    with pytest.raises(InputError, match="load_study"):
        autometa.feed_back(study, tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_own_history_and_a_family_weigh_in_one_model(tmp_path: Path) -> None:
    rate = FloatDistribution(1e-3, 1.0, log=True)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), study_name="mine")
    study.optimize(lambda t: (t.suggest_float("eta", 1e-3, 1.0, log=True) - 0.1) ** 2, n_trials=6)
    autometa.feed_back(study, tmp_path / "p", metric="log_loss")
    family = portfolio_of("lightgbm", tasks=2)
    renamed = family.adapt({"eta": rate}, renamed={"learning_rate": "eta"}).portfolio
    both = autometa.create_study(
        "minimize",
        prior=[renamed, tmp_path / "p"],
        space={"eta": rate},
        metric="log_loss",
        learner=autometa.MetaLearner(steps=5),
    )
    assert "starts from 3 prior tasks" in both.user_attrs["autometa:start"]


def test_searches_that_minimise_and_maximise_join_one_folder(tmp_path: Path) -> None:
    for direction in ("maximize", "minimize", "maximize"):
        callback = FeedBack(tmp_path / "p")
        search(callback, direction=direction, study_name=f"{direction}s")
        assert not callback.not_used
    found = Portfolio.load(tmp_path / "p")
    assert {t.metric for t in found.tasks} == {"value", "value (maximize)"}
    assert {t.direction for t in found.tasks if t.metric == "value"} == {"minimize"}
    assert sorted(map(len, found.histories)) == [4, 4, 4]


def naming(study: optuna.Study, *names: str) -> optuna.Study:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(list(names))
    return study


def metrics_in(folder: Path) -> list[str]:
    return [task.metric for task in Portfolio.load(folder).tasks]


@pytest.mark.parametrize("directions", [["minimize"], ["maximize"], ["minimize", "maximize"]])
def test_what_a_study_names_is_the_metric_from_the_first_trial_or_later(
    tmp_path: Path, directions: list[Direction]
) -> None:
    names = ["loss", "gain"][: len(directions)]
    study = optuna.create_study(directions=directions)
    study.optimize(lambda trial: [trial.suggest_float("x", 0.0, 1.0)] * len(names), n_trials=3)
    autometa.feed_back(study, tmp_path / "early")
    assert all(metric.startswith("value") for metric in metrics_in(tmp_path / "early"))
    naming(study, *names)
    study.optimize(lambda trial: [trial.suggest_float("x", 0.0, 1.0)] * len(names), n_trials=2)
    for folder in ("early", "late"):
        found = autometa.feed_back(study, tmp_path / folder)
        assert metrics_in(tmp_path / folder) == names
        assert [len(history) for history in found.histories] == [5] * len(names)


def test_what_is_said_of_a_study_goes_before_its_own_names(tmp_path: Path) -> None:
    study = naming(search(FeedBack(tmp_path / "plain")), "loss")
    assert metrics_in(tmp_path / "plain") == ["value"]
    autometa.feed_back(study, tmp_path / "said", metric="auc")
    assert metrics_in(tmp_path / "said") == ["auc"]
    assert [t.metric for t in Portfolio.from_studies(study).tasks] == ["loss"]
    # What is unnamed and maximised is another metric already than what is named and minimised.
    other = optuna.create_study(direction="maximize", study_name="other")
    other.add_trials(study.trials)
    assert {t.metric for t in Portfolio.from_studies([study, other]).tasks} == {"loss", "value"}


@pytest.mark.parametrize("names", [["same", "same"], ["", "gain"]])
def test_names_that_tell_no_objectives_apart_are_none(names: list[str]) -> None:
    study = naming(optuna.create_study(directions=["minimize", "maximize"]), *names)
    study.optimize(lambda trial: [trial.suggest_float("x", 0.0, 1.0)] * 2, n_trials=3)
    found = [task.metric for task in Portfolio.from_studies(study).tasks]
    assert found == ["value/0", "value/1"]


def loop(folder: Path, high: float, *, choices: list[Any] | None = None, **options: Any) -> Any:
    """A study of the loop that nobody told what it searches: its objective says that."""

    def objective(trial: optuna.Trial) -> float:
        if choices is not None:
            trial.suggest_categorical("k", choices)
        return trial.suggest_float("x", 0.0, high)

    study = autometa.create_study("minimize", learner=MetaLearner(steps=5), **options)
    study.enqueue_trial({"x": high})
    callback = FeedBack(folder)
    study.optimize(objective, n_trials=4, callbacks=[callback])
    assert not callback.not_used
    return study


def past() -> optuna.Study:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), study_name="past")
    study.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0), n_trials=12)
    return study


@pytest.mark.parametrize(
    ("high", "choices", "stated"),
    [
        (9.0, None, False),
        (1.0, [None, "a"], False),
        (9.0, ["a", "b"], False),
        (9.0, None, True),
    ],
)
def test_what_a_study_tries_beyond_the_noted_space_is_fed_back_as_it_is(
    tmp_path: Path, high: float, choices: list[Any] | None, stated: bool
) -> None:
    """It was moved to the edge of the prior's space, and new parameters were lost."""
    space = {"x": FloatDistribution(0.0, 1.0)} if stated else None
    study = loop(tmp_path, high, choices=choices, prior=past(), space=space)
    (history,) = Portfolio.load(tmp_path).histories
    assert history.task.space.from_raw(history.raw) == [t.params for t in study.trials]


def test_spaces_that_nobody_stated_go_on_to_be_one(tmp_path: Path) -> None:
    for number, high in enumerate((1.0, 1.0, 9.0, 1.0, 99.0)):
        prior = tmp_path if number else past()
        loop(tmp_path, high, prior=prior, study_name=f"s{number}")
    found = Portfolio.load(tmp_path)
    assert len(found) == 5
    assert found.space.distributions == {"x": FloatDistribution(0.0, 99.0)}


def test_a_stated_space_is_kept_and_not_joined(tmp_path: Path) -> None:
    space = {"x": FloatDistribution(0.0, 2.0)}
    loop(tmp_path, 1.0, prior=past(), space=space, study_name="stated")
    loop(tmp_path, 9.0, prior=past(), study_name="told by trials")
    spaces = {t.name: t.space.distributions["x"] for t in Portfolio.load(tmp_path).tasks}
    assert spaces == {
        "stated": FloatDistribution(0.0, 2.0),
        "told by trials": FloatDistribution(0.0, 9.0),
    }


def records(folder: Path) -> list[Any]:
    """What a folder's provenance says of the studies that it was made of."""
    known = Portfolio.load(folder).provenance
    return [s for part in known.get("merged", [known]) for s in part.get("studies", [])]


def test_a_study_that_is_fed_back_after_every_trial_is_told_of_once(tmp_path: Path) -> None:
    """One record a call made the portfolio's file grow, and each call slower than the last."""
    folder = tmp_path / "portfolio"
    search(FeedBack(folder), n=12, study_name="one")
    assert [(s["study"], s["trials"]) for s in records(folder)] == [("one", 12)]
    search(FeedBack(folder), n=3, study_name="two", directions=["minimize", "maximize"])
    again = search(FeedBack(folder), n=5, study_name="one")  # another study of that name
    told = [(s["study"], s["trials"]) for s in records(folder)]
    assert told == [("one", 12), ("two", 3), ("one", 5)]
    autometa.feed_back(again, folder)  # nothing new
    assert [(s["study"], s["trials"]) for s in records(folder)] == told


def test_what_others_told_of_their_studies_stays(tmp_path: Path) -> None:
    folder = tmp_path / "portfolio"
    theirs = [
        {"source": "elsewhere"},
        {"studies": "many"},
        {"studies": [{"study": "one"}, "text", {"study": "one", "source": "a", "started": "x"}]},
        {"studies": []},
    ]
    Portfolio(provenance={"merged": theirs}).save(folder)
    search(FeedBack(folder), n=3, study_name="one")
    found = Portfolio.load(folder).provenance["merged"]
    assert found[:4] == theirs
    assert [s["trials"] for s in found[4]["studies"]] == [3]
    assert len(found) == 5
