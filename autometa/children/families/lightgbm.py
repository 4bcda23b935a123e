"""Gradient-boosted trees grown leaf by leaf (LightGBM: Ke et al., NeurIPS 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.children.child import Child, Prediction
from autometa.encoding import Floats
from autometa.space import Config, SearchSpace
from autometa.tables import Schema

NAME = "lightgbm"

SPACE = SearchSpace(
    {
        "learning_rate": FloatDistribution(5e-3, 0.5, log=True),
        "n_estimators": IntDistribution(20, 2000, log=True),
        "num_leaves": IntDistribution(2, 256, log=True),
        "min_child_samples": IntDistribution(1, 100, log=True),
        "subsample": FloatDistribution(0.3, 1.0),
        "colsample_bytree": FloatDistribution(0.1, 1.0),
        "reg_lambda": FloatDistribution(1e-6, 1e2, log=True),
        "reg_alpha": FloatDistribution(1e-6, 1e1, log=True),
        "extra_trees": CategoricalDistribution([False, True]),
        "class_weight": CategoricalDistribution(["none", "balanced"]),
    },
    defaults={
        "learning_rate": 0.1,
        "n_estimators": 100,
        "num_leaves": 31,
        "min_child_samples": 20,
        "subsample": 1.0,
        "colsample_bytree": 1.0,
        "reg_lambda": 1e-6,
        "reg_alpha": 1e-6,
        "extra_trees": False,
        "class_weight": "none",
    },
    inner_lr="learning_rate",
    name=NAME,
)

TUNED: Config = {
    "learning_rate": 0.04,
    "n_estimators": 400,
    "num_leaves": 24,
    "min_child_samples": 10,
    "subsample": 0.8,
    "colsample_bytree": 0.7,
    "reg_lambda": 0.1,
    "reg_alpha": 1e-3,
    "extra_trees": False,
    "class_weight": "none",
}


def _model(config: Config, schema: Schema, seed: int) -> Any:
    import lightgbm

    from autometa.children.families._coded import coded
    from autometa.children.preparation import category_places

    options: dict[str, Any] = {k: v for k, v in config.items() if k != "class_weight"}
    options |= {"subsample_freq": 1, "n_jobs": 1, "verbose": -1, "random_state": seed}
    kinds = lightgbm.LGBMClassifier, lightgbm.LGBMRegressor
    fit = {"categorical_feature": category_places(schema)}
    return coded(*kinds, options, config, schema, fit_options=fit)


def _after(model: Any, X: Floats, schema: Schema, trees: Sequence[int]) -> list[Prediction]:
    return [Prediction.by(model, X, schema, num_iteration=n) for n in trees]


CHILD = Child(
    name=NAME,
    space=SPACE,
    tuned=TUNED,
    preparation="coded",
    model=_model,
    steps="n_estimators",
    after=_after,
    needs=("lightgbm",),
)
