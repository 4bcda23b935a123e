"""Gradient-boosted oblivious trees with ordered statistics of categories (CatBoost).

Prokhorenkova et al., "CatBoost: unbiased boosting with categorical features" (NeurIPS 2018). The
library chooses its own learning rate from the number of rows where none is given; the default here
is what it chooses for about 1,300 rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.children.child import Child, Prediction
from autometa.encoding import Floats
from autometa.space import Config, SearchSpace
from autometa.tables import Schema

NAME = "catboost"

SPACE = SearchSpace(
    {
        "learning_rate": FloatDistribution(5e-3, 0.5, log=True),
        "n_estimators": IntDistribution(20, 2000, log=True),
        "depth": IntDistribution(1, 8),
        "l2_leaf_reg": FloatDistribution(1e-1, 1e2, log=True),
        "random_strength": FloatDistribution(1e-2, 1e1, log=True),
        "subsample": FloatDistribution(0.3, 1.0),
        "colsample_bylevel": FloatDistribution(0.1, 1.0),
        "one_hot_max_size": IntDistribution(2, 32, log=True),
        "class_weight": CategoricalDistribution(["none", "balanced"]),
    },
    defaults={
        "learning_rate": 0.012,
        "n_estimators": 1000,
        "depth": 6,
        "l2_leaf_reg": 3.0,
        "random_strength": 1.0,
        "subsample": 0.8,
        "colsample_bylevel": 1.0,
        "one_hot_max_size": 2,
        "class_weight": "none",
    },
    inner_lr="learning_rate",
    name=NAME,
)

TUNED: Config = {
    "learning_rate": 0.06,
    "n_estimators": 500,
    "depth": 5,
    "l2_leaf_reg": 4.0,
    "random_strength": 1.0,
    "subsample": 0.8,
    "colsample_bylevel": 0.7,
    "one_hot_max_size": 6,
    "class_weight": "none",
}


def _model(config: Config, schema: Schema, seed: int) -> Any:
    import catboost

    from autometa.children.families._coded import coded
    from autometa.children.preparation import category_places

    options: dict[str, Any] = {k: v for k, v in config.items() if k != "class_weight"}
    options |= {
        "bootstrap_type": "MVS",
        "thread_count": 1,
        "random_seed": seed,
        "allow_writing_files": False,
        "verbose": False,
    }
    kinds = catboost.CatBoostClassifier, catboost.CatBoostRegressor
    places = category_places(schema)
    fit = {"cat_features": places} if places else {}
    return coded(*kinds, options, config, schema, fit_options=fit, categories=places)


def _after(model: Any, X: Floats, schema: Schema, trees: Sequence[int]) -> list[Prediction]:
    return [Prediction.by(model, X, schema, ntree_end=n) for n in trees]


CHILD = Child(
    name=NAME,
    space=SPACE,
    tuned=TUNED,
    regression={"learning_rate": 0.043},
    preparation="coded",
    model=_model,
    steps="n_estimators",
    after=_after,
    needs=("catboost",),
    package="catboost",
    install="pip install 'autometa[boosting]'",
)
