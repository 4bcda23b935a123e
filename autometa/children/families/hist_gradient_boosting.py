"""Gradient-boosted trees on binned features (scikit-learn); its inner learning rate shrinks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.children.child import Child, Prediction
from autometa.encoding import Floats
from autometa.space import Config, SearchSpace
from autometa.tables import Schema

NAME = "hist_gradient_boosting"

SPACE = SearchSpace(
    {
        "learning_rate": FloatDistribution(5e-3, 0.5, log=True),
        "max_iter": IntDistribution(20, 2000, log=True),
        "max_leaf_nodes": IntDistribution(2, 256, log=True),
        "min_samples_leaf": IntDistribution(1, 100, log=True),
        "l2_regularization": FloatDistribution(1e-6, 1e2, log=True),
        "max_features": FloatDistribution(0.1, 1.0),
        "class_weight": CategoricalDistribution(["none", "balanced"]),
    },
    defaults={
        "learning_rate": 0.1,
        "max_iter": 100,
        "max_leaf_nodes": 31,
        "min_samples_leaf": 20,
        "l2_regularization": 1e-6,
        "max_features": 1.0,
        "class_weight": "none",
    },
    inner_lr="learning_rate",
    name=NAME,
)

TUNED: Config = {
    "learning_rate": 0.05,
    "max_iter": 250,
    "max_leaf_nodes": 20,
    "min_samples_leaf": 10,
    "l2_regularization": 0.1,
    "max_features": 0.6,
    "class_weight": "none",
}


def _model(config: Config, schema: Schema, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    from autometa.children.preparation import category_places

    options: dict[str, Any] = {k: v for k, v in config.items() if k != "class_weight"}
    options |= {
        "early_stopping": False,
        "random_state": seed,
        "categorical_features": category_places(schema) or None,
    }
    if schema.kind == "regression":
        return HistGradientBoostingRegressor(**options)
    weight = None if config["class_weight"] == "none" else "balanced"
    return HistGradientBoostingClassifier(**options, class_weight=weight)


def _after(model: Any, X: Floats, schema: Schema, trees: Sequence[int]) -> list[Prediction]:
    wanted, found = set(trees), {}
    regression = schema.kind == "regression"
    staged = model.staged_predict(X) if regression else model.staged_predict_proba(X)
    for n, rows in enumerate(staged, start=1):
        if n in wanted:
            found[n] = (
                Prediction(rows)
                if regression
                else Prediction.of_classes(rows, model.classes_, schema)
            )
    return [found[n] for n in trees]


CHILD = Child(
    name=NAME,
    space=SPACE,
    tuned=TUNED,
    preparation="coded",
    model=_model,
    steps="max_iter",
    after=_after,
    needs=("sklearn.ensemble",),
)
