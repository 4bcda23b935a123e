"""The chance of success: what prior tasks say of it, overruled by this study's own trials."""

from __future__ import annotations

import numpy as np
import pytest

from autometa.meta.parts.feasibility import FailureRate, Success, fit_failure_rate

Rows = np.ndarray


def features(unit: Rows) -> Rows:
    """A step at 1/2 of the first column, and a constant."""
    return np.stack([np.tanh(20.0 * (unit[:, 0] - 0.5)), np.ones(len(unit))], axis=1)


@pytest.fixture(scope="module")
def crashing() -> FailureRate:
    """Prior tasks that crashed wherever x > 1/2."""
    unit = np.random.default_rng(0).random((400, 2))
    return fit_failure_rate(features(unit), unit[:, 0] > 0.5)


NOTHING = FailureRate(weights=np.zeros(0), rate=0.3)
LEFT, RIGHT = np.array([[0.2, 0.5]]), np.array([[0.8, 0.5]])


def success(rate: FailureRate, trials: Rows, failed: list[bool]) -> Success:
    return Success(rate, features(trials), trials, np.array(failed, dtype=bool))


def chance(of: Success, unit: Rows) -> float:
    return float(of.chance(unit, features(unit))[0])


def test_prior_failures_warn_but_give_nothing_up_before_this_study_has_failed(
    crashing: FailureRate,
) -> None:
    found = success(crashing, np.repeat(LEFT, 10, axis=0), [False] * 10)
    assert chance(found, RIGHT) < 0.5 < chance(found, LEFT)
    assert found.log(RIGHT, features(RIGHT))[0] > -3.0


def test_successes_there_overrule_them(crashing: FailureRate) -> None:
    before = success(crashing, np.repeat(LEFT, 10, axis=0), [False] * 10)
    trials = np.concatenate([np.repeat(LEFT, 10, axis=0), np.repeat(RIGHT, 2, axis=0)])
    after = success(crashing, trials, [False] * 12)
    assert after.weights[1] < 0.1 < before.weights[1]
    assert chance(after, RIGHT) > 0.8


def test_failures_there_confirm_them(crashing: FailureRate) -> None:
    trials = np.concatenate([np.repeat(LEFT, 6, axis=0), np.repeat(RIGHT, 2, axis=0)])
    found = success(crashing, trials, [False] * 6 + [True] * 2)
    assert found.weights[1] > 0.8
    assert found.log(RIGHT, features(RIGHT))[0] < -50.0
    assert found.log(LEFT, features(LEFT))[0] > -1.0


def test_without_prior_knowledge_this_studys_failures_are_all_there_is() -> None:
    trials = np.random.default_rng(1).random((30, 2))
    failed = trials[:, 1] > 0.6
    found = success(NOTHING, trials, failed.tolist())
    low, high = np.array([[0.5, 0.1]]), np.array([[0.5, 0.95]])
    assert chance(found, low) > 0.8
    assert chance(found, high) < 0.3
    other = success(FailureRate(weights=np.zeros(0), rate=0.9), trials, failed.tolist())
    assert chance(other, low) == chance(found, low)


def test_where_nothing_failed_nothing_is_said(crashing: FailureRate) -> None:
    trials = np.random.default_rng(1).random((9, 2))
    assert success(NOTHING, trials, [False] * 9).says_nothing
    assert not success(crashing, trials, [False] * 9).says_nothing
    assert not success(NOTHING, trials, [True] + [False] * 8).says_nothing


def test_all_failed_is_finite(crashing: FailureRate) -> None:
    trials = np.random.default_rng(1).random((200, 2))
    for rate in (NOTHING, crashing):
        found = success(rate, trials, [True] * 200)
        assert np.isfinite(found.log(trials, features(trials))).all()
