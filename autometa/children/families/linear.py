"""Linear models (scikit-learn): ridge-penalised by a full solver, or elastic-net by SGD.

The solver switches its own parameters. Only SGD has an inner learning rate, its `eta0`.
"""

from __future__ import annotations

from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.children.child import Child
from autometa.space import Config, SearchSpace
from autometa.tables import Schema

NAME = "linear"
MAX_ITERATIONS = 200

SPACE = SearchSpace(
    {
        "solver": CategoricalDistribution(["lbfgs", "sgd"]),
        "C": FloatDistribution(1e-5, 1e4, log=True),
        "eta0": FloatDistribution(1e-5, 1.0, log=True),
        "alpha": FloatDistribution(1e-7, 1e1, log=True),
        "l1_ratio": FloatDistribution(0.0, 1.0),
        "schedule": CategoricalDistribution(["constant", "invscaling", "adaptive"]),
        "epochs": IntDistribution(3, 60, log=True),
        "average": CategoricalDistribution([False, True]),
        "class_weight": CategoricalDistribution(["none", "balanced"]),
    },
    conditions={
        "C": ("solver", ["lbfgs"]),
        **{n: ("solver", ["sgd"]) for n in ("eta0", "alpha", "l1_ratio")},
        **{n: ("solver", ["sgd"]) for n in ("schedule", "epochs", "average")},
    },
    defaults={"solver": "lbfgs", "C": 1.0, "class_weight": "none"},
    inner_lr="eta0",
    name=NAME,
)


def _model(config: Config, schema: Schema, seed: int) -> Any:
    from sklearn import linear_model

    from autometa.children.preparation import with_standard_target

    regression = schema.kind == "regression"
    weight = "balanced" if config.get("class_weight") == "balanced" else None
    if config["solver"] == "lbfgs":
        C = config["C"]
        assert isinstance(C, float)
        if regression:
            return linear_model.Ridge(alpha=1 / C)
        return linear_model.LogisticRegression(C=C, class_weight=weight, max_iter=MAX_ITERATIONS)
    options = {
        "penalty": "elasticnet",
        "learning_rate": config["schedule"],
        "max_iter": config["epochs"],
        "tol": None if config["schedule"] != "adaptive" else 1e-3,
        "random_state": seed,
        **{n: config[n] for n in ("eta0", "alpha", "l1_ratio", "average")},
    }
    if regression:
        return with_standard_target(linear_model.SGDRegressor(**options), schema)
    return linear_model.SGDClassifier(loss="log_loss", class_weight=weight, **options)


CHILD = Child(
    name=NAME,
    space=SPACE,
    tuned={"solver": "lbfgs", "C": 0.1, "class_weight": "none"},
    preparation="scaled",
    model=_model,
    needs=("sklearn.linear_model",),
)
