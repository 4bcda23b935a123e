"""The perceptron from a learned start: `get("mlp@FOLDER")`, FOLDER as `FittedMAML.save` writes it.

Its depth, width and inputs are the start's, so they are not tuned: prepared columns become
principal axes (see `inner.tabular`), and a table's classes are the first outputs. It trains for as
many epochs as the start was learned for steps. What is learned of it holds for this very start, so
the start's checksum is part of the child's name, which is that of its space and of its tasks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution
from torch import Tensor

from autometa.children.child import FROM, Child, Trained
from autometa.children.families import mlp
from autometa.children.mlp.initial import Start
from autometa.children.problem import Fold
from autometa.errors import InputError, ModelError
from autometa.inner.few_steps import load_start
from autometa.inner.fitted import FittedMAML
from autometa.inner.store import digest
from autometa.inner.tabular import Embedding, Perceptron
from autometa.space import Config, SearchSpace
from autometa.tables import Schema, Table, fingerprint, same_data

MOST_EPOCHS = 1000
_FIXED = ("depth", "width", "epochs", "waves")  # by the start, or not of its network


def starting_from(folder: str | Path) -> Child:
    """The child that starts where `learn_start` ended.

    Raises:
        StoreError: no start in the folder, or a damaged one.
        ModelError: a start of another network, or for very many steps.
    """
    fitted = load_start(folder)
    if fitted.steps > MOST_EPOCHS:
        raise ModelError(f"a start for {fitted.steps} steps", allowed=f"up to {MOST_EPOCHS}")
    bounds = mlp.SPACE.distributions["learning_rate"]
    assert isinstance(bounds, FloatDistribution)
    start = _start_of(fitted, lowest=bounds.low, highest=bounds.high)
    name = f"{mlp.NAME}{FROM}{_identity(fitted)}"
    epochs = max(fitted.steps, 1)
    return Child(
        name=name,
        space=_space(name, start),
        preparation="scaled",
        model=partial(_model, start=start, epochs=epochs),
        train_folds=partial(_train_folds, start=start, epochs=epochs),
        weighs=True,
        needs=mlp.CHILD.needs,
        source=f"{mlp.NAME}@{Path(folder).absolute()}",
        refuse=partial(_refuse, start=start, learned=fitted.info.get("tables")),
    )


def _space(name: str, start: Start) -> SearchSpace:
    """The perceptron's, without its shape; the defaults are what was learned."""
    kept = {k: d for k, d in mlp.SPACE.distributions.items() if k not in _FIXED}
    defaults = {k: v for k, v in mlp.SPACE.defaults.items() if k in kept}
    defaults |= {
        "learning_rate": start.rate,
        "batch_size": kept["batch_size"].high,  # type: ignore[attr-defined]
        "optimizer": "sgd",
        "momentum": 0.0,
    }
    return SearchSpace(
        kept,
        conditions=mlp.SPACE.conditions,
        defaults=defaults,
        inner_lr=mlp.SPACE.inner_lr,
        name=name,
    )


def _refuse(table: Table, *, start: Start, learned: Any) -> None:
    """Refuse a table that the start cannot serve, or that it was learned on.

    Raises:
        InputError: a regression, more classes than the start has, or data that it has seen.
    """
    _refuse_kind(table.schema, start)
    own = _fingerprint(table)
    for seen in learned if isinstance(learned, list) else []:
        if not isinstance(seen, dict):
            continue
        related = seen.get("family") in (table.name, table.family) or seen.get("name") == table.name
        if related or same_data(own, seen.get("fingerprint", {})):
            raise InputError(
                f"table {table.name!r} for a start that was learned on {seen.get('name')!r}",
                allowed="tables that the start has not seen",
                do="Learn a start on other tables",
            )


def _refuse_kind(schema: Schema, start: Start) -> None:
    outputs = start.sizes[-1]
    if not 0 < schema.classes <= outputs:
        what = f"{schema.classes} classes" if schema.classes else "a regression"
        raise InputError(
            f"{what} for a learned start",
            allowed=f"a classification of up to {outputs} classes with this start",
            do="Leave the start out: child 'mlp'",
        )


@lru_cache(maxsize=4)
def _fingerprint(table: Table) -> dict[str, Any]:
    return fingerprint(table)


def _options(config: Config, start: Start, epochs: int) -> Config:
    """The config with the start's shape and duration."""
    _, *hidden, _ = start.sizes
    return {**config, "depth": len(hidden), "width": hidden[0], "epochs": epochs}


def _model(config: Config, schema: Schema, seed: int, *, start: Start, epochs: int) -> Any:
    from autometa.children.mlp.estimator import MLPClassifier

    _refuse_kind(schema, start)
    options: dict[str, Any] = {**_options(config, start, epochs), "seed": seed}
    return MLPClassifier(**options, start=start)


def _train_folds(
    config: Config,
    schema: Schema,
    folds: list[Fold],
    seed: int,
    late: Callable[[], bool],
    *,
    start: Start,
    epochs: int,
) -> Trained:
    embedded = []
    for fold in folds:
        embed = Embedding.fit(fold.X, np.random.default_rng(seed))
        X, X_test = (embed(rows).astype(np.float64) for rows in (fold.X, fold.X_test))
        embedded.append(replace(fold, X=X, X_test=X_test))
    return mlp.train_folds(
        _options(config, start, epochs), schema, embedded, seed, late, start=start
    )


def _start_of(fitted: FittedMAML, *, lowest: float, highest: float) -> Start:
    """What meta-training learned, for the child; `rate` is within the bounds.

    Raises:
        ModelError: a start of another network, or trained for another loss.
    """
    if not isinstance(fitted.module, Perceptron) or fitted.loss != "cross_entropy":
        raise ModelError(
            f"a start of a {type(fitted.module).__name__} with loss {fitted.loss!r}",
            allowed="one of the perceptron for tables with loss 'cross_entropy'",
            do="Learn it with learn_start",
        )
    rates = fitted.rates
    level = np.exp(np.mean([float(rate.log().mean()) for rate in rates.values()]))
    rate = float(np.clip(level, lowest, highest))
    weights, factors = [], []
    for name, _ in fitted.module.named_parameters():  # a file has its own order
        value = fitted.params[name]
        own = rates.get(name, torch.zeros(1)) / rate
        weights.append(_array(value.mT if value.ndim == 2 else value))
        factors.append(_array(own.mT if own.ndim == 3 else own))
    return Start(weights=tuple(weights), factors=tuple(factors), rate=rate, clip=fitted.clip)


def _identity(fitted: FittedMAML) -> str:
    """A short sum of all that decides how a child starts and moves."""
    parts = (digest(fitted.params), digest(fitted.logs), fitted.steps, float(fitted.clip))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _array(value: Tensor) -> NDArray[Any]:
    return value.detach().cpu().float().contiguous().numpy()
