from __future__ import annotations

import math
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection

from autometa.errors import AutometaError, InputError, RecordError, SpaceError
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import State

SPACE = SearchSpace(
    {
        "kernel": CategoricalDistribution(["linear", "rbf"]),
        "gamma": FloatDistribution(1e-3, 1e3, log=True),
        "depth": IntDistribution(1, 9),
        "weights": CategoricalDistribution([None, "balanced"]),
    },
    conditions={"gamma": ("kernel", ["rbf"])},
)
FRAME = pd.DataFrame(
    {
        "data": ["a", "b", "a", "b"],
        "score": [0.1, 0.2, math.nan, math.inf],
        "kernel": ["linear", "rbf", "rbf", "linear"],
        "gamma": [np.nan, 1.0, 2.0, np.nan],
        "depth": [1, 2, 3, 4],
        "weights": [None, "balanced", None, "balanced"],
        "remark": ["", "of", "no", "use"],
    }
)


def portfolio(frame: pd.DataFrame = FRAME, **changes: Any) -> Portfolio:
    arguments: dict[str, Any] = {
        "task": "data",
        "value": "score",
        "direction": "maximize",
        "space": SPACE,
        **changes,
    }
    return Portfolio.from_frame(frame, **arguments)


def test_rows_become_histories() -> None:
    result = portfolio()
    assert [t.name for t in result.tasks] == ["a", "b"]
    assert {t.direction for t in result.tasks} == {"maximize"}
    a, b = (list(h) for h in result.histories)
    assert a[0].config == {"kernel": "linear", "depth": 1, "weights": None}
    assert a[1].config == {"kernel": "rbf", "gamma": 2.0, "depth": 3, "weights": None}
    assert [(t.value, t.state) for t in a] == [(0.1, State.COMPLETE), (None, State.FAILED)]
    assert [(t.value, t.state) for t in b] == [(0.2, State.COMPLETE), (None, State.FAILED)]


def test_the_frame_is_left_alone() -> None:
    before = FRAME.copy(deep=True)
    portfolio()
    pd.testing.assert_frame_equal(FRAME, before)


def test_space_as_a_plain_mapping() -> None:
    frame = pd.DataFrame({"t": [1, 1, 2], "y": [1, 2, 3], "x": [0.1, 0.2, 0.3]})
    result = Portfolio.from_frame(
        frame, task="t", value="y", direction="minimize", space={"x": FloatDistribution(0, 1)}
    )
    assert [t.name for t in result.tasks] == ["1", "2"]
    assert result.histories[0].scores.tolist() == [-1.0, -2.0]
    assert result.space == SearchSpace({"x": FloatDistribution(0, 1)})
    named: Any = StudyDirection.MINIMIZE
    again = Portfolio.from_frame(frame, task="t", value="y", direction=named, space=result.space)
    assert again.tasks == result.tasks


@pytest.mark.parametrize(
    "names",
    [
        pd.Series([7.0, 8.0, 7.0, 8.0]),
        pd.Series([7, 8, 7, 8], dtype="Int64"),
        pd.Series(["7", "8", "7", "8"], dtype="category"),
        pd.Series(["7", "8", "7", "8"], dtype="string"),
    ],
)
def test_task_names_of_many_types(names: pd.Series[Any]) -> None:
    assert [t.name for t in portfolio(FRAME.assign(data=names)).tasks] == ["7", "8"]


def test_optional_columns() -> None:
    frame = FRAME.assign(
        score=[0.1, 0.2, 0.3, 0.4],
        state=["COMPLETE", "FAIL", "pruned", optuna.trial.TrialState.COMPLETE],
        share=[1.0, 0.5, 0.25, 1.0],
        time=[1.0, 2.0, np.nan, 4.0],
        group=["ga", "gb", "ga", "gb"],
    )
    result = portfolio(
        frame, state="state", fidelity="share", seconds="time", family="group", metric="acc"
    )
    a, b = result.histories
    assert a.states.tolist() == [State.COMPLETE, State.PRUNED]
    assert b.states.tolist() == [State.FAILED, State.COMPLETE]
    assert a.fidelity.tolist() == [1.0, 0.25]
    np.testing.assert_array_equal(a.seconds, [1.0, np.nan])
    assert [t.family for t in result.tasks] == ["ga", "gb"]
    assert {t.metric for t in result.tasks} == {"acc"}


@pytest.mark.parametrize("values", [[1j, 2j, 3j, 4j], [True, False, 1.0, 1j]])
def test_a_value_that_is_no_real_number_is_refused(values: list[Any]) -> None:
    with pytest.raises(InputError, match=r"'score' is .* allowed: a number"):
        portfolio(FRAME.assign(score=pd.Series(values, dtype=object)))
    if values[0] == 1j:
        with pytest.raises(InputError, match=r"'score' is 1j.* allowed: a number"):
            portfolio(FRAME.assign(score=values))


@pytest.mark.parametrize("state", ["COMPLETE", "PRUNED", "FAIL"])
def test_a_trial_without_a_value_has_failed_whatever_its_state(state: str) -> None:
    given = FRAME.assign(score=[0.1, np.nan, 0.3, 0.4], state=["COMPLETE", state, *["PRUNED"] * 2])
    a, b = portfolio(given, state="state").histories
    assert a.states.tolist() == [State.COMPLETE, State.PRUNED]
    assert b.states.tolist() == [State.FAILED, State.PRUNED]


def test_a_missing_family_means_no_relatives() -> None:
    frame = FRAME.assign(group=pd.Series(["g", None, "g", None], dtype=object))
    assert [t.family for t in portfolio(frame, family="group").tasks] == ["g", "b"]


def test_rows_of_a_task_keep_their_order() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"t": rng.integers(0, 5, 200), "y": np.arange(200), "x": 0.5})
    result = Portfolio.from_frame(
        frame, task="t", value="y", direction="maximize", space={"x": FloatDistribution(0, 1)}
    )
    for history in result.histories:
        expected = frame.loc[frame["t"] == int(history.task.name), "y"]
        assert history.values.tolist() == expected.tolist()


def test_equal_looking_choices_in_one_column() -> None:
    space = {"k": CategoricalDistribution([True, 1, "1", 2.5])}
    frame = pd.DataFrame({"t": "a", "y": 1.0, "k": [1, True, "1", 2.5]}, dtype=object)
    result = Portfolio.from_frame(frame, task="t", value="y", direction="maximize", space=space)
    assert [repr(t.config["k"]) for t in result.histories[0]] == ["1", "True", "'1'", "2.5"]


def test_whole_numbers_beside_missing_cells_are_choices() -> None:
    space = SearchSpace(
        {"a": CategoricalDistribution(["u", "v"]), "k": CategoricalDistribution([1, 2])},
        conditions={"k": ("a", ["u"])},
    )
    frame = pd.DataFrame({"t": "a", "y": 1.0, "a": ["u", "v"], "k": [2.0, np.nan]})
    result = Portfolio.from_frame(frame, task="t", value="y", direction="maximize", space=space)
    assert [t.config for t in result.histories[0]] == [{"a": "u", "k": 2}, {"a": "v"}]


def test_single_precision_may_touch_the_bounds() -> None:
    frame = pd.DataFrame({"t": "a", "y": 1.0, "x": np.array([1e-5, 0.1, 0.05], dtype=np.float32)})
    assert float(frame["x"].max()) > 0.1
    result = Portfolio.from_frame(
        frame,
        task="t",
        value="y",
        direction="maximize",
        space={"x": FloatDistribution(1e-5, 0.1, log=True)},
    )
    assert result.histories[0].raw[:2, 0].tolist() == [1e-5, 0.1]


BAD: list[tuple[dict[str, Any], dict[str, Any], type[AutometaError], str]] = [
    ({}, {"direction": "up"}, RecordError, "'maximize' or 'minimize'"),
    ({}, {"direction": ["maximize", "minimize"]}, RecordError, "'maximize' or 'minimize'"),
    ({}, {"task": "dataset"}, InputError, "column 'dataset' is missing"),
    ({}, {"value": "loss"}, InputError, "column 'loss' is missing"),
    ({}, {"state": "state"}, InputError, "column 'state' is missing"),
    ({}, {"space": {"rate": FloatDistribution(0, 1)}}, InputError, "column 'rate' is missing"),
    ({}, {"space": {}}, SpaceError, "empty space"),
    ({}, {"space": None}, SpaceError, "empty space"),
    ({"data": ["a", None, "a", "b"]}, {}, InputError, "'data' is missing in row 1"),
    ({"data": [1.0, np.nan, 1.0, 2.0]}, {}, InputError, "'data' is missing in row 1"),
    ({"data": ["a", "b", "", "b"]}, {}, InputError, "'data' is '' in row 2"),
    ({"score": ["good", 1, 2, 3]}, {}, InputError, "'score' is 'good' in row 0"),
    ({"score": [True, False, True, True]}, {}, InputError, "'score' is True in row 0"),
    ({"kernel": ["linear", "rbf", "rbf", "poly"]}, {}, InputError, "'kernel' is 'poly' in row 3"),
    ({"kernel": ["linear", "rbf", ["rbf"], "rbf"]}, {}, InputError, "'kernel' .* row 2"),
    ({"kernel": ["linear", "rbf", None, "linear"]}, {}, SpaceError, "'kernel' is missing .* row 2"),
    ({"gamma": [np.nan, 1e9, 1.0, np.nan]}, {}, SpaceError, "'gamma' .* out of range in row 1"),
    ({"gamma": [np.nan, np.inf, 1.0, np.nan]}, {}, SpaceError, "'gamma' .* in row 1"),
    ({"gamma": [1.0, 1.0, 1.0, np.nan]}, {}, SpaceError, "'gamma' is given .* inactive in row 0"),
    ({"gamma": [np.nan, np.nan, 1.0, np.nan]}, {}, SpaceError, "'gamma' is missing .* row 1"),
    ({"gamma": [None, "1e0", "wide", None]}, {}, InputError, "'gamma' is 'wide' in row 2"),
    ({"depth": [1, 2, 3, 10]}, {}, SpaceError, "'depth' .10. is out of range in row 3"),
    ({"depth": [1, 2.5, 3, 4]}, {}, SpaceError, "'depth' .2.5. is out of range in row 1"),
    (
        {"depth": pd.Series([1, 2, True, 4], dtype=object)},
        {},
        InputError,
        "'depth' is True in row 2",
    ),
    (
        {"s": ["COMPLETE", "RUNNING", "FAIL", "FAIL"]},
        {"state": "s"},
        InputError,
        "'RUNNING' in row 1",
    ),
    ({"s": ["COMPLETE", None, "FAIL", "FAIL"]}, {"state": "s"}, InputError, "in row 1"),
    ({"s": [0, 1, 2, 3]}, {"state": "s"}, InputError, "COMPLETE, FAILED"),
    ({"f": [1.0, 0.0, 1.0, 1.0]}, {"fidelity": "f"}, InputError, "'f' is 0.0 in row 1"),
    ({"f": [1.0, np.nan, 1.0, 1.0]}, {"fidelity": "f"}, InputError, "in row 1"),
    ({"g": ["u", "v", "w", "v"]}, {"family": "g"}, InputError, "'g' is 'w' in row 2"),
]


@pytest.mark.parametrize(("columns", "arguments", "error", "message"), BAD)
def test_bad_cells_are_named(
    columns: dict[str, Any],
    arguments: dict[str, Any],
    error: type[AutometaError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        portfolio(FRAME.assign(**columns), **arguments)


def test_bad_frames_are_refused() -> None:
    with pytest.raises(InputError, match="an empty frame"):
        portfolio(FRAME.iloc[:0])
    with pytest.raises(InputError, match="a dict"):
        portfolio({"data": ["a"]})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="'depth' comes twice"):
        portfolio(pd.concat([FRAME, FRAME[["depth"]]], axis=1))
