"""A multi-layer perceptron trained by Adam or SGD (torch); one validation score an epoch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.children.child import Child, FoldScores
from autometa.children.evaluation import OutOfTimeError
from autometa.children.folds import Fold, score
from autometa.space import Config, SearchSpace
from autometa.tables import Schema

if TYPE_CHECKING:
    from autometa.children.mlp_start import Start

NAME = "mlp"
EPOCHS = 20

SPACE = SearchSpace(
    {
        "learning_rate": FloatDistribution(1e-5, 1.0, log=True),
        "batch_size": IntDistribution(32, 256, log=True),
        "depth": IntDistribution(1, 3),
        "width": IntDistribution(8, 128, log=True),
        "dropout": FloatDistribution(0.0, 0.7),
        "weight_decay": FloatDistribution(1e-7, 1.0, log=True),
        "optimizer": CategoricalDistribution(["adam", "sgd"]),
        "momentum": FloatDistribution(0.0, 0.99),
        "class_weight": CategoricalDistribution(["none", "balanced"]),
    },
    conditions={"momentum": ("optimizer", ["sgd"])},
    defaults={
        "learning_rate": 1e-3,
        "batch_size": 32,
        "depth": 2,
        "width": 64,
        "dropout": 0.0,
        "weight_decay": 1e-7,
        "optimizer": "adam",
        "class_weight": "none",
    },
    inner_lr="learning_rate",
    name=NAME,
)


def _model(config: Config, schema: Schema, seed: int) -> Any:
    from autometa.children.mlp_estimator import MLPClassifier, MLPRegressor

    options: dict[str, Any] = {**config, "epochs": EPOCHS, "seed": seed}
    if schema.kind == "regression":
        return MLPRegressor(**options)
    return MLPClassifier(**options)


def train_folds(
    config: Config,
    schema: Schema,
    folds: list[Fold],
    seed: int,
    late: Callable[[], bool],
    *,
    epochs: int,
    start: Start | None = None,
) -> FoldScores:
    """All folds at once: as batched matrix products they cost little more than one."""
    from autometa.children.mlp_training import train

    centre, scale = _units(schema, folds)
    scores: list[list[float]] = []

    def watch(predicted: list[NDArray[Any]]) -> bool:
        values = [p * s + c for p, c, s in zip(predicted, centre, scale, strict=True)]
        truth = [f.y_test for f in folds]
        scores.append([score(schema.kind, t, v) for t, v in zip(truth, values, strict=True)])
        if late():
            raise OutOfTimeError
        return not np.isfinite(scores[-1]).all()

    train(
        [(f.X, (f.y - c) / s) for f, c, s in zip(folds, centre, scale, strict=True)]
        if schema.kind == "regression"
        else [(f.X, f.y) for f in folds],
        [f.X_test for f in folds],
        config,
        classes=schema.classes,
        epochs=epochs,
        seed=seed,
        watch=watch,
        start=start,
    )
    return FoldScores(tuple(scores[-1]), tuple(np.mean(scores, axis=1).tolist()))


def _units(schema: Schema, folds: list[Fold]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each fold's training target; 0 and 1 for classes."""
    if schema.kind == "classification":
        return [0.0] * len(folds), [1.0] * len(folds)
    return [float(f.y.mean()) for f in folds], [float(f.y.std()) or 1.0 for f in folds]


CHILD = Child(
    name=NAME,
    space=SPACE,
    preparation="scaled",
    model=_model,
    train_folds=partial(train_folds, epochs=EPOCHS),
    needs=("autometa.children.mlp_training",),
)
