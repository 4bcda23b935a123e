"""Gradient-boosted trees on binned features (scikit-learn); its inner learning rate shrinks."""

from __future__ import annotations

from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.children.child import Child
from autometa.space import Config, SearchSpace
from autometa.tables import Schema

NAME = "hist_gradient_boosting"

SPACE = SearchSpace(
    {
        "learning_rate": FloatDistribution(1e-3, 1.0, log=True),
        "max_iter": IntDistribution(10, 100, log=True),
        "max_leaf_nodes": IntDistribution(2, 32, log=True),
        "min_samples_leaf": IntDistribution(1, 100, log=True),
        "l2_regularization": FloatDistribution(1e-6, 1e2, log=True),
        "max_features": FloatDistribution(0.1, 1.0),
        "max_bins": IntDistribution(8, 255, log=True),
        "class_weight": CategoricalDistribution(["none", "balanced"]),
    },
    defaults={
        "learning_rate": 0.1,
        "max_iter": 100,
        "max_leaf_nodes": 31,
        "min_samples_leaf": 20,
        "l2_regularization": 1e-6,
        "max_features": 1.0,
        "max_bins": 255,
        "class_weight": "none",
    },
    inner_lr="learning_rate",
    name=NAME,
)


def _model(config: Config, schema: Schema, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    options = {k: v for k, v in config.items() if k != "class_weight"}
    options |= {"early_stopping": False, "random_state": seed}
    if schema.kind == "regression":
        return HistGradientBoostingRegressor(**options)
    weight = None if config["class_weight"] == "none" else "balanced"
    return HistGradientBoostingClassifier(**options, class_weight=weight)


CHILD = Child(
    name=NAME, space=SPACE, preparation="encoded", model=_model, needs=("sklearn.ensemble",)
)
