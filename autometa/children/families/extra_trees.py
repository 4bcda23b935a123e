"""Extremely randomised trees (scikit-learn): Geurts, Ernst and Wehenkel (2006)."""

from __future__ import annotations

from functools import partial

from autometa.children.child import Child
from autometa.children.families import _forest as forest

NAME = "extra_trees"

CHILD = Child(
    name=NAME,
    space=forest.space(NAME, bootstrap=False),
    regression={"width_power": 1.0},
    tuned={
        "n_estimators": 300,
        "width_power": 0.7,
        "max_depth": forest.DEEPEST,
        "min_samples_split": 4,
        "min_samples_leaf": 1,
        "bootstrap": False,
        "impurity": "entropy",
        "class_weight": "none",
    },
    preparation="encoded",
    model=partial(forest.model, "ExtraTrees"),
    needs=("sklearn.ensemble",),
)
