"""Durations are seconds wherever they stand and whatever pandas keeps them in."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.errors import InputError
from autometa.portfolio import Portfolio
from autometa.portfolio.importers.durations import seconds_of
from autometa.portfolio.importers.importing import read_trials
from autometa.space import SearchSpace

DELTAS: Any = pd.Series(pd.to_timedelta([90.0, None, 3600.0], unit="s"))
FORMS: dict[str, Any] = {
    **{u: DELTAS.astype(f"timedelta64[{u}]") for u in ("s", "ms", "us", "ns")},
    **{
        f"arrow {u}": DELTAS.astype("timedelta64[us]").astype(pd.ArrowDtype(pa.duration(u)))
        for u in ("s", "ms", "us", "ns")
    },
    "pandas objects": DELTAS.astype(object),
    "python": [datetime.timedelta(seconds=90), None, datetime.timedelta(hours=1)],
    "numpy": pd.Series([np.timedelta64(90, "s"), None, np.timedelta64(1, "h")], dtype=object),
    "pandas text": ["0 days 00:01:30", None, "0 days 01:00:00"],
    "python text": ["0:01:30", None, "1:00:00"],
    "iso": ["P0DT0H1M30S", None, "PT1H"],
    "words": ["1m 30s", None, "1h 0m"],
    "numbers": [90, None, 3600],
}


@pytest.mark.parametrize("form", FORMS)
def test_durations_are_seconds_as_value_seconds_and_parameter(form: str) -> None:
    frame = pd.DataFrame({"t": "a", "d": FORMS[form], "flag": ["x", "y", "x"]})
    result = Portfolio.from_frame(
        frame,
        task="t",
        value="d",
        direction="minimize",
        seconds="d",
        space=SearchSpace(
            {
                "flag": CategoricalDistribution(["x", "y"]),
                "d": IntDistribution(1, 10_000),
            },
            conditions={"d": ("flag", ["x"])},
        ),
    )
    (history,) = result.histories
    np.testing.assert_array_equal(history.values, [90.0, np.nan, 3600.0])
    np.testing.assert_array_equal(history.seconds, [90.0, np.nan, 3600.0])
    assert [t.config.get("d") for t in history] == [90, None, 3600]


@pytest.mark.parametrize(
    "moments",
    [
        pd.to_datetime(["2024-01-01", "2024-01-02"]),
        pd.to_datetime(["2024-01-01", "2024-01-02"], utc=True),
        pd.period_range("2024", periods=2, freq="D"),
        pd.Series(pd.to_datetime(["2024-01-01", "2024-01-02"])).astype(object),
        [datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)],
        [datetime.time(1), datetime.time(2)],
        pd.Series(["2024-01-01"] * 2).astype("datetime64[s]").astype("timestamp[s][pyarrow]"),
    ],
)
@pytest.mark.parametrize("role", ["value", "seconds", "fidelity", "x"])
def test_moments_are_refused_by_name(moments: Any, role: str) -> None:
    frame = pd.DataFrame({"t": "a", "y": [1.0, 2.0], "x": [0.1, 0.2]}).assign(when=moments)
    given: dict[str, Any] = {"value": "y", "space": {"x": FloatDistribution(0, 1)}}
    if role == "x":
        given["space"] = {"when": FloatDistribution(0, 1)}
    else:
        given[role] = "when"
    with pytest.raises(InputError, match=r"'when' holds moments .*Subtract the start"):
        Portfolio.from_frame(frame, task="t", direction="maximize", **given)


def test_a_duration_is_no_share() -> None:
    frame = pd.DataFrame({"t": "a", "y": 1.0, "f": pd.to_timedelta([0.5, 1.0], unit="s"), "x": 0.1})
    with pytest.raises(InputError, match=r"'f' holds durations.*Divide by the full one"):
        Portfolio.from_frame(
            frame,
            task="t",
            value="y",
            direction="maximize",
            fidelity="f",
            space={"x": FloatDistribution(0, 1)},
        )


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_frame_of_a_study_goes_there_and_back(suffix: str, tmp_path: Path) -> None:
    study = optuna.create_study()
    study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=3)
    frame = study.trials_dataframe().assign(task="a")
    path = tmp_path / f"trials.{suffix}"
    getattr(frame, f"to_{suffix}")(path)
    space = SearchSpace({"params_x": FloatDistribution(0, 1)})
    (history,) = Portfolio.from_frame(
        read_trials(path, space),
        task="task",
        value="value",
        direction="minimize",
        space=space,
        state="state",
        seconds="duration",
    ).histories
    expected = [t.duration.total_seconds() for t in study.trials if t.duration]
    np.testing.assert_allclose(history.seconds, expected, atol=1e-6)


@given(st.timedeltas())
def test_every_duration_that_python_and_pandas_write_is_read(delta: datetime.timedelta) -> None:
    seconds = delta.total_seconds()
    assert seconds_of(delta) == seconds
    forms = [str(delta)]
    if abs(delta.days) < 10**5:
        stamp = pd.Timedelta(delta)
        forms += [str(stamp), pd.Series([stamp]).astype(str)[0]]
        if seconds >= 0:
            forms.append(stamp.isoformat())
    for text in forms:
        found = seconds_of(text)
        assert found is not None
        assert math.isclose(found, seconds, rel_tol=1e-12, abs_tol=1e-6), text


@given(st.text())
def test_no_text_is_a_duration_by_accident(text: str) -> None:
    if not any(c.isdigit() for c in text):
        assert seconds_of(text) is None


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "12", "1.5", "-1", "d", " ", "2024-01-01", "1e3", "2d", "7m", "1h"]
)
def test_what_is_no_duration(text: str) -> None:
    assert seconds_of(text) is None
