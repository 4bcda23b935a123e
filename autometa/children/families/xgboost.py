"""Gradient-boosted trees grown level by level (XGBoost: Chen and Guestrin, KDD 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.children.child import Child, Prediction
from autometa.encoding import Floats
from autometa.space import Config, SearchSpace
from autometa.tables import Schema

NAME = "xgboost"

SPACE = SearchSpace(
    {
        "learning_rate": FloatDistribution(5e-3, 0.5, log=True),
        "n_estimators": IntDistribution(20, 2000, log=True),
        "max_depth": IntDistribution(1, 12),
        "min_child_weight": FloatDistribution(1e-2, 1e2, log=True),
        "subsample": FloatDistribution(0.3, 1.0),
        "colsample_bytree": FloatDistribution(0.1, 1.0),
        "reg_lambda": FloatDistribution(1e-6, 1e2, log=True),
        "reg_alpha": FloatDistribution(1e-6, 1e1, log=True),
        "gamma": FloatDistribution(1e-6, 1e1, log=True),
        "class_weight": CategoricalDistribution(["none", "balanced"]),
    },
    defaults={
        "learning_rate": 0.3,
        "n_estimators": 100,
        "max_depth": 6,
        "min_child_weight": 1.0,
        "subsample": 1.0,
        "colsample_bytree": 1.0,
        "reg_lambda": 1.0,
        "reg_alpha": 1e-6,
        "gamma": 1e-6,
        "class_weight": "none",
    },
    inner_lr="learning_rate",
    name=NAME,
)

TUNED: Config = {
    "learning_rate": 0.05,
    "n_estimators": 350,
    "max_depth": 5,
    "min_child_weight": 1.5,
    "subsample": 0.8,
    "colsample_bytree": 0.7,
    "reg_lambda": 1.0,
    "reg_alpha": 1e-2,
    "gamma": 1e-3,
    "class_weight": "none",
}


def _model(config: Config, schema: Schema, seed: int) -> Any:
    import xgboost

    from autometa.children.families._coded import coded
    from autometa.children.preparation import columns_added

    options: dict[str, Any] = {k: v for k, v in config.items() if k != "class_weight"}
    options |= {"tree_method": "hist", "n_jobs": 1, "verbosity": 0, "random_state": seed}
    if schema.categorical:
        types = ["q"] * len(schema.numeric) + ["c"] * len(schema.categorical)
        types += ["q"] * columns_added(schema)
        options |= {"enable_categorical": True, "feature_types": types}
    return coded(xgboost.XGBClassifier, xgboost.XGBRegressor, options, config, schema)


def _after(model: Any, X: Floats, schema: Schema, trees: Sequence[int]) -> list[Prediction]:
    return [Prediction.by(model, X, schema, iteration_range=(0, n)) for n in trees]


CHILD = Child(
    name=NAME,
    space=SPACE,
    tuned=TUNED,
    preparation="coded",
    model=_model,
    steps="n_estimators",
    after=_after,
    needs=("xgboost",),
    package="xgboost",
    install="pip install 'autometa[boosting]', or xgboost-cpu for less",
)
