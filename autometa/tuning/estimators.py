"""AutoClassifier and AutoRegressor: `tune` as estimators of scikit-learn.

They take what scikit-learn's own take (matrices, sparse ones, frames with text columns as well),
can be cloned, put into a pipeline and cross-validated.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from autometa.errors import InputError, told
from autometa.limits import whole
from autometa.priors.opening import EMBEDDED, PriorSource
from autometa.tables import Kind, Table
from autometa.tables.frames import as_pandas, frame_of
from autometa.tuning.arguments import warn_of_order
from autometa.tuning.result import TuneResult
from autometa.tuning.scoring import Asked
from autometa.tuning.tune import tune_table
from autometa.tuning.watching import warn_untested, why_no_model


class _Auto(BaseEstimator):  # type: ignore[misc]
    """What the two have in common.

    Args:
        metric: As of `autometa.tune`, like the next six.
        time: Seconds for everything; None for no limit. With n_trials, whichever comes first.
        families: Who competes; all by default.
        n_trials: Configs to evaluate; as many as there is time for where None.
        ensemble: Whether the model is a weighted sum of the best configs.
        threshold: Whether to learn where labels are cut, see `autometa.tune`.
        cv: How configs are judged.
        portfolio: Prior tasks.
        random_state: Seed of folds, children and search.

    Attributes:
        result_: What the search found, see `TuneResult`.
        n_features_in_, feature_names_in_: Of the rows that it was fitted to.
    """

    _kind: Kind

    def __init__(
        self,
        *,
        metric: Asked = None,
        time: float | None = 60.0,
        families: str | Sequence[str] | None = None,
        n_trials: int | None = None,
        ensemble: bool = True,
        threshold: bool = True,
        cv: Any = None,
        portfolio: PriorSource = EMBEDDED,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.metric = metric
        self.time = time
        self.families = families
        self.n_trials = n_trials
        self.ensemble = ensemble
        self.threshold = threshold
        self.cv = cv
        self.portfolio = portfolio
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> Self:
        """Search, and fit the model to all rows.

        Args:
            X: Rows (n, m): a matrix, a sparse one that fits into memory, or a frame with any
                columns.
            y: Target (n,).
            groups: Group of each row, (n,), that no split divides.
            sample_weight: What each row weighs in fitting, in scores and in the ensemble, (n,).

        Raises:
            InputError: rows, a target or an option that cannot be used.
        """
        warn_of_order(X, y=y, groups=groups, sample_weight=sample_weight)
        frame = self._rows(X, reset=True)
        target = self._target(y)
        if len(target) != len(frame):
            raise InputError(
                f"{len(frame)} rows and {len(target)} targets: inconsistent numbers of samples"
            )
        if len(frame) < 2:
            raise InputError(f"n_samples = {len(frame)}", allowed="two rows or more")
        names = [str(column) for column in frame.columns]
        table = Table(
            name="table",
            X=frame,
            y=pd.Series(target),
            kind=self._kind,
            keep=names,  # a pipeline chose these columns
            weights=None if sample_weight is None else self._weights(sample_weight, len(frame)),
        )
        result = tune_table(
            table,
            metric=self.metric,
            time=self.time,
            families=self.families,
            n_trials=self.n_trials,
            ensemble=self.ensemble,
            threshold=self.threshold,
            seed=self._seed(),
            cv=self.cv,
            groups=groups,
            portfolio=self.portfolio,
        )
        if result.fitted is None:
            raise InputError(why_no_model(result))
        warn_untested(result)
        self.result_: TuneResult = result
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels or numbers (n,) for rows X (n, m)."""
        check_is_fitted(self, "result_")
        return self.result_.predict(self._rows(X, reset=False))

    def leaderboard(self) -> pd.DataFrame:
        """The trials, the best first; see `TuneResult.leaderboard`."""
        check_is_fitted(self, "result_")
        return self.result_.leaderboard()

    def save(self, path: str | Path) -> Path:
        """Write the model as a skops file; `autometa.load_model` reads it."""
        check_is_fitted(self, "result_")
        return self.result_.save(path)

    def _rows(self, X: Any, *, reset: bool) -> pd.DataFrame:
        """Rows as a frame whose columns have the same names at all times."""
        X = as_pandas(X)
        if isinstance(X, pd.DataFrame) and not _numbers_only(X):
            validate_data(self, X, reset=reset, skip_check_array=True)
            if not len(X):
                raise InputError("Found array with 0 sample(s), a minimum of 1 is required")
            return X
        known = validate_data(
            self,
            X,
            reset=reset,
            dtype="numeric",
            accept_sparse="csr",
            ensure_all_finite="allow-nan",
        )
        if hasattr(known, "toarray"):
            return frame_of(known, names=lambda m: list(map(str, range(m))))
        names = X.columns if isinstance(X, pd.DataFrame) else None
        return pd.DataFrame(known, columns=names)

    def _target(self, y: Any) -> NDArray[Any]:
        if y is None:
            raise InputError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        if isinstance(getattr(y, "dtype", None), pd.api.extensions.ExtensionDtype):
            y = y.to_numpy()  # numbers and truths as such: scikit-learn makes floats of them
        target = np.asarray(column_or_1d(y, warn=True))
        if target.dtype == object and (missing := int(pd.isna(target).sum())):
            raise InputError(f"Input y contains NaN: {missing} missing targets")
        if target.dtype.kind == "f":
            assert_all_finite(target, input_name="y")
        return target

    def _weights(self, given: Any, rows: int) -> NDArray[np.float64]:
        weights = np.asarray(given, dtype=np.float64)
        if weights.ndim == 0:
            weights = np.full(rows, float(weights))
        return weights

    def _seed(self) -> int:
        state = self.random_state
        if state is None or isinstance(state, np.random.RandomState):
            return int((state or np.random.RandomState()).randint(2**31 - 1))
        return whole(state, "random_state", low=0, high=2**32 - 1)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "result_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True  # filled up, as `tune` does
        tags.input_tags.string = False
        tags.target_tags.required = True
        tags.non_deterministic = self.n_trials is None
        return tags


class AutoClassifier(ClassifierMixin, _Auto):  # type: ignore[misc]
    """The best classifier that a search over all families finds in its time.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = AutoClassifier(n_trials=1, families="linear", portfolio=None).fit(X, y)
    >>> model.predict(X[:2]), model.predict_proba(X).shape
    (array([0, 0]), (150, 3))
    """

    _kind = "classification"

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Class probabilities (n, c), columns as `classes_`."""
        check_is_fitted(self, "result_")
        return self.result_.predict_proba(self._rows(X, reset=False))

    @property
    def classes_(self) -> NDArray[Any]:
        """Labels (c,)."""
        if not hasattr(self, "result_"):
            raise AttributeError("classes_ is known after fit")
        return self.result_.classes_

    def _target(self, y: Any) -> NDArray[Any]:
        target = super()._target(y)
        check_classification_targets(target)
        return target


class AutoRegressor(RegressorMixin, _Auto):  # type: ignore[misc]
    """The best regressor that a search over all families finds in its time.

    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = AutoRegressor(n_trials=1, families="linear", portfolio=None).fit(X, y)
    >>> model.predict(X).shape
    (442,)
    """

    _kind = "regression"

    def _target(self, y: Any) -> NDArray[Any]:
        target = super()._target(y)
        try:
            return np.asarray(target, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"a target of {target.dtype} that is no number ({told(error)})",
                allowed="a number for each row",
                do="Make numbers of it, or give it to autometa.tune, which reads 1,234.50 €",
            ) from error


def _numbers_only(frame: pd.DataFrame) -> bool:
    return all(pd.api.types.is_numeric_dtype(t) for t in frame.dtypes)
