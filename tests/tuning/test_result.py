from __future__ import annotations

import json

import pytest

from autometa.errors import RecordError
from autometa.tuning.arms import Arm
from autometa.tuning.result import TuneResult
from tests.results import arm, result


def test_best_so_far_skips_failures_and_keeps_the_earlier_of_equals() -> None:
    search = arm("warm", [None, 0.5, 0.4, 0.5, 0.6])
    assert search.best_so_far == (None, 0.5, 0.5, 0.5, 0.6)
    assert arm("warm", [0.5, 0.5]).best == arm("warm", [0.5, 0.5]).trials[0]


def test_minimised_metrics_go_down() -> None:
    trials = arm("warm", [3.0, 1.0, 2.0]).trials
    search = Arm(name="warm", trials=trials, direction="minimize")
    assert search.best_so_far == (3.0, 1.0, 1.0)
    assert search.trials_to(2.0) == 2


def test_trials_to_match_cold() -> None:
    assert result().trials_to_match_cold == 3
    assert result(warm=[0.1, 0.2]).trials_to_match_cold is None
    assert result(cold=None).trials_to_match_cold is None
    assert result(cold=[None]).trials_to_match_cold is None


def test_checkpoints_end_with_the_last_trial() -> None:
    assert result().checkpoints() == [(1, 0.8, 0.5), (3, 0.9, 0.7), (5, 0.95, 0.9)]
    rows = result(warm=[0.1] * 7, cold=[0.1]).checkpoints()
    assert [r[0] for r in rows] == [1, 3, 5, 7]
    assert rows[-1] == (7, 0.1, None)
    assert result(warm=[], cold=None).checkpoints() == []


def test_json_is_strict_and_as_long_as_the_arms() -> None:
    data = json.loads(json.dumps(result().to_json(), allow_nan=False))
    assert data["warm"] == [0.8, 0.8, 0.9, 0.9, 0.95]
    assert data["cold"] == [0.5, 0.6, 0.7, 0.9, 0.9]
    assert data["best_params"] == {"C": 4.5, "kernel": "rbf"}
    assert data["best_value"] == 0.95
    assert data["inner_lr"] == pytest.approx(0.05)
    assert "cold" not in result(cold=None).to_json()


def test_a_session_shows_a_result_in_a_line() -> None:
    assert "0.9500 by svm; 5 trials" in repr(result())
    assert len(repr(result())) < 120
    assert "no trial succeeded; 2 trials" in repr(result(warm=[None, None], cold=None))


def test_a_search_without_success_has_no_best() -> None:
    failed = result(warm=[None, None], cold=None)
    assert failed.best is None
    assert failed.best_value is None
    assert failed.best_params == {}
    assert failed.inner_lr is None


def test_arms_agree_on_the_direction() -> None:
    with pytest.raises(RecordError, match="minimize"):
        TuneResult(
            table="t",
            child="svm",
            asked="svm",
            metric="loss",
            warm=arm("warm", [1.0]),
            direction="minimize",
        )
