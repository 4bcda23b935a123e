"""A multi-layer perceptron trained by Adam or SGD (torch); one held-out score an epoch.

Numbers are scaled by their quartiles and squashed, so that no outlier speaks louder than the rest
(Holzmüller, Grinsztajn and Steinwart, "Better by default", 2024); `waves` adds sines and cosines of
each column (Gorishniy et al., "On embeddings for numerical features", 2022). The rate falls to zero
along a cosine over the config's epochs: the number of epochs is a parameter, since stopping on rows
set aside takes from small tables the rows that they need most.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.children.child import Child, Prediction, Trained, metric
from autometa.children.evaluation.evaluate import OutOfTimeError
from autometa.children.metrics import METRICS
from autometa.children.problem import Fold
from autometa.space import Config, SearchSpace
from autometa.tables import Schema

if TYPE_CHECKING:
    from autometa.children.mlp.initial import Start

NAME = "mlp"

SPACE = SearchSpace(
    {
        "learning_rate": FloatDistribution(1e-5, 1.0, log=True),
        "batch_size": IntDistribution(32, 256, log=True),
        "epochs": IntDistribution(8, 128, log=True),
        "depth": IntDistribution(1, 3),
        "width": IntDistribution(8, 256, log=True),
        "dropout": FloatDistribution(0.0, 0.7),
        "weight_decay": FloatDistribution(1e-7, 1.0, log=True),
        "waves": IntDistribution(0, 8),
        "optimizer": CategoricalDistribution(["adam", "sgd"]),
        "momentum": FloatDistribution(0.0, 0.99),
        "class_weight": CategoricalDistribution(["none", "balanced"]),
    },
    conditions={"momentum": ("optimizer", ["sgd"])},
    defaults={
        "learning_rate": 1e-3,
        "batch_size": 32,
        "epochs": 40,
        "depth": 2,
        "width": 64,
        "dropout": 0.0,
        "weight_decay": 1e-7,
        "waves": 0,
        "optimizer": "adam",
        "class_weight": "none",
    },
    inner_lr="learning_rate",
    name=NAME,
)

TUNED: Config = {
    "learning_rate": 3e-3,
    "batch_size": 64,
    "epochs": 60,
    "depth": 2,
    "width": 128,
    "dropout": 0.2,
    "weight_decay": 1e-2,
    "waves": 1,
    "optimizer": "adam",
    "class_weight": "none",
}


def _model(config: Config, schema: Schema, seed: int) -> Any:
    from autometa.children.mlp.estimator import MLPClassifier, MLPRegressor

    options: dict[str, Any] = {**config, "seed": seed}
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
    start: Start | None = None,
) -> Trained:
    """All folds at once: as batched matrix products they cost little more than one."""
    from autometa.children.mlp.training import train
    from autometa.children.mlp.waves import waved

    waves = config.get("waves", 0)
    assert isinstance(waves, int)

    centre, scale = _units(schema, folds)
    curve: list[float] = []
    last: list[Prediction] = []
    score = METRICS[metric(schema.kind)].score

    def watch(predicted: list[NDArray[Any]]) -> bool:
        last[:] = (
            [Prediction(p * s + c) for p, c, s in zip(predicted, centre, scale, strict=True)]
            if schema.kind == "regression"
            else [Prediction.of_shares(p) for p in predicted]
        )
        finite = all(p.finite for p in last)
        if finite:
            scored = [score(f.y_test, p, f.weight_test) for f, p in zip(folds, last, strict=True)]
            curve.append(float(np.mean(scored)))
        if late():
            raise OutOfTimeError
        return not finite

    rows = [waved(f.X, waves, seed) for f in folds]
    targets = [f.y for f in folds]
    if schema.kind == "regression":
        targets = [(y - c) / s for y, c, s in zip(targets, centre, scale, strict=True)]
    train(
        list(zip(rows, targets, strict=True)),
        [waved(f.X_test, waves, seed) for f in folds],
        config,
        classes=schema.classes,
        seed=seed,
        watch=watch,
        start=start,
        weights=[f.weight for f in folds],
    )
    return Trained(tuple(last), tuple(curve))


def _units(schema: Schema, folds: list[Fold]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each fold's training target; 0 and 1 for classes."""
    if schema.kind == "classification":
        return [0.0] * len(folds), [1.0] * len(folds)
    return [float(f.y.mean()) for f in folds], [float(f.y.std()) or 1.0 for f in folds]


CHILD = Child(
    name=NAME,
    space=SPACE,
    tuned=TUNED,
    preparation="robust",
    model=_model,
    train_folds=train_folds,
    weighs=True,
    needs=("autometa.children.mlp.training",),
)
