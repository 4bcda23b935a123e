"""Evaluate a config of a child on a table: cross-validation that records failures as results."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count, takewhile

import numpy as np
from optuna.distributions import IntDistribution

from autometa.children.child import Child, metric
from autometa.children.folds import Fold, Folds, prepared
from autometa.children.metrics import scores
from autometa.children.prediction import Prediction
from autometa.errors import reason
from autometa.space import Config, Value
from autometa.tables import Schema, Table
from autometa.task import CompletedTrial, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A trial and what is known of it beyond the record.

    Args:
        trial: The record.
        error: Why it failed; empty where it did not.
        metrics: Every standard metric by name, one value a fold; NaN where it is not defined.
        predictions: Of each fold's test rows; none where it failed.
        fit_seconds: Processor time of fitting, all folds; NaN where it is not known apart.
        predict_seconds: Processor time of predicting, all folds.
        after: Steps (trees) -> metric -> mean over folds, for fewer steps than the config's.
    """

    trial: CompletedTrial
    error: str = ""
    metrics: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    predictions: tuple[Prediction, ...] = ()
    fit_seconds: float = math.nan
    predict_seconds: float = math.nan
    after: Mapping[int, Mapping[str, float]] = field(default_factory=dict)


class OutOfTimeError(Exception):
    """Time is up; becomes a FAILED trial."""


def evaluate(
    child: Child,
    config: Mapping[str, Value],
    table: Table,
    *,
    folds: Folds,
    seed: int,
    timeout: float | None = None,
) -> CompletedTrial:
    """Cross-validate a config; the mean of the fold scores is the trial's value.

    Args:
        child: What to train.
        config: Its config.
        table: What to train on.
        folds: Number of folds, or given splits.
        seed: Determines the split and all randomness of the child.
        timeout: Seconds after which to give up. Looked at between folds (between epochs where the
            child has them): for a limit that holds, and for memory, see `isolated.Evaluator`.

    Returns:
        The trial: COMPLETE, or FAILED with value None where training raised, gave a score that is
        not finite, or took too long. Its seconds are processor time.

    Raises:
        SpaceError: the config is not valid in the child's space.
        InputError: the table has fewer rows than folds, or the child refuses it.
    """
    return run(child, config, table, folds=folds, seed=seed, timeout=timeout).trial


def run(
    child: Child,
    config: Mapping[str, Value],
    table: Table,
    *,
    folds: Folds,
    seed: int,
    timeout: float | None = None,
) -> Outcome:
    """As `evaluate`, with the reason of a failure, every metric and the held-out predictions.

    Raises:
        SpaceError, InputError: as `evaluate`.
    """
    child = child.on(table.kind)
    child.refuse(table)
    checked = child.space.check(config)
    prepare_to_run(child)
    parts = prepared(table, folds, seed, child.preparation)
    begun, start = time.process_time(), time.perf_counter()

    def late() -> bool:
        return timeout is not None and time.perf_counter() - start > timeout

    found = _Found()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # Not converging is an ordinary result of a config, not news for the user.
            warnings.simplefilter("ignore")
            train = child.train_folds
            if train is None:
                _fold_by_fold(child, checked, table.schema, parts, seed, late, found)
            else:
                trained = train(checked, table.schema, parts, seed, late)
                found.predictions, found.curve = list(trained.predictions), trained.curve
            return _outcome(checked, table.schema, parts, found, time.process_time() - begun)
    except OutOfTimeError:
        error = f"more than {timeout:g} s"
    except Exception as problem:  # whatever a child raises is a result: this config fails
        error = reason(problem)
    return failed(checked, time.process_time() - begun, error)


def prepare_to_run(child: Child) -> None:
    """Import what the child needs; costs nothing the second time."""
    for module in child.needs:
        import_module(module)


def failed(config: Config, seconds: float, error: str) -> Outcome:
    """The outcome of a trial that gave nothing."""
    trial = CompletedTrial(config=config, value=None, state=State.FAILED, seconds=seconds)
    return Outcome(trial=trial, error=error)


@dataclass(slots=True)
class _Found:
    """What the folds gave so far."""

    predictions: list[Prediction] = field(default_factory=list)
    curve: tuple[float, ...] = ()
    fit_seconds: float = math.nan
    predict_seconds: float = math.nan
    after: dict[int, list[Prediction]] = field(default_factory=dict)


def _fold_by_fold(
    child: Child,
    config: Config,
    schema: Schema,
    folds: list[Fold],
    seed: int,
    late: Callable[[], bool],
    found: _Found,
) -> None:
    fewer = _fewer(child, config)
    found.fit_seconds = found.predict_seconds = 0.0
    found.after = {n: [] for n in fewer}
    for k, fold in enumerate(folds):
        at = time.process_time()
        model = child.model(config, schema, seed + k)
        model.fit(fold.X, fold.y)
        fitted = time.process_time()
        found.predictions.append(Prediction.by(model, fold.X_test, schema))
        found.fit_seconds += fitted - at
        found.predict_seconds += time.process_time() - fitted
        if child.after is not None and fewer:
            for n, rows in zip(fewer, child.after(model, fold.X_test, schema, fewer), strict=True):
                found.after[n].append(rows)
        if late():
            raise OutOfTimeError


def _fewer(child: Child, config: Config) -> list[int]:
    """Halves, quarters and so on of the config's steps, for as long as the space has them."""
    if child.steps is None or child.after is None:
        return []
    steps, bounds = config[child.steps], child.space.distributions[child.steps]
    assert isinstance(steps, int)
    assert isinstance(bounds, IntDistribution)
    halved = takewhile(lambda n: n >= bounds.low, (steps >> k for k in count(1)))
    return list(halved)[::-1]


def _outcome(
    config: Config, schema: Schema, folds: list[Fold], found: _Found, seconds: float
) -> Outcome:
    def judged(predictions: Sequence[Prediction]) -> dict[str, tuple[float, ...]]:
        each = [
            scores(fold.y_test, p, schema.kind) for fold, p in zip(folds, predictions, strict=True)
        ]
        return {name: tuple(row[name] for row in each) for name in each[0]}

    metrics = judged(found.predictions)
    own = metrics[metric(schema.kind)]
    if wrong := [s for s in own if not math.isfinite(s)]:
        return failed(
            config, seconds, f"a fold scored {wrong[0]}: predictions are no finite numbers"
        )
    trial = CompletedTrial(
        config=config,
        value=float(np.mean(own)),
        fold_scores=own,
        seconds=seconds,
        curve=tuple(c for c in found.curve if math.isfinite(c)),
    )
    return Outcome(
        trial=trial,
        metrics=metrics,
        predictions=tuple(found.predictions),
        fit_seconds=found.fit_seconds,
        predict_seconds=found.predict_seconds,
        after={
            n: {name: float(np.mean(row)) for name, row in judged(predictions).items()}
            for n, predictions in found.after.items()
        },
    )
