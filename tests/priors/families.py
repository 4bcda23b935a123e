"""Portfolios of made-up trials in the spaces of real families."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory

FAMILIES = (
    *("lightgbm", "xgboost", "catboost", "hist_gradient_boosting", "random_forest"),
    *("extra_trees", "svm", "linear", "k_nearest_neighbors", "mlp"),
)


def space_of(family: str) -> SearchSpace:
    child = import_module(f"autometa.children.families.{family}").CHILD
    space: SearchSpace = child.space
    return space


def portfolio_of(
    family: str, *, tasks: int = 3, trials: int = 24, seed: int = 0, same: bool = False
) -> Portfolio:
    """Random configs; more of the first number is better, by a slope of each task's own.

    With `same` all tasks have tried the same configs.
    """
    space, rng = space_of(family), np.random.default_rng(seed)
    histories, raw = [], space.sample_raw(trials, rng)
    for i in range(tasks):
        raw = raw if same else space.sample_raw(trials, rng)
        unit = space.encode_raw(raw)
        histories.append(
            TaskHistory(
                task=Task(
                    name=f"{family}-{i}",
                    space=space,
                    direction="maximize",
                    metric="accuracy",
                    metrics={"log_loss": "minimize"},
                    info={"kind": "classification"},
                ),
                raw=raw,
                values=unit[:, 0] * (1 + i) + 0.01 * rng.random(trials),
                metrics={"log_loss": -unit[:, :1] * (1 + i)},
            )
        )
    return Portfolio(histories)
