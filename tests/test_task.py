from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from optuna.distributions import FloatDistribution
from optuna.study import StudyDirection

from autometa.errors import RecordError, SpaceError
from autometa.portfolio.diff import same_trials
from autometa.space import SearchSpace
from autometa.task import CompletedTrial, State, Task, TaskHistory
from tests import strategies

SPACE = SearchSpace({"x": FloatDistribution(0.0, 1.0)}, name="line")
TASK = Task(name="a", space=SPACE, direction="minimize", metric="loss")


def _history(**columns: Any) -> TaskHistory:
    return TaskHistory(
        **{"task": TASK, "raw": [[0.1], [0.2], [0.3]], "values": [1.0, 2.0, 3.0], **columns}
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "task name ''"),
        ({"name": 3}, "task name 3"),
        ({"space": {"x": FloatDistribution(0, 1)}}, "autometa.SearchSpace"),
        ({"direction": "max"}, "'maximize' or 'minimize'"),
        ({"direction": ["maximize", "minimize"]}, "'maximize' or 'minimize'"),
        ({"direction": None}, "Say which way"),
        ({"metric": None}, "metric None"),
        ({"family": 3}, "family 3"),
        ({"meta_features": {"rows": math.nan}}, "'rows' .* finite"),
        ({"meta_features": {"rows": "many"}}, "meta-features"),
        ({"meta_features": [1.0]}, "meta-features"),
    ],
)
def test_a_bad_task_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        dataclasses.replace(TASK, **changes)


def test_a_task_without_relatives_is_its_own_family() -> None:
    assert TASK.family == "a"
    assert dataclasses.replace(TASK, family="f").family == "f"


def test_records_are_frozen() -> None:
    history = _history()
    with pytest.raises(dataclasses.FrozenInstanceError):
        TASK.name = "b"  # type: ignore[misc]
    for name in ("raw", "values", "states", "fidelity", "seconds", "fold_scores", "curves"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(history, name)[...] = 0


def test_a_history_copies_what_it_is_given() -> None:
    values = np.array([1.0, 2.0, 3.0])
    history = _history(values=values)
    values[0] = 9.0
    assert history.values[0] == 1.0


def test_defaults_of_a_history() -> None:
    history = _history(values=[1.0, math.nan, math.inf])
    assert history.states.tolist() == [State.COMPLETE, State.FAILED, State.FAILED]
    assert history.states.dtype == np.int8
    np.testing.assert_array_equal(history.values, [1.0, math.nan, math.nan])
    assert history.complete.tolist() == [True, False, False]
    assert history.fidelity.tolist() == [1.0, 1.0, 1.0]
    assert np.isnan(history.seconds).all()
    assert history.fold_scores.shape == history.curves.shape == (3, 0)


def test_direction_is_folded_into_scores() -> None:
    history = _history()
    assert history.scores.tolist() == [-1.0, -2.0, -3.0]
    upward = dataclasses.replace(history, task=dataclasses.replace(TASK, direction="maximize"))
    assert upward.scores.tolist() == [1.0, 2.0, 3.0]
    named: Any = StudyDirection.MAXIMIZE
    same = dataclasses.replace(history, task=dataclasses.replace(TASK, direction=named))
    assert same.task.direction == "maximize"
    assert same.scores.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"values": [1.0, 2.0]}, r"values of shape \(2,\)"),
        ({"values": 1.0}, r"values of shape \(\)"),
        ({"values": ["a", "b", "c"]}, "not numeric"),
        ({"values": [1.0, math.nan, 2.0], "states": [0, 0, 0]}, "trial 1 .* COMPLETE with value"),
        ({"states": [0, 0, 256]}, "state 256"),
        ({"states": [0, 0, 7]}, "COMPLETE"),
        ({"states": [0, 0]}, "states of shape"),
        ({"fidelity": [1.0, 0.0, 1.0]}, "full budget"),
        ({"fidelity": [1.0, math.nan, 1.0]}, "full budget"),
        ({"fidelity": [1.0, 2.0, 1.0]}, "full budget"),
        ({"seconds": [1.0]}, "seconds of shape"),
        ({"fold_scores": [1.0, 2.0, 3.0]}, "fold_scores of shape"),
        ({"curves": [[1.0], [2.0]]}, "curves of shape"),
    ],
)
def test_a_bad_column_is_refused(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        _history(**columns)


def test_a_config_outside_the_space_is_refused() -> None:
    with pytest.raises(SpaceError, match="row 2"):
        _history(raw=[[0.1], [0.2], [1.3]])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"value": None}, "COMPLETE trial with value None"),
        ({"value": math.inf}, "Mark the trial FAILED"),
        ({"value": 1.0, "fidelity": 0.0}, "fidelity 0.0"),
    ],
)
def test_a_bad_trial_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        CompletedTrial(config={"x": 0.5}, **fields)


def test_a_failed_trial_has_no_odd_value() -> None:
    trial = CompletedTrial(config={"x": 0.5}, value=math.nan, state=State.FAILED)
    assert trial.value is None


def test_trials_come_back_as_they_went_in() -> None:
    trials = [
        CompletedTrial(
            config={"x": 0.5}, value=1.0, fold_scores=(0.9, 1.1), seconds=3.0, curve=(2.0, 1.0)
        ),
        CompletedTrial(config={"x": 0.1}, value=None, state=State.FAILED),
        CompletedTrial(
            config={"x": 0.2},
            value=2.0,
            state=State.PRUNED,
            fidelity=0.5,
            curve=(math.inf, 3.0, 2.0),
        ),
    ]
    assert list(TaskHistory.of(TASK, trials)) == trials


def test_a_failed_fold_inside_stays() -> None:
    trial = CompletedTrial(config={"x": 0.5}, value=1.0, fold_scores=(1.0, math.nan, 1.0))
    (back,) = TaskHistory.of(TASK, [trial])
    assert len(back.fold_scores) == 3
    assert math.isnan(back.fold_scores[1])


def test_an_empty_history_is_one() -> None:
    history = TaskHistory.of(TASK, [])
    assert len(history) == 0
    assert list(history) == []


def test_take_chooses_rows() -> None:
    history = _history(fold_scores=[[1.0], [2.0], [3.0]])
    assert history.take(np.array([2, 0])).values.tolist() == [3.0, 1.0]
    some = history.take(np.array([False, True, False]))
    assert [t.config for t in some] == [{"x": 0.2}]
    assert some.fold_scores.tolist() == [[2.0]]
    assert some.task is TASK
    with pytest.raises(ValueError, match="read-only"):
        some.values[0] = 1.0


@given(strategies.spaces().flatmap(lambda s: strategies.histories(s, "t")))
def test_rows_and_columns_are_two_views_of_one_thing(history: TaskHistory) -> None:
    back = TaskHistory.of(history.task, list(history))
    for name in ("raw", "values", "states", "fidelity", "seconds"):
        np.testing.assert_array_equal(getattr(back, name), getattr(history, name))
    assert same_trials(back, TaskHistory.of(history.task, list(back)))
