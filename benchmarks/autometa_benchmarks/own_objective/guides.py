"""Spaces that people really tune, three a library: from tuning guides and examples, not ours.

lightgbm       Optuna's `lightgbm_simple` example; LightGBM's "Parameters Tuning"; rate and size
xgboost        Optuna's `xgboost_simple` example; XGBoost's "Notes on Parameter Tuning"; as above
catboost       Optuna's `catboost_simple` example; CatBoost's "Parameter tuning"; as above
hist_gradient_boosting, random_forest, svm, mlp    scikit-learn's user guide and examples
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

Float, Int, Choice = FloatDistribution, IntDistribution, CategoricalDistribution


@dataclass(frozen=True, kw_only=True)
class Guide:
    """One space of one library.

    Args:
        name: Of the space.
        family: The prior that its users would name.
        space: What is searched, in the library's words.
        fixed: What else the model is given.
        scaled: Whether features are standardised before.
    """

    name: str
    family: str
    space: Mapping[str, BaseDistribution]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    scaled: bool = False


_TINY = Float(1e-8, 10.0, log=True)
GUIDES = (
    Guide(
        name="lightgbm/example",
        family="lightgbm",
        space={
            "lambda_l1": _TINY,
            "lambda_l2": _TINY,
            "num_leaves": Int(2, 256),
            "feature_fraction": Float(0.4, 1.0),
            "bagging_fraction": Float(0.4, 1.0),
            "bagging_freq": Int(1, 7),
            "min_child_samples": Int(5, 100),
        },
    ),
    Guide(
        name="lightgbm/guide",
        family="lightgbm",
        space={
            "learning_rate": Float(0.01, 0.3, log=True),
            "num_leaves": Int(8, 128),
            "min_data_in_leaf": Int(5, 100),
            "max_depth": Int(3, 12),
        },
        fixed={"n_estimators": 200},
    ),
    Guide(
        name="lightgbm/rate-and-size",
        family="lightgbm",
        space={
            "eta": Float(0.005, 0.5, log=True),
            "num_iterations": Int(20, 500, log=True),
            "num_leaves": Int(4, 64, log=True),
        },
    ),
    Guide(
        name="xgboost/example",
        family="xgboost",
        space={
            "reg_lambda": Float(1e-8, 1.0, log=True),
            "reg_alpha": Float(1e-8, 1.0, log=True),
            "subsample": Float(0.2, 1.0),
            "colsample_bytree": Float(0.2, 1.0),
            "max_depth": Int(3, 9, step=2),
            "min_child_weight": Int(2, 10),
            "learning_rate": Float(1e-3, 1.0, log=True),
            "gamma": Float(1e-8, 1.0, log=True),
        },
    ),
    Guide(
        name="xgboost/guide",
        family="xgboost",
        space={
            "learning_rate": Float(0.01, 0.3, log=True),
            "max_depth": Int(2, 10),
            "min_child_weight": Choice([1, 3, 5, 10]),
            "gamma": Float(0.0, 5.0),
        },
        fixed={"n_estimators": 200},
    ),
    Guide(
        name="xgboost/rate-and-size",
        family="xgboost",
        space={
            "learning_rate": Float(0.005, 0.5, log=True),
            "n_estimators": Int(20, 500, log=True),
            "max_depth": Int(1, 10),
        },
    ),
    Guide(
        name="catboost/example",
        family="catboost",
        space={
            "colsample_bylevel": Float(0.01, 0.1),
            "depth": Int(1, 12),
            "boosting_type": Choice(["Ordered", "Plain"]),
        },
        fixed={"iterations": 100},
    ),
    Guide(
        name="catboost/guide",
        family="catboost",
        space={
            "learning_rate": Float(0.01, 0.3, log=True),
            "depth": Int(4, 10),
            "l2_leaf_reg": Float(1.0, 10.0),
            "random_strength": Float(1e-9, 10.0, log=True),
            "bagging_temperature": Float(0.0, 1.0),
        },
        fixed={"iterations": 100},
    ),
    Guide(
        name="catboost/rate-and-size",
        family="catboost",
        space={
            "eta": Float(0.005, 0.5, log=True),
            "num_boost_round": Int(20, 300, log=True),
            "max_depth": Int(2, 8),
        },
    ),
    Guide(
        name="hist_gradient_boosting/guide",
        family="hist_gradient_boosting",
        space={
            "learning_rate": Float(0.01, 1.0, log=True),
            "max_iter": Int(20, 300, log=True),
            "max_leaf_nodes": Choice([3, 7, 15, 31, 63]),
            "min_samples_leaf": Int(1, 100, log=True),
        },
    ),
    Guide(
        name="hist_gradient_boosting/small",
        family="hist_gradient_boosting",
        space={"learning_rate": Float(0.01, 0.5, log=True), "max_leaf_nodes": Int(2, 64)},
        fixed={"max_iter": 100},
    ),
    Guide(
        name="hist_gradient_boosting/penalty",
        family="hist_gradient_boosting",
        space={
            "learning_rate": Float(0.01, 0.5, log=True),
            "l2_regularization": Float(1e-6, 1e2, log=True),
            "max_features": Float(0.2, 1.0),
        },
    ),
    Guide(
        name="random_forest/guide",
        family="random_forest",
        space={
            "max_features": Choice(["sqrt", "log2", None]),
            "max_depth": Choice([None, 4, 8, 16]),
            "min_samples_leaf": Int(1, 20),
        },
        fixed={"n_estimators": 100},
    ),
    Guide(
        name="random_forest/share",
        family="random_forest",
        space={"max_features": Float(0.1, 1.0), "min_samples_split": Int(2, 30)},
        fixed={"n_estimators": 100},
    ),
    Guide(
        name="random_forest/example",
        family="random_forest",
        space={
            "n_estimators": Int(10, 200, log=True),
            "max_depth": Int(2, 32, log=True),
            "criterion": Choice(["gini", "entropy"]),
        },
    ),
    Guide(
        name="svm/grid",
        family="svm",
        space={"C": Float(1e-2, 1e3, log=True), "gamma": Float(1e-4, 10.0, log=True)},
        scaled=True,
    ),
    Guide(
        name="svm/kernels",
        family="svm",
        space={"C": Float(1e-3, 1e3, log=True), "kernel": Choice(["linear", "rbf"])},
        fixed={"gamma": "scale"},
        scaled=True,
    ),
    Guide(
        name="svm/cost",
        family="svm",
        space={
            "C": Float(1e-3, 1e3, log=True),
            "class_weight": Choice([None, "balanced"]),
            "tol": Float(1e-4, 1e-1, log=True),
        },
        scaled=True,
    ),
    Guide(
        name="mlp/guide",
        family="mlp",
        space={
            "learning_rate_init": Float(1e-4, 1e-1, log=True),
            "batch_size": Choice([32, 64, 128]),
            "max_iter": Int(20, 100, log=True),
        },
        scaled=True,
    ),
    Guide(
        name="mlp/rate",
        family="mlp",
        space={"learning_rate_init": Float(1e-5, 1.0, log=True), "solver": Choice(["adam", "sgd"])},
        fixed={"max_iter": 40},
        scaled=True,
    ),
    Guide(
        name="mlp/steps",
        family="mlp",
        space={"learning_rate_init": Float(1e-4, 1e-1, log=True), "max_iter": Int(10, 100)},
        scaled=True,
    ),
)


def builder(family: str) -> Callable[..., Any]:
    """The library's own classifier of a family."""
    if family == "lightgbm":
        import lightgbm

        def make(**given: Any) -> Any:
            # The scikit-learn class passes its own default rate on beside `eta`, which then loses.
            plain = {"learning_rate" if n == "eta" else n: v for n, v in given.items()}
            return lightgbm.LGBMClassifier(n_jobs=1, verbose=-1, **plain)

        return make
    if family == "xgboost":
        import xgboost

        return lambda **given: xgboost.XGBClassifier(n_jobs=1, verbosity=0, **given)
    if family == "catboost":
        import catboost

        quiet = {"thread_count": 1, "verbose": False, "allow_writing_files": False}
        return lambda **given: catboost.CatBoostClassifier(**quiet, **given)
    from sklearn import ensemble, neural_network, svm

    known: dict[str, Callable[..., Any]] = {
        "hist_gradient_boosting": ensemble.HistGradientBoostingClassifier,
        "random_forest": ensemble.RandomForestClassifier,
        "svm": lambda **given: svm.SVC(max_iter=20_000, **given),
        "mlp": neural_network.MLPClassifier,
    }
    return known[family]
