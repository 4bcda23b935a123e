"""Observations: bounded for speed, and what is dropped stays taken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autometa.suggest import Observations


def test_the_active_set_is_bounded_and_keeps_the_best() -> None:
    scores = np.random.default_rng(0).standard_normal(5000)
    unit = np.arange(5000.0)[:, None]
    seen = Observations(
        unit=unit,
        scores=scores,
        fidelity=np.ones(len(scores)),
        failed=unit,
        running=unit[:0],
        taken=unit,
    )
    kept = seen.active(128, np.random.default_rng(1))
    assert len(kept.scores) == 128
    assert len(kept.failed) == 128
    assert scores.max() in kept.scores
    assert 4999.0 in kept.unit
    assert (
        replace(seen, unit=unit[:9], scores=scores[:9], failed=unit[:0])
        .active(128, np.random.default_rng(1))
        .scores.tolist()
        == scores[:9].tolist()
    )


def test_what_is_dropped_stays_taken_and_what_is_believed_counts() -> None:
    unit = np.arange(300.0)[:, None]
    seen = Observations.of(unit, unit[:, 0], running=unit[:2] + 0.5)
    kept = seen.active(10, np.random.default_rng(0))
    assert sorted(kept.taken[:, 0]) == sorted(seen.taken[:, 0])
    believed = kept.believing(np.array([7.0, 8.0]))
    assert believed.scores[-2:].tolist() == [7.0, 8.0]
    assert believed.unit[-2:, 0].tolist() == [0.5, 1.5]
    assert believed.fidelity.tolist() == [1.0] * 12


def test_what_failed_and_what_runs_is_taken_as_what_has_a_score_is() -> None:
    unit = np.arange(9.0)[:, None]
    seen = Observations.of(unit[:3], unit[:3, 0], failed=unit[3:5], running=unit[5:6])
    assert seen.taken[:, 0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert [seen.had(row) for row in unit] == [True] * 6 + [False] * 3


def test_a_column_that_a_trial_had_no_use_for_makes_no_new_config() -> None:
    taken = np.array([[0.5, np.nan], [0.1, 0.2]])
    seen = replace(Observations.none(2), taken=taken)
    asked = [(0.5, 0.9), (0.4, 0.9), (0.1, 0.9), (0.1, 0.2)]
    assert [seen.had(np.array(row)) for row in asked] == [True, False, False, True]
