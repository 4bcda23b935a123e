"""Random forests (scikit-learn): Breiman, "Random forests" (2001)."""

from __future__ import annotations

from functools import partial

from autometa.children.child import Child
from autometa.children.families import _forest as forest

NAME = "random_forest"

CHILD = Child(
    name=NAME,
    space=forest.space(NAME, bootstrap=True),
    regression={"width_power": 1.0},
    tuned={
        "n_estimators": 300,
        "width_power": 0.6,
        "max_depth": forest.DEEPEST,
        "min_samples_split": 3,
        "min_samples_leaf": 1,
        "bootstrap": True,
        "max_samples": 0.9,
        "impurity": "entropy",
        "class_weight": "none",
    },
    preparation="encoded",
    model=partial(forest.model, "RandomForest"),
    needs=("sklearn.ensemble",),
)
