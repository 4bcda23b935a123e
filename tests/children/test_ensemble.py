from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from autometa.children import ensemble
from autometa.children.ensemble import Member, ensemble_of, outputs_of, select
from autometa.encoding import Floats


@given(st.integers(1, 24), st.integers(0, 1000))
def test_the_sum_is_never_worse_than_its_best_member(m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal(20)
    outputs = [truth + s * rng.standard_normal(20) for s in rng.uniform(0.1, 2.0, size=m)]

    def score(o: Floats) -> float:
        return -float(((o - truth) ** 2).mean())

    weights, reached = select(outputs, score)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1.0)
    assert reached >= max(map(score, outputs))
    assert score(np.tensordot(weights, outputs, 1)) == pytest.approx(reached)


def test_opposite_errors_cancel() -> None:
    truth, error = np.zeros(4), np.array([1.0, -1.0, 1.0, -1.0])
    weights, score = select(
        [truth + error, truth - error, truth + 5], lambda o: -float((o**2).mean())
    )
    assert weights.tolist() == [0.5, 0.5, 0.0]
    assert score == 0.0


def test_a_useless_candidate_gets_nothing_and_nan_never_wins() -> None:
    outputs = [np.zeros(3), np.full(3, 9.0), np.full(3, np.nan)]
    weights, score = select(
        outputs, lambda o: -float((o**2).sum()) if np.isfinite(o).all() else -np.inf
    )
    assert (weights.tolist(), score) == ([1.0, 0.0, 0.0], 0.0)


def test_among_many_candidates_chance_weighs_less() -> None:
    """One good child and many that are noise: rows apart say what the held-out ones cannot."""
    gains = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        truth, apart = rng.standard_normal((2, 40))
        held = [truth + 0.5 * rng.standard_normal(40)]
        new = [apart + 0.5 * rng.standard_normal(40)]
        for _ in range(30):
            held.append(truth + rng.standard_normal(40))
            new.append(apart + rng.standard_normal(40))

        def score(o: Floats, truth: Floats = truth) -> float:
            return -float(((o - truth) ** 2).mean())

        weights, reached = select(held, score)
        assert reached == pytest.approx(score(np.tensordot(weights, held, 1)))
        again, _ = select(held, score)
        assert (weights == again).all()
        one, _ = ensemble._greedy(held, np.array([*map(score, held)]), score, 25, lambda: False)
        assert (weights > 0).sum() > (one > 0).sum()
        errors = [((np.tensordot(w, new, 1) - apart) ** 2).mean() for w in (weights, one)]
        gains.append(errors[1] - errors[0])
    assert np.mean(gains) > 0
    late, _ = select(held, score, late=lambda: True)
    assert late.sum() == pytest.approx(1.0)
    nothing = [np.full(3, np.nan)] * 20 + [np.ones(3)]
    weights, found = select(nothing, lambda o: 1.0 if np.isfinite(o).all() else -np.inf)
    assert (weights[-1], found) == (1.0, 1.0)


def test_outputs_have_a_column_for_every_class() -> None:
    X, y = np.arange(8.0)[:, None], np.array(["b", "b", "d", "d"] * 2)
    classes = np.array(["a", "b", "c", "d"])
    model = LogisticRegression().fit(X, y)
    outputs = outputs_of(model, X, classes)
    assert outputs.shape == (8, 4)
    assert outputs[:, [1, 3]] == pytest.approx(model.predict_proba(X))
    assert not outputs[:, [0, 2]].any()
    votes = outputs_of(RidgeClassifier().fit(X, y), X, classes)
    assert set(votes.ravel()) == {0.0, 1.0}
    assert (votes.sum(axis=1) == 1).all()


def test_an_ensemble_is_the_weighted_sum_of_its_members() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 2))
    y = np.where(X[:, 0] + 0.5 * rng.standard_normal(30) > 0, "yes", "no")
    models = [LogisticRegression(C=c).fit(X, y) for c in (0.01, 10.0)]
    members = [
        Member(i, {}, w, m) for i, (w, m) in enumerate(zip((0.25, 0.75), models, strict=True))
    ]
    both = ensemble_of(members, np.unique(y))
    expected = 0.25 * models[0].predict_proba(X) + 0.75 * models[1].predict_proba(X)
    assert both.predict_proba(X) == pytest.approx(expected)
    assert (both.predict(X) == both.classes_[expected.argmax(axis=1)]).all()


class _Single:
    """A model that computes with 32 bits, as boosting and networks do."""

    classes_ = np.array([0, 1, 2])

    def predict_proba(self, X: Floats) -> np.ndarray:
        found = np.random.default_rng(0).dirichlet(np.ones(3), len(X)).astype(np.float32)
        found[0] = 0.0 if self.lost else found[0]
        return found

    def __init__(self, *, lost: bool = False) -> None:
        self.lost = lost


@pytest.mark.parametrize("models", [[_Single()], [_Single(), _Single()]])
def test_probabilities_sum_to_one_whatever_its_members_compute_with(models: list[_Single]) -> None:
    members = [Member(n, {}, 1 / len(models), model) for n, model in enumerate(models)]
    found = ensemble_of(members, np.arange(3)).predict_proba(np.zeros((500, 1)))
    assert np.abs(found.sum(axis=1) - 1).max() < 1e-14
    assert np.allclose(found, models[0].predict_proba(np.zeros((500, 1))), atol=1e-6)


def test_a_row_without_any_probability_stays_so() -> None:
    lost = ensemble_of([Member(0, {}, 1.0, _Single(lost=True))], np.arange(3))
    assert lost.predict_proba(np.zeros((2, 1)))[0].tolist() == [0.0, 0.0, 0.0]
