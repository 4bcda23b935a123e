"""What random forests and extra trees share: scikit-learn's two forests differ in their defaults.

The number of columns that a split looks at is tuned as a power of the table's width, so that one
value means the same on tables of any width: 0.5 is the square root, 1 is all.
"""

from __future__ import annotations

from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.space import Config, SearchSpace
from autometa.space.values import Value
from autometa.tables import Schema

DEEPEST = 40
"""A depth of so many is no limit at all."""


def space(name: str, *, bootstrap: bool) -> SearchSpace:
    """The space of a forest, with the library's defaults for a classification."""
    distributions: dict[str, BaseDistribution] = {
        "n_estimators": IntDistribution(20, 500, log=True),
        "width_power": FloatDistribution(0.0, 1.0),
        "max_depth": IntDistribution(2, DEEPEST, log=True),
        "min_samples_split": IntDistribution(2, 64, log=True),
        "min_samples_leaf": IntDistribution(1, 64, log=True),
        "bootstrap": CategoricalDistribution([True, False]),
        "max_samples": FloatDistribution(0.1, 1.0),
        "impurity": CategoricalDistribution(["gini", "entropy"]),
        "class_weight": CategoricalDistribution(["none", "balanced"]),
    }
    defaults: dict[str, Value] = {
        "n_estimators": 100,
        "width_power": 0.5,
        "max_depth": DEEPEST,
        "min_samples_split": 2,
        "min_samples_leaf": 1,
        "bootstrap": bootstrap,
        "impurity": "gini",
        "class_weight": "none",
    }
    if bootstrap:
        defaults["max_samples"] = 1.0
    return SearchSpace(
        distributions,
        conditions={"max_samples": ("bootstrap", [True])},
        defaults=defaults,
        name=name,
    )


def model(family: str, config: Config, schema: Schema, seed: int) -> Any:
    """A forest; family is the beginning of its class's name in scikit-learn."""
    from sklearn import ensemble

    from autometa.children.preparation import columns_added

    own = ("class_weight", "impurity", "width_power", "max_depth")
    options = {k: v for k, v in config.items() if k not in own}
    power, depth = config["width_power"], config["max_depth"]
    assert isinstance(power, float)
    width = len(schema.numeric) + len(schema.categorical) + columns_added(schema)
    options |= {
        "max_features": max(1, min(width, int(width**power + 1e-9))),
        "max_depth": None if depth == DEEPEST else depth,
        "random_state": seed,
    }
    if schema.kind == "regression":
        return getattr(ensemble, f"{family}Regressor")(**options)
    weight = None if config["class_weight"] == "none" else "balanced"
    return getattr(ensemble, f"{family}Classifier")(
        **options, criterion=config["impurity"], class_weight=weight
    )
