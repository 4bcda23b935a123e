"""The hypervolume that a config is expected to add."""

from __future__ import annotations

import numpy as np
import pytest

from autometa.encoding import Floats
from autometa.suggest.acquisitions.hypervolume import (
    log_hypervolume_gain,
    random_directions,
    reached,
)

FRONT = np.array([[0.2, 0.9], [0.6, 0.6], [0.9, 0.1]])


def area(points: Floats) -> float:
    """Hypervolume of points (n, 2) above (0, 0)."""
    total, height = 0.0, 0.0
    for first, second in points[np.argsort(-points[:, 0])]:
        total += max(float(first), 0.0) * max(float(second) - height, 0.0)
        height = max(height, float(second))
    return total


def test_the_mean_reach_over_directions_is_the_hypervolume() -> None:
    directions = random_directions(2, 20_000, np.random.default_rng(0))
    reach = reached(FRONT, directions).max(axis=0)
    assert (reach**2).mean() * np.pi / 4 == pytest.approx(area(FRONT), rel=0.01)


@pytest.mark.parametrize("mean", [(0.5, 0.9), (1.1, 0.2), (0.4, 0.4), (1.0, 1.0)])
def test_the_expected_gain_is_that_of_simulated_values(mean: tuple[float, float]) -> None:
    rng = np.random.default_rng(1)
    deviation = np.array([0.1, 0.15])
    drawn = np.array(mean) + deviation * rng.standard_normal((400, 2))
    expected = np.mean([area(np.concatenate([FRONT, d[None]])) for d in drawn]) - area(FRONT)
    directions = random_directions(2, 400, rng)
    found = log_hypervolume_gain(np.array([mean]), deviation[None], FRONT, directions)
    assert np.exp(found[0]) * np.pi / 4 == pytest.approx(expected, rel=0.2, abs=2e-3)


def test_a_hopeless_config_still_has_a_finite_log_and_a_slope() -> None:
    directions = random_directions(2, 16, np.random.default_rng(0))
    means = np.array([[-3.0, -3.0], [-2.9, -3.0]])
    far, nearer = log_hypervolume_gain(means, np.full((2, 2), 0.05), FRONT, directions)
    assert np.isfinite(far)
    assert nearer > far


@pytest.mark.parametrize("k", [2, 3, 4])
def test_what_dominates_promises_more_for_any_number_of_objectives(k: int) -> None:
    directions = random_directions(k, 32, np.random.default_rng(0))
    assert np.allclose(np.linalg.norm(directions, axis=1), 1.0)
    assert (directions > 0.0).all()
    values = np.full((1, k), 0.4)
    means = np.stack([np.full(k, 0.3), np.full(k, 0.5), np.full(k, 0.8)])
    gains = log_hypervolume_gain(means, np.full((3, k), 0.05), values, directions)
    assert (np.diff(gains) > 0.0).all()


def test_before_the_first_trial_the_whole_volume_is_the_gain() -> None:
    directions = random_directions(2, 64, np.random.default_rng(0))
    nothing = np.zeros((0, 2))
    gain = log_hypervolume_gain(np.array([[1.0, 0.5]]), np.full((1, 2), 1e-4), nothing, directions)
    assert np.exp(gain[0]) * np.pi / 4 == pytest.approx(0.5, rel=0.1)
