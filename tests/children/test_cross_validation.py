"""The one evaluator, and that what it says of an estimator is what scikit-learn says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, cross_validate
from sklearn.tree import DecisionTreeClassifier

from autometa import MetaSearchCV
from autometa.children.evaluation.cross_validation import cross_validated
from autometa.children.problem import Fold, Problem
from autometa.errors import InputError

X = np.arange(12.0)[:, None]
Y = np.array([0, 1] * 6)
SPLITS = tuple(KFold(3).split(X))


class Mean:
    """Says the weighted mean of the training target."""

    def folds(self, problem: Problem) -> Iterable[Fold]:
        for k, (train, test) in enumerate(problem.splits):
            y = problem.y
            yield Fold(X[train], y[train], X[test], y[test], k, *problem.weights_of(k))

    def fit(self, fold: Fold) -> float:
        if fold.number == 1:
            raise RuntimeError("no") from ValueError("never")
        return float(np.average(fold.y, weights=fold.weight))

    def say(self, model: float, fold: Fold) -> float:
        return model

    def more(self, model: float, fold: Fold) -> dict[str, float]:
        return {"more": float(fold.number)}


def score(model: float, said: float, fold: Fold) -> dict[str, float]:
    if fold.number == 2:
        raise KeyError("score")
    weight = None if fold.weight_test is None else float(fold.weight_test.sum())
    return {"said": said, "weight": weight or 0.0}


def test_a_fold_that_fails_is_a_result_or_an_error() -> None:
    problem = Problem(X=X, y=Y, splits=SPLITS, score=score, weights=np.arange(12.0))
    with pytest.raises(RuntimeError, match="no"):
        cross_validated(problem, Mean())
    first, second, third = cross_validated(problem, Mean(), keep_going=True, keep_models=True)
    expected = np.average(Y[4:], weights=np.arange(4.0, 12.0))
    assert first.scores == {"said": pytest.approx(expected), "weight": 6.0, "more": 0.0}
    assert first.model == first.said == pytest.approx(expected)
    assert (second.failed, second.error) == ("fit", "RuntimeError: no, because ValueError: never")
    assert (third.failed, third.error) == ("score", "KeyError: 'score'")
    assert cross_validated(problem, Mean(), keep_going=True)[0].model is None


def test_a_problem_has_splits_with_rows() -> None:
    for splits in ((), ((np.arange(3), np.arange(0)),)):
        with pytest.raises(InputError, match="split without rows"):
            Problem(X=X, y=Y, splits=splits, score=score)


def test_it_says_what_scikit_learn_says() -> None:
    data, labels = load_iris(return_X_y=True)
    weight = np.linspace(0.1, 3.0, len(labels))
    options: dict[str, Any] = {"cv": KFold(3, shuffle=True, random_state=0), "scoring": "accuracy"}
    tree = DecisionTreeClassifier(random_state=0)
    search = MetaSearchCV(tree, {"max_depth": [2]}, n_trials=1, return_train_score=True, **options)
    found = search.fit(data, labels, sample_weight=weight).cv_results_
    own = DecisionTreeClassifier(random_state=0, max_depth=2)
    theirs = cross_validate(
        own, data, labels, params={"sample_weight": weight}, return_train_score=True, **options
    )
    for name in ("test_score", "train_score"):
        ours = [found[f"split{k}_{name}"][0] for k in range(3)]
        assert ours == list(theirs[name])
    assert search.best_score_ == pytest.approx(theirs["test_score"].mean())
    assert get_scorer("accuracy")(search, data, labels) > 0.9
