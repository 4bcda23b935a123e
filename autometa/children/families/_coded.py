"""Estimators of other libraries behind one contract: any labels, balanced weights, categories.

The boosting libraries differ in what labels they take (some want 0..c-1 without a gap), in how a
class is given weight, and in how a column is said to hold categories. These wrappers settle that
once, with plain data as options, so that a family is a space and a constructor.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted

from autometa.encoding import Floats
from autometa.space import Config
from autometa.tables import Schema


class _Coded(BaseEstimator):  # type: ignore[misc]
    """What the two have in common.

    Args:
        estimator: The library's own estimator.
        fit_options: Passed on to its `fit`.
        categories: Positions of the columns that hold category codes and that the library wants as
            text; NaN is a category of its own.
    """

    def __init__(
        self,
        estimator: Any,
        *,
        fit_options: Mapping[str, Any] | None = None,
        categories: Sequence[int] = (),
    ) -> None:
        self.estimator = estimator
        self.fit_options = fit_options
        self.categories = categories

    def _rows(self, X: Any) -> Any:
        matrix = np.asarray(X, dtype=np.float64)
        if not len(self.categories):
            return matrix
        frame = pd.DataFrame(matrix)
        for j in self.categories:
            codes = np.nan_to_num(matrix[:, j], nan=-1.0).astype(np.int64)
            frame[j] = codes.astype(str)
        return frame

    @property
    def n_features_in_(self) -> int:
        """Number of columns of X."""
        check_is_fitted(self, "fitted_")
        return int(self.width_)


class CodedClassifier(ClassifierMixin, _Coded):  # type: ignore[misc]
    """A classifier that may see any labels.

    Args:
        estimator: The library's own estimator.
        balanced: Whether every class weighs the same.
        fit_options: See `_Coded`.
        categories: See `_Coded`.
    """

    def __init__(
        self,
        estimator: Any,
        *,
        balanced: bool = False,
        fit_options: Mapping[str, Any] | None = None,
        categories: Sequence[int] = (),
    ) -> None:
        super().__init__(estimator, fit_options=fit_options, categories=categories)
        self.balanced = balanced

    def fit(self, X: Any, y: Any, sample_weight: Floats | None = None) -> Self:
        """Train on X (n, d) and labels y (n,), each of which may weigh differently, (n,)."""
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("the training rows have one class only")
        options = dict(self.fit_options or {})
        if self.balanced:
            balance = compute_sample_weight("balanced", codes)
            sample_weight = balance if sample_weight is None else balance * sample_weight
        if sample_weight is not None:
            options["sample_weight"] = sample_weight
        rows = self._rows(X)
        self.width_ = rows.shape[1]
        self.fitted_ = clone(self.estimator).fit(rows, codes, **options)
        return self

    def predict_proba(self, X: Any, **options: Any) -> Floats:
        """Class probabilities (n, c); options go to the library's own method."""
        check_is_fitted(self, "fitted_")
        with _nameless_columns():
            found = self.fitted_.predict_proba(self._rows(X), **options)
        return np.asarray(found, dtype=np.float64)

    def predict(self, X: Any, **options: Any) -> NDArray[Any]:
        """Most probable labels (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X, **options).argmax(axis=1)])


class CodedRegressor(RegressorMixin, _Coded):  # type: ignore[misc]
    """A regressor; see `_Coded`."""

    def fit(self, X: Any, y: Any, sample_weight: Floats | None = None) -> Self:
        """Train on X (n, d) and values y (n,), each of which may weigh differently, (n,)."""
        rows = self._rows(X)
        self.width_ = rows.shape[1]
        values = np.asarray(y, dtype=np.float64)
        options = dict(self.fit_options or {})
        if sample_weight is not None:
            options["sample_weight"] = sample_weight
        self.fitted_ = clone(self.estimator).fit(rows, values, **options)
        return self

    def predict(self, X: Any, **options: Any) -> Floats:
        """Values (n,)."""
        check_is_fitted(self, "fitted_")
        with _nameless_columns():
            found = self.fitted_.predict(self._rows(X), **options)
        return np.asarray(found, dtype=np.float64)


def coded(
    classifier: Any,
    regressor: Any,
    options: Mapping[str, Any],
    config: Config,
    schema: Schema,
    **how: Any,
) -> BaseEstimator:
    """A library's estimator for the kind of problem at hand, behind the contract of `_Coded`."""
    if schema.kind == "regression":
        return CodedRegressor(regressor(**options), **how)
    balanced = config["class_weight"] == "balanced"
    return CodedClassifier(classifier(**options), balanced=balanced, **how)


@contextmanager
def _nameless_columns() -> Iterator[None]:
    """LightGBM 4.6 names the columns of an array itself and then misses the names in the next."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names", UserWarning)
        yield
