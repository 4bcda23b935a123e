"""Random forests (scikit-learn)."""

from __future__ import annotations

from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.children.child import Child
from autometa.space import Config, SearchSpace
from autometa.tables import Schema

NAME = "random_forest"

SPACE = SearchSpace(
    {
        "n_estimators": IntDistribution(10, 100, log=True),
        "max_features": FloatDistribution(0.02, 1.0, log=True),
        "max_depth": IntDistribution(2, 32, log=True),
        "min_samples_leaf": IntDistribution(1, 64, log=True),
        "min_impurity_decrease": FloatDistribution(1e-9, 1e-1, log=True),
        "bootstrap": CategoricalDistribution([True, False]),
        "max_samples": FloatDistribution(0.1, 1.0),
        "splitter": CategoricalDistribution(["best", "random"]),
        "class_weight": CategoricalDistribution(["none", "balanced"]),
    },
    conditions={"max_samples": ("bootstrap", [True])},
    defaults={
        "n_estimators": 100,
        "max_features": 0.3,
        "max_depth": 32,
        "min_samples_leaf": 1,
        "min_impurity_decrease": 1e-9,
        "bootstrap": True,
        "max_samples": 1.0,
        "splitter": "best",
        "class_weight": "none",
    },
    name=NAME,
)


def _model(config: Config, schema: Schema, seed: int) -> Any:
    from sklearn import ensemble

    shared = {k: v for k, v in config.items() if k not in ("class_weight", "splitter")}
    shared["random_state"] = seed
    family = "RandomForest" if config["splitter"] == "best" else "ExtraTrees"
    if schema.kind == "regression":
        return getattr(ensemble, f"{family}Regressor")(**shared)
    weight = None if config["class_weight"] == "none" else "balanced"
    return getattr(ensemble, f"{family}Classifier")(**shared, class_weight=weight)


CHILD = Child(
    name=NAME, space=SPACE, preparation="encoded", model=_model, needs=("sklearn.ensemble",)
)
