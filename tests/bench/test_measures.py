from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autometa.bench.measures import (
    BIN_NAMES,
    bins,
    calibration_error,
    class_measures,
    value_measures,
)


def chances(*event: float) -> np.ndarray:
    second = np.array(event)
    return np.stack([1 - second, second], axis=1)


def test_two_classes_by_hand() -> None:
    found = class_measures(np.array([0, 0, 1, 1]), chances(0.1, 0.6, 0.4, 0.9))
    assert found["balanced_accuracy"] == 0.5
    assert found["auc"] == 0.75  # three of the four pairs are in order
    assert found["brier"] == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)
    assert found["bin_rows"] == [0, 1, 0, 0, 1, 0, 1, 0, 0, 1]
    assert found["bin_observed"] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_three_classes_count_one_against_the_rest() -> None:
    truth = np.array([0, 1, 2, 2])
    found = class_measures(truth, np.eye(3)[truth])
    assert (found["auc"], found["brier"], found["balanced_accuracy"]) == (1.0, 0.0, 1.0)
    assert sum(found["bin_rows"]) == 12  # type: ignore[arg-type]
    even = class_measures(truth, np.full((4, 3), 1 / 3))
    assert even["brier"] == pytest.approx(2 / 3)
    assert even["auc"] == 0.5


def test_one_class_alone_has_no_auc() -> None:
    assert "auc" not in class_measures(np.zeros(3, dtype=int), chances(0.1, 0.2, 0.3))


def test_the_calibration_error_by_hand() -> None:
    # Ten rows at 0.85 of which six happen, ten at 0.25 of which two do.
    chance = np.repeat([0.85, 0.25], 10)
    happened = np.r_[np.ones(6), np.zeros(4), np.ones(2), np.zeros(8)]
    binned = dict(zip(BIN_NAMES, bins(happened, chance), strict=True))
    assert calibration_error(binned) == pytest.approx((10 * 0.25 + 10 * 0.05) / 20)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_every_row_lies_in_one_bin(rows: list[tuple[float, bool]]) -> None:
    chance, happened = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
    counted, predicted, observed = bins(happened, chance)
    assert sum(counted) == len(rows)
    assert sum(predicted) == pytest.approx(chance.sum(), abs=1e-3)
    assert sum(observed) == happened.sum()


def test_a_regression_by_hand() -> None:
    found = value_measures(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0, 1.0]))
    assert found["r2"] == pytest.approx(1 - 4 / 5)
    assert found["relative_mae"] == pytest.approx(0.5 / 1.0)
