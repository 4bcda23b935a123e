"""The mean of the target in each category of a column, where there are too many for codes.

Training rows get the mean of other rows: from one with a part in it a model would read their own
target. scikit-learn's `TargetEncoder` does that too, but how its folds are drawn is said in another
way from version to version, and few rows are an error.

References:
    Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes in
    classification and prediction problems" (2001).
"""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import KFold
from sklearn.preprocessing import TargetEncoder

from autometa.encoding import Floats

FOLDS = 5


class CategoryMeans(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Text columns (n, m) as means of the target (n, m), shrunk where a category has few rows.

    Args:
        target: What the target is: "continuous", or "binary", class numbers of which one is meant.
    """

    def __init__(self, target: Literal["continuous", "binary"] = "continuous") -> None:
        self.target = target

    def fit(self, X: NDArray[Any], y: NDArray[Any]) -> Self:
        """Learn the means from rows X (n, m) and their target y (n,)."""
        self.encoder_ = self._encoder(X, y)
        return self

    def fit_transform(self, X: NDArray[Any], y: NDArray[Any], **_: Any) -> Floats:
        """The same, and the means of the training rows, each from rows of other folds."""
        self.fit(X, y)
        found = self.transform(X)
        if len(X) > 1:
            folds = KFold(min(FOLDS, len(X)), shuffle=True, random_state=0)
            for others, rows in folds.split(X):
                found[rows] = self._encoder(X[others], y[others]).transform(X[rows])
        return found

    def transform(self, X: NDArray[Any]) -> Floats:
        """Means (n, m); that of all rows where a category is new."""
        return np.asarray(self.encoder_.transform(X), dtype=np.float64)

    def _encoder(self, X: NDArray[Any], y: NDArray[Any]) -> TargetEncoder:
        return TargetEncoder(target_type=self.target).fit(X, y)
