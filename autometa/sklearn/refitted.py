"""What a fitted search can do as an estimator: predict, score, and say what it is.

The part of `MetaSearchCV` that does not search: its methods are those of the estimator that was
refitted, and are there only where that has them.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, is_classifier
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from autometa.children.ensemble import ensemble_of
from autometa.errors import InputError


def _delegated(name: str, what: str) -> Any:
    """A method of the refitted estimator; there only where that has it."""

    def has(search: Refitted) -> bool:
        if not search.refit:
            raise AttributeError(f"{name} needs an estimator, but refit=False")
        getattr(search._nearest_final(), name)
        return True

    def method(self: Refitted, X: Any) -> Any:
        check_is_fitted(self)
        return getattr(self._nearest_final(), name)(X)

    method.__name__, method.__doc__ = name, what
    return available_if(has)(method)


class Refitted(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """See the module. A subclass has the arguments below and sets what its `fit` promises."""

    estimator: Any
    scoring: Any
    cv: Any
    refit: bool
    ensemble: bool
    scorer_: Any

    predict = _delegated("predict", "Labels or numbers (n,) for rows X (n, m).")
    predict_proba = _delegated("predict_proba", "Probabilities (n, classes) for rows X (n, m).")
    predict_log_proba = _delegated("predict_log_proba", "Their logarithms (n, classes).")
    decision_function = _delegated("decision_function", "The estimator's decision function.")
    score_samples = _delegated("score_samples", "The estimator's score of each row, (n,).")
    transform = _delegated("transform", "The estimator's transform of X.")
    inverse_transform = _delegated("inverse_transform", "The way back from `transform`.")

    def score(self, X: Any, y: Any = None, **params: Any) -> float:
        """Score of the refitted estimator by `scoring`, or by its own `score`."""
        if not self.refit:
            raise AttributeError("score needs an estimator, but refit=False")
        check_is_fitted(self)
        routed = self._route("score", params)
        return float(self.scorer_(self._nearest_final(), X, y, **routed.scorer.score))

    @property
    def classes_(self) -> NDArray[Any]:
        """Labels, (c,)."""
        return np.asarray(self._fitted("classes_"))

    @property
    def n_features_in_(self) -> int:
        """Number of columns of X."""
        return int(self._fitted("n_features_in_"))

    def _fitted(self, name: str) -> Any:
        if not hasattr(self, "best_estimator_"):
            raise AttributeError(f"{name} is known after fit with refit=True")
        return getattr(self.best_estimator_, name)

    def _nearest_final(self) -> Any:
        """What predicts; before `fit`, an unfitted thing with the same methods."""
        if self.ensemble:
            classes = np.zeros(0) if is_classifier(self.estimator) else None
            return self.__dict__.get("ensemble_") or ensemble_of((), classes)
        return self.__dict__.get("best_estimator_", self.estimator)

    # scikit-learn's side -------------------------------------------------------------------------

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "study_")

    def __sklearn_tags__(self) -> Any:
        tags, own = super().__sklearn_tags__(), get_tags(self.estimator)
        for name in ("estimator_type", "classifier_tags", "regressor_tags", "target_tags"):
            setattr(tags, name, deepcopy(getattr(own, name)))
        tags.input_tags = deepcopy(own.input_tags)
        tags.target_tags.multi_output &= not self.ensemble
        return tags

    def get_metadata_routing(self) -> MetadataRouter:
        """Who takes which arguments of `fit` and `score`; see scikit-learn's user guide."""
        calls = MethodMapping
        return (
            MetadataRouter(owner=self)
            .add(estimator=self.estimator, method_mapping=calls().add(caller="fit", callee="fit"))
            .add(splitter=self.cv, method_mapping=calls().add(caller="fit", callee="split"))
            .add(
                scorer=self._scorer(),
                method_mapping=calls()
                .add(caller="score", callee="score")
                .add(caller="fit", callee="score"),
            )
        )

    def _scorer(self) -> Any:
        return check_scoring(self.estimator, scoring=self.scoring)

    def _route(self, caller: str, params: dict[str, Any]) -> Bunch:
        if get_config()["enable_metadata_routing"]:
            return process_routing(self, caller, **params)
        rest = dict(params)
        groups = rest.pop("groups", None)
        if caller == "score" and params:
            raise InputError(
                f"score got {', '.join(params)}",
                allowed="X and y",
                do="Enable scikit-learn's metadata routing to pass more",
            )
        return Bunch(
            estimator=Bunch(fit=rest),
            splitter=Bunch(split={} if groups is None else {"groups": groups}),
            scorer=Bunch(score={}),
        )
