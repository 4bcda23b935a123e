"""Probabilities for a classifier that has only a decision function.

Platt, "Probabilistic outputs for support vector machines" (1999), with several classes at once: a
logistic regression of the label on the decisions about rows that a second, smaller fit has not
seen. It costs about half of another fit, where scikit-learn's own costs several.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted, validate_data

from autometa.children import weighing
from autometa.encoding import Floats

SHARE = 3  # one row in so many judges the decisions


class Calibrated(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier whose labels are its own and whose probabilities are calibrated.

    Args:
        estimator: Has `decision_function`.
        seed: Decides which rows judge.
    """

    own_labels = True

    def __init__(self, estimator: Any, *, seed: int = 0) -> None:
        self.estimator = estimator
        self.seed = seed

    def fit(self, X: Any, y: Any, sample_weight: Floats | None = None) -> Self:
        """Train on X (n, d) and labels y (n,), each of which may weigh differently, (n,)."""
        X, y = validate_data(self, X, y)
        w = sample_weight
        self.classes_, codes = np.unique(y, return_inverse=True)
        order = np.random.default_rng(self.seed).permutation(len(y))
        order = order[np.argsort(codes[order], kind="stable")]  # class after class
        apart = np.zeros(len(y), dtype=bool)
        apart[order[SHARE - 1 :: SHARE]] = True
        shares = np.bincount(codes, weights=w)
        self.shares_ = shares / shares.sum()
        self.scale_ = None
        if len(np.unique(codes[~apart])) == len(self.classes_) and len(np.unique(codes[apart])) > 1:
            seen, rest = (None, None) if w is None else (w[~apart], w[apart])
            judge = weighing.fit(clone(self.estimator), X[~apart], codes[~apart], seen)
            self.scale_ = LogisticRegression(max_iter=200).fit(
                _decisions(judge, X[apart]), codes[apart], sample_weight=rest
            )
        self.fitted_ = weighing.fit(clone(self.estimator), X, codes, w)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels (n,) by the estimator's own decisions."""
        check_is_fitted(self, "fitted_")
        rows = validate_data(self, X, reset=False)
        return np.asarray(self.classes_[self.fitted_.predict(rows)])

    def predict_proba(self, X: Any) -> Floats:
        """Class probabilities (n, c); the training rows' shares where too few rows could judge."""
        check_is_fitted(self, "fitted_")
        rows = validate_data(self, X, reset=False)
        shares = np.zeros((len(rows), len(self.classes_)))
        if self.scale_ is None:
            return np.asarray(shares + self.shares_)
        shares[:, self.scale_.classes_] = self.scale_.predict_proba(_decisions(self.fitted_, rows))
        return shares


def _decisions(model: Any, X: Floats) -> Floats:
    """Decision values (n, c), or (n, 1) of two classes, kept within what a logarithm can tell."""
    values = np.asarray(model.decision_function(X), dtype=np.float64).reshape(len(X), -1)
    return np.clip(np.nan_to_num(values), -1e3, 1e3)
