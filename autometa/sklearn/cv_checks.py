"""What MetaSearchCV refuses before it spends any time."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import get_tags

from autometa.errors import InputError
from autometa.limits import seconds, whole
from autometa.storages.studies import check_study


class Options(Protocol):
    """What of a MetaSearchCV is checked; the parameters of its constructor."""

    estimator: Any
    n_trials: Any
    timeout: Any
    scoring: Any
    error_score: Any
    refit: Any
    ensemble: Any
    meta_features: Any
    study: Any


def check_options(search: Options, y: Any) -> None:
    """Refuse options that cannot be used, alone or with this target.

    Raises:
        InputError: the first of these.
    """
    if not hasattr(search.estimator, "fit"):
        raise InputError(
            f"an estimator of type {type(search.estimator).__name__}",
            allowed="a scikit-learn estimator, with fit and set_params",
        )
    if y is None and get_tags(search.estimator).target_tags.required:
        raise InputError(
            f"{type(search.estimator).__name__} requires y to be passed, but the target y is None"
        )
    if not (search.scoring is None or isinstance(search.scoring, str) or callable(search.scoring)):
        raise InputError(
            f"scoring = {search.scoring!r}",
            allowed="one metric: a name, a callable or None",
            do="Search by one metric and compute the others on the result",
        )
    n = search.n_trials
    if n is None and seconds(search.timeout, "timeout") is None:
        raise InputError(
            "neither n_trials nor timeout", allowed="at least one", do="Say when to stop"
        )
    if n is not None:
        whole(n, "n_trials", low=1)
        seconds(search.timeout, "timeout")
    error: Any = search.error_score
    is_number = isinstance(error, Real) and not isinstance(error, bool)
    if error != "raise" and (not is_number or math.isinf(error)):
        raise InputError(f"error_score = {error!r}", allowed='a finite number, NaN or "raise"')
    if not isinstance(search.refit, bool):
        raise InputError(f"refit = {search.refit!r}", allowed="True or False")
    features = search.meta_features
    if isinstance(features, str) and features != "auto":
        raise InputError(f"meta_features = {features!r}", allowed='"auto", a mapping or None')
    if search.study is not None:
        check_study(search.study)
    if search.ensemble:
        _check_ensemble(search, y)


def _check_ensemble(search: Options, y: Any) -> None:
    estimator = search.estimator
    if not search.refit:
        raise InputError("ensemble=True with refit=False", allowed="refit=True")
    if not is_classifier(estimator) and not is_regressor(estimator):
        raise InputError(
            f"an ensemble of {type(estimator).__name__}", allowed="a classifier or a regressor"
        )
    if get_tags(estimator).input_tags.pairwise:
        raise InputError(
            "an ensemble on a precomputed kernel", allowed="features", do="Use ensemble=False"
        )
    target = np.asarray(y)
    if target.ndim > 1 and target.shape[1] > 1:
        raise InputError(
            f"an ensemble of a target of shape {target.shape}",
            allowed="one target",
            do="Use ensemble=False",
        )


def labels(y: Any) -> NDArray[Any]:
    """The labels of a classification in order, (c,).

    Raises:
        InputError: one of them is missing.
    """
    found = np.unique(np.asarray(y))
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise InputError("Input y contains NaN or infinity", allowed="a label for each row")
    return found
