"""The nine spaces of the `mindware` suite, without the parameters that its runs never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.space import SearchSpace

_BOOL = CategoricalDistribution(["False", "True"])
_LEAF = {"min_samples_leaf": IntDistribution(1, 20), "min_samples_split": IntDistribution(2, 20)}
_FOREST = {
    "bootstrap": _BOOL,
    "criterion": CategoricalDistribution(["entropy", "gini"]),
    "max_features": FloatDistribution(0.0, 1.0),
    **_LEAF,
}


def _log(low: float, high: float) -> FloatDistribution:
    return FloatDistribution(low, high, log=True)


SPACES: Final[Mapping[str, SearchSpace]] = {
    space.name: space
    for space in (
        SearchSpace(
            {
                "algorithm": CategoricalDistribution(["SAMME", "SAMME.R"]),
                "learning_rate": _log(0.01, 2.0),
                "max_depth": IntDistribution(1, 10),
                "n_estimators": IntDistribution(50, 500),
            },
            name="adaboost",
        ),
        SearchSpace(_FOREST, name="extra_trees"),
        SearchSpace(_FOREST, name="random_forest"),
        SearchSpace(
            {
                "criterion": CategoricalDistribution(["friedman_mse", "mse"]),
                "learning_rate": _log(0.01, 1.0),
                "max_depth": IntDistribution(1, 8),
                "max_features": FloatDistribution(0.1, 1.0),
                "subsample": FloatDistribution(0.1, 1.0),
                **_LEAF,
            },
            name="gradient_boosting",
        ),
        SearchSpace(
            {
                "n_neighbors": IntDistribution(1, 100, log=True),
                "p": IntDistribution(1, 2),
                "weights": CategoricalDistribution(["distance", "uniform"]),
            },
            name="k_nearest_neighbors",
        ),
        SearchSpace(
            {
                "C": _log(2.0**-5, 2.0**15),
                "dual": _BOOL,
                "loss": CategoricalDistribution(["hinge", "squared_hinge"]),
                "penalty": CategoricalDistribution(["l1", "l2"]),
                "tol": _log(1e-5, 1e-1),
            },
            name="liblinear_svc",
        ),
        SearchSpace(
            {
                "C": _log(2.0**-5, 2.0**15),
                "gamma": _log(2.0**-15, 8.0),
                "kernel": CategoricalDistribution(["poly", "rbf", "sigmoid"]),
                "coef0": FloatDistribution(-1.0, 1.0),
                "degree": IntDistribution(2, 5),
                "shrinking": _BOOL,
                "tol": _log(1e-5, 1e-1),
            },
            conditions={
                "coef0": ("kernel", ["poly", "sigmoid"]),
                "degree": ("kernel", ["poly"]),
            },
            name="libsvm_svc",
        ),
        SearchSpace(
            {
                "colsample_bytree": FloatDistribution(0.5, 1.0),
                "learning_rate": _log(0.025, 0.3),
                "min_child_weight": IntDistribution(1, 10),
                "n_estimators": IntDistribution(100, 1000),
                "num_leaves": IntDistribution(31, 1023),
                "reg_alpha": _log(1e-10, 10.0),
                "reg_lambda": _log(1e-10, 10.0),
                "subsample": FloatDistribution(0.5, 1.0),
            },
            name="lightgbm",
        ),
        SearchSpace(
            {
                "C": _log(2.0**-5, 10.0),
                "max_iter": IntDistribution(100, 1000, step=100),
                "penalty": CategoricalDistribution(["l1", "l2"]),
                "solver": CategoricalDistribution(["liblinear", "saga"]),
                "tol": _log(1e-6, 1e-2),
            },
            name="logistic_regression",
        ),
    )
}
