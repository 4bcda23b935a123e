from __future__ import annotations

import numpy as np

from autometa.meta.data.noise import fold_noise, score_worth
from autometa.meta.data.targets import normal_scores
from autometa.meta.parts.prior import fit_prior


def of(folds: np.ndarray, values: np.ndarray) -> float:
    """Noise of a task that random configs were tried on."""
    return fold_noise(folds, score_worth(values, normal_scores(values)))


def folds_of(values: np.ndarray, noise: float, k: int = 5) -> np.ndarray:
    """Values plus an effect of each fold plus noise."""
    rng = np.random.default_rng(0)
    return values[:, None] + rng.normal(0, 9.0, k) + rng.normal(0, noise, (len(values), k))


def test_it_is_the_variance_of_a_mean_of_folds_in_normal_scores() -> None:
    values = 3.0 * np.random.default_rng(1).standard_normal(4000)
    for noise in (0.3, 2.0):
        found = of(folds_of(values, noise), values)
        assert np.isclose(found, (noise / 3.0) ** 2 / 5, rtol=0.1)


def test_a_scale_of_the_metric_does_not_matter_and_diverged_folds_do_not_rule() -> None:
    values = np.random.default_rng(1).standard_normal(200)
    folds = folds_of(values, 0.5)
    found = of(folds, values)
    assert np.isclose(of(1e6 * folds, 1e6 * values), found)
    folds[7, 2] = 1e30
    assert of(folds, values) < 3 * found


def test_it_is_zero_where_folds_say_nothing_and_at_most_one() -> None:
    values = np.random.default_rng(1).standard_normal(50)
    assert of(np.zeros((50, 0)), values) == 0.0
    assert of(values[:, None], values) == 0.0
    assert of(np.full((50, 3), np.nan), values) == 0.0
    assert of(folds_of(values, 1.0), np.zeros(50)) == 0.0
    assert of(folds_of(values, 1e9), values) == 1.0
    assert score_worth(np.zeros(4), np.zeros(4)) == 0.0


def test_a_noisy_task_moves_the_prior_less() -> None:
    """Five tasks agree; the sixth contradicts them. The less it is believed, the less it counts."""
    rng = np.random.default_rng(0)
    features = [rng.standard_normal((12, 2)) for _ in range(6)]
    targets = [f @ np.array([1.0, 0.0]) for f in features]
    targets[5] = -targets[5]
    sure = fit_prior(features, targets)
    told = fit_prior(features, targets, [0.0] * 5 + [1.0])
    assert np.array_equal(sure.mean, fit_prior(features, targets, [0.0] * 6).mean)
    assert abs(told.heads[5, 0] + 1.0) > abs(sure.heads[5, 0] + 1.0)
    assert told.mean[0] > sure.mean[0]
