"""Who watches a search does not end it, whatever goes wrong there."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autometa.errors import InputError
from autometa.tables import TableWarning
from autometa.tuning import session
from autometa.tuning.estimators import AutoClassifier
from autometa.tuning.held_out import HeldOut
from autometa.tuning.scoring import Scoring
from autometa.tuning.thresholds import learn_threshold
from autometa.tuning.tune import TuneInterrupted, tune
from autometa.tuning.watching import Audience, TuneWarning
from tests.tuning import test_tuning
from tests.tuning.test_thresholds import drawn
from tests.tuning.test_tuning import FakeEvaluator, make_table, run

evaluator, _quiet = test_tuning.evaluator, test_tuning._quiet  # fixtures


def test_what_callbacks_raise_is_said_and_the_search_goes_on(evaluator: FakeEvaluator) -> None:
    seen: list[int] = []

    def on_trial(arm: str, trial: Any) -> None:
        seen.append(trial.number)
        if len(seen) % 2:
            raise ConnectionError("no dashboard")

    def watch(standing: Any) -> None:
        raise KeyError("left")

    with pytest.warns(TuneWarning, match="the search goes on") as caught:
        result = run(on_trial=on_trial, watch=watch, compare_cold=True, families="linear")
    assert len(seen) == 10
    assert len(result.warm) == 5
    assert result.fitted is not None
    assert len([w for w in caught if w.category is TuneWarning]) == 2  # once for each of them
    assert result.notes[-1] == "on_trial raised 5 times, first ConnectionError: no dashboard"
    assert result.notes[-2].endswith("times, first KeyError: 'left'")
    assert json.dumps(result.to_json()["search_notes"])


def test_a_callback_may_stop_the_search(evaluator: FakeEvaluator) -> None:
    def on_trial(arm: str, trial: Any) -> None:
        if trial.number == 1:
            raise KeyboardInterrupt

    said: list[str] = []
    with pytest.raises(TuneInterrupted) as stop:
        run(on_trial=on_trial, message=said.append)
    assert len(stop.value.result.warm) == 2
    assert [sentence.split(":")[0] for sentence in said] == ["stopped"]  # the model takes a while
    said.clear()
    with pytest.raises(TuneInterrupted):
        run(on_trial=on_trial, message=said.append, refit=False)
    assert said == []


def test_a_stop_before_the_first_trial_says_what_there_is(
    evaluator: FakeEvaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    def notes(**options: Any) -> tuple[str, ...]:
        with pytest.raises(TuneInterrupted) as stopped:
            run(watch=stop, families="linear", **options)
        result = stopped.value.result
        assert any("the model is" in note for note in result.notes) == (result.fitted is not None)
        return result.notes

    assert notes(n_trials=3)[-1].endswith("before a config was evaluated: there is no model")
    assert notes(n_trials=None, time=60.0)[-1].endswith("the model is linear with its defaults")
    monkeypatch.setattr(session, "finish", stop)  # stopped once more
    assert notes(n_trials=None, time=60.0) == ()


def test_a_search_without_a_model_warns_of_the_reason(evaluator: FakeEvaluator) -> None:
    X, y = pd.DataFrame({"a": np.arange(30) % 7}), np.arange(30) % 2
    options: dict[str, Any] = {"families": "linear", "n_trials": 1, "portfolio": None}
    evaluator.fail = lambda call: True
    with pytest.warns(
        TuneWarning, match=r"there is no model: no trial succeeded: out of luck \(1 trial\)"
    ):
        assert tune(X, y, **options).fitted is None
    with warnings.catch_warnings():
        warnings.simplefilter("error", TuneWarning)
        assert tune(X, y, refit=False, **options).fitted is None
    with pytest.raises(InputError, match=r"no trial succeeded: out of luck \(1 trial\)"):
        AutoClassifier(**options).fit(X, y)


@pytest.mark.parametrize("name", ["y", "groups", "sample_weight"])
def test_rows_whose_labels_are_in_another_order_are_warned_of(
    name: str, evaluator: FakeEvaluator
) -> None:
    X = pd.DataFrame({"a": np.arange(30) % 7}, index=np.arange(100, 130))
    given: dict[str, Any] = {"y": pd.Series(np.arange(30) % 2, index=X.index)}
    given[name] = pd.Series(1 + np.arange(30) % 5, index=X.index[::-1])
    options: dict[str, Any] = {"families": "linear", "n_trials": 1, "portfolio": None}
    evaluator.fail = lambda call: True
    wanted = f"the index of {name} has the labels of X in another order"
    with pytest.warns(TableWarning, match=wanted):
        tune(X, **given, refit=False, **options)
    with pytest.warns(TableWarning, match=wanted), pytest.raises(InputError):
        AutoClassifier(**options).fit(X, **given)


@pytest.mark.parametrize("name", ["on_trial", "watch", "message"])
def test_what_cannot_be_called_is_refused_before_the_search(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} of type list"):
        run(**{name: [print]})


def test_workers_deaths_are_said_by_a_function_that_may_fail() -> None:
    def message(sentence: str) -> None:
        raise OSError("stderr is gone")

    audience = Audience(None, None, message)
    with pytest.warns(TuneWarning, match="message raised OSError: stderr is gone"):
        audience.say("worker 1 ended")
    audience.say("worker 2 ended")
    assert audience.notes == ("message raised 2 times, first OSError: stderr is gone",)


def test_a_metric_that_raises_now_and_then_costs_no_result() -> None:
    calls = iter(range(1000))

    def flaky(true: Any, said: Any) -> float:
        if next(calls) % 3 == 2:
            raise RuntimeError("out of luck")
        return float(np.mean(true == said))

    table = make_table()
    scoring = Scoring.of(flaky, "classification")
    held_out = HeldOut.of(table, 3, 0)
    right = held_out.right()
    assert scoring.mean(held_out, right) == -np.inf
    exact = Scoring.of(lambda true, said: float(np.mean(true == said)), "classification")
    assert exact.mean(held_out, right) == 1.0
    said, rows = drawn(0.1)
    assert learn_threshold(said, rows, scoring) is None
