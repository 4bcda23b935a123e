from __future__ import annotations

import numpy as np

from autometa.meta.data.targets import normal_scores, usable
from autometa.task import State, TaskHistory
from autometa.testing.families import Bowls


def test_only_the_order_counts() -> None:
    scores = np.array([0.1, 0.9, 0.5, 1e81])
    assert np.allclose(normal_scores(scores), normal_scores(np.array([1.0, 3.0, 2.0, 4.0])))
    assert np.argmax(normal_scores(scores)) == 3


def test_they_are_centred_and_ties_share_their_score() -> None:
    z = normal_scores(np.array([1.0, 1.0, 2.0, 3.0, 3.0]))
    assert z[0] == z[1]
    assert z[3] == z[4]
    assert abs(z.sum()) < 1e-9


def test_a_constant_task_is_all_zeros_and_an_empty_one_empty() -> None:
    assert np.allclose(normal_scores(np.full(7, 3.0)), 0.0)
    assert len(normal_scores(np.zeros(0))) == 0


def test_failed_and_low_fidelity_trials_are_left_out() -> None:
    history = Bowls().portfolio(1, 6).histories[0]
    states = np.array([0, 1, 0, 0, 2, 0], dtype=np.int8)
    fidelity = np.array([1.0, 1.0, 0.5, 1.0, 1.0, 1.0])
    mixed = TaskHistory(
        task=history.task,
        raw=history.raw,
        values=np.where(states == State.FAILED, np.nan, history.values),
        states=states,
        fidelity=fidelity,
    )
    assert np.flatnonzero(usable(mixed)).tolist() == [0, 3, 5]


def test_where_no_trial_had_the_full_budget_the_largest_stands_in() -> None:
    history = Bowls().portfolio(1, 4).histories[0]
    partial = TaskHistory(
        task=history.task,
        raw=history.raw,
        values=history.values,
        fidelity=np.array([0.1, 0.5, 0.5, 0.2]),
    )
    assert usable(partial).tolist() == [False, True, True, False]
