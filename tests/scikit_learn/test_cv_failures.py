from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import numpy as np
import pytest
from optuna.distributions import FloatDistribution
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import make_scorer

from autometa import MetaSearchCV
from autometa.children.evaluation.cross_validation import FoldResult
from autometa.errors import InputError
from autometa.sklearn.cv_failures import told, warned

X = np.random.default_rng(0).normal(size=(30, 2))
Y = np.array([0, 1] * 15)


class Fails(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fails in fits that it is told to, with a cause and a message of several lines."""

    def __init__(self, x: float = 0.0, share: float = 1.0) -> None:
        self.x = x
        self.share = share

    def fit(self, X: Any, y: Any) -> Fails:
        """Fail where the first row is among the first ones."""
        self.classes_ = np.unique(y)
        if X[0, 0] == self.first or self.share == 1.0:
            columns: dict[str, int] = {}
            try:
                columns["the column"]
            except KeyError as error:
                raise ValueError("two lines:\n    the second says most\nand a third") from error
        return self

    first = X[0, 0]

    def predict(self, X: Any) -> Any:
        """Zeros."""
        return np.zeros(len(X), dtype=int)


def fitted(error_score: Any = np.nan, **options: Any) -> MetaSearchCV:
    search = MetaSearchCV(
        Fails(share=options.pop("share", 1.0)),
        {"x": FloatDistribution(0, 1)},
        n_trials=2,
        cv=3,
        random_state=0,
        error_score=error_score,
        **options,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return search.fit(X, Y)


WHOLE = "ValueError: two lines: the second says most and a third, because KeyError: 'the column'"


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_the_whole_cause_is_told_where_every_fit_failed(n_jobs: int | None) -> None:
    with pytest.raises(InputError, match="all 2 trials failed") as error:
        fitted(n_jobs=n_jobs)
    assert f"{WHOLE} (3 fits)" in str(error.value)


def test_a_score_of_nan_does_not_hide_it() -> None:
    with pytest.raises(InputError, match="a fold scored nan") as error:
        fitted(share=0.5)
    assert WHOLE in str(error.value)


def test_a_scorer_that_fails_is_told() -> None:
    def broken(y: Any, found: Any) -> float:
        raise RuntimeError("no score today")

    search = MetaSearchCV(
        Fails(share=0.1),
        {"x": FloatDistribution(0, 1)},
        n_trials=1,
        cv=[(np.arange(1, 15), np.arange(15, 30))],
        scoring=make_scorer(broken),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(InputError, match="RuntimeError: no score today"):
            search.fit(X, Y)


def test_folds_that_failed_are_warned_of_as_scikit_learn_does() -> None:
    fit, score = FoldResult(failed="fit", error="E:\n  a"), FoldResult(failed="score", error="S")
    with pytest.warns() as caught:
        assert warned(3, [fit, fit, score, FoldResult()]) == "E: a (2 fits); S (1 fit)"
    assert [w.category for w in caught] == [FitFailedWarning, UserWarning]
    assert "trial 3: 2 of 4 fits failed" in str(caught[0].message)
    assert warned(0, [FoldResult()]) == ""


def test_reasons_are_never_longer_than_a_page() -> None:
    assert told(Counter()) == ""
    assert len(told(Counter({9999 * "x": 1}))) == 2000
