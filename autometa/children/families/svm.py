"""Support vector machines (scikit-learn) with a kernel that switches its own parameters.

`gamma` is in units of 1 / (number of features), the library's own default on standardised features,
so that one value means the same on tables of any width.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.children.child import Child
from autometa.encoding import Floats
from autometa.space import Config, SearchSpace
from autometa.tables import Schema

NAME = "svm"
MAX_ITERATIONS = 20_000
CACHE_MB = 100

SPACE = SearchSpace(
    {
        "kernel": CategoricalDistribution(["linear", "rbf", "poly", "sigmoid"]),
        "C": FloatDistribution(1e-3, 1e3, log=True),
        "gamma": FloatDistribution(1e-3, 1e2, log=True),
        "degree": IntDistribution(2, 5),
        "coef0": FloatDistribution(-1.0, 1.0),
        "tol": FloatDistribution(1e-4, 1e-1, log=True),
        "class_weight": CategoricalDistribution(["none", "balanced"]),
    },
    conditions={
        "gamma": ("kernel", ["rbf", "poly", "sigmoid"]),
        "degree": ("kernel", ["poly"]),
        "coef0": ("kernel", ["poly", "sigmoid"]),
    },
    defaults={"kernel": "rbf", "C": 1.0, "gamma": 1.0, "tol": 1e-3, "class_weight": "none"},
    name=NAME,
)


def _model(config: Config, schema: Schema, seed: int) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.svm import SVC, SVR

    from autometa.children.families._calibrated import Calibrated
    from autometa.children.preparation import with_standard_target

    options: dict[str, Any] = {k: v for k, v in config.items() if k != "class_weight"}
    options |= {"max_iter": MAX_ITERATIONS, "cache_size": CACHE_MB}
    if schema.kind == "regression":
        model = with_standard_target(SVR(**options), schema)
    else:
        weight = None if config["class_weight"] == "none" else "balanced"
        machine = SVC(**options, class_weight=weight, random_state=seed)
        if "gamma" in config:
            machine = make_pipeline(FunctionTransformer(by_root_of_width), machine)
        return Calibrated(machine, seed=seed)
    if "gamma" not in config:
        return model
    return make_pipeline(FunctionTransformer(by_root_of_width), model)


def by_root_of_width(X: Floats) -> Floats:
    """X (n, d) / sqrt(d): gamma x'z with gamma in units of 1 / d."""
    shrunk: Floats = X / np.sqrt(X.shape[1])
    return shrunk


CHILD = Child(
    name=NAME,
    space=SPACE,
    tuned={"kernel": "rbf", "C": 10.0, "gamma": 0.5, "tol": 1e-3, "class_weight": "none"},
    preparation="scaled",
    model=_model,
    needs=("sklearn.svm",),
)
