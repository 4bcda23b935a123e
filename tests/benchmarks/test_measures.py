from __future__ import annotations

import numpy as np
import pytest

from autometa_benchmarks.measures import class_measures, value_measures


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


def test_a_regression_by_hand() -> None:
    found = value_measures(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0, 1.0]))
    assert found["r2"] == pytest.approx(1 - 4 / 5)
    assert found["relative_mae"] == pytest.approx(0.5 / 1.0)
