"""The mean of the target in each category of a column, where there are too many for codes.

Training rows get the mean of other rows: from one with a part in it a model would read their own
target. scikit-learn's `TargetEncoder` does that too, but how its folds are drawn is said in another
way from version to version, few rows are an error, and a class that they lack changes the width.

References:
    Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes in
    classification and prediction problems" (2001).
"""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import KFold
from sklearn.preprocessing import TargetEncoder

from autometa.encoding import Floats

FOLDS = 5
MOST_CLASSES = 10
"""With more, their shares in each category would be more columns than they are worth."""


def width(classes: int) -> int:
    """How many columns one becomes; 0 classes for a regression."""
    if classes > MOST_CLASSES:
        return 0
    return classes if classes > 2 else 1


class CategoryMeans(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Columns of codes (n, m) as means of the target (n, m), shrunk where a category has few rows.

    Args:
        classes: Number of classes, whose numbers are the target: of two the share of the second
            one, of c > 2 the shares of all, (n, c m); 0 for a regression.
    """

    def __init__(self, classes: int = 0) -> None:
        self.classes = classes

    def fit(self, X: NDArray[Any], y: NDArray[Any]) -> Self:
        """Learn the means from rows X (n, m) and their target y (n,)."""
        self.encoders_ = self._encoders(X, y)
        return self

    def fit_transform(self, X: NDArray[Any], y: NDArray[Any], **_: Any) -> Floats:
        """The same, and the means of the training rows, each from rows of other folds."""
        self.fit(X, y)
        if len(X) == 1:
            return self.transform(X)
        found = np.empty((len(X), len(self.encoders_) * X.shape[1]))
        for others, rows in KFold(min(FOLDS, len(X)), shuffle=True, random_state=0).split(X):
            found[rows] = _means(self._encoders(X[others], y[others]), X[rows])
        return found

    def transform(self, X: NDArray[Any]) -> Floats:
        """Means; that of all rows where a category is new."""
        return _means(self.encoders_, X)

    def _encoders(self, X: NDArray[Any], y: NDArray[Any]) -> list[TargetEncoder]:
        values = np.asarray(y, dtype=np.float64)
        targets = [values == k for k in range(self.classes)] if self.classes > 2 else [values]
        new = partial(TargetEncoder, target_type="continuous")
        return [new().fit(X, target.astype(np.float64)) for target in targets]


def _means(encoders: list[TargetEncoder], X: NDArray[Any]) -> Floats:
    return np.concatenate([np.asarray(e.transform(X), dtype=np.float64) for e in encoders], axis=1)
