"""Evaluate a config of a child on a table: cross-validation that records failures as results."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from autometa.children.child import Child, FoldScores
from autometa.children.folds import Fold, prepared, score
from autometa.errors import reason
from autometa.space import Config, Value
from autometa.tables import Schema, Table
from autometa.task import CompletedTrial, State


@dataclass(frozen=True, slots=True)
class Outcome:
    """A trial and, where it failed, why; the reason is not part of the record."""

    trial: CompletedTrial
    error: str = ""


class OutOfTimeError(Exception):
    """Time is up; becomes a FAILED trial."""


def evaluate(
    child: Child,
    config: Mapping[str, Value],
    table: Table,
    *,
    folds: int,
    seed: int,
    timeout: float | None = None,
) -> CompletedTrial:
    """Cross-validate a config; the mean of the fold scores is the trial's value.

    Args:
        child: What to train.
        config: Its config.
        table: What to train on.
        folds: Number of folds.
        seed: Determines the split and all randomness of the child.
        timeout: Seconds after which to give up. Looked at between folds (between epochs where the
            child has them): for a limit that holds, and for memory, see `isolated.Evaluator`.

    Returns:
        The trial: COMPLETE, or FAILED with value None where training raised, gave a score that is
        not finite, or took too long.

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
    folds: int,
    seed: int,
    timeout: float | None = None,
) -> Outcome:
    """As `evaluate`, with the reason of a failure.

    Raises:
        SpaceError, InputError: as `evaluate`.
    """
    checked = child.space.check(config)
    child.refuse(table)
    prepare_to_run(child)
    parts = prepared(table, folds, seed, child.preparation)
    start = time.perf_counter()

    def late() -> bool:
        return timeout is not None and time.perf_counter() - start > timeout

    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # Not converging is an ordinary result of a config, not news for the user.
            warnings.simplefilter("ignore")
            train = child.train_folds
            found = (
                _fold_by_fold(child, checked, table.schema, parts, seed, late)
                if train is None
                else train(checked, table.schema, parts, seed, late)
            )
        wrong = [s for s in found.scores if not math.isfinite(s)]
        error = f"a fold scored {wrong[0]}: predictions are no finite numbers" if wrong else ""
    except OutOfTimeError:
        found, error = FoldScores(()), f"more than {timeout:g} s"
    except Exception as problem:  # whatever a child raises is a result: this config fails
        found, error = FoldScores(()), reason(problem)
    return _outcome(checked, found, time.perf_counter() - start, error)


def prepare_to_run(child: Child) -> None:
    """Import what the child needs; costs nothing the second time."""
    for module in child.needs:
        import_module(module)


def failed(config: Config, seconds: float, error: str) -> Outcome:
    """The outcome of a trial that gave nothing."""
    return Outcome(
        CompletedTrial(config=config, value=None, state=State.FAILED, seconds=seconds), error
    )


def _fold_by_fold(
    child: Child,
    config: Config,
    schema: Schema,
    folds: list[Fold],
    seed: int,
    late: Callable[[], bool],
) -> FoldScores:
    scores = []
    for k, fold in enumerate(folds):
        model = child.model(config, schema, seed + k)
        model.fit(fold.X, fold.y)
        scores.append(score(schema.kind, fold.y_test, model.predict(fold.X_test)))
        if late():
            raise OutOfTimeError
    return FoldScores(tuple(scores))


def _outcome(config: Config, found: FoldScores, seconds: float, error: str) -> Outcome:
    if error:
        return failed(config, seconds, error)
    return Outcome(
        CompletedTrial(
            config=config,
            value=float(np.mean(found.scores)),
            fold_scores=found.scores,
            seconds=seconds,
            curve=tuple(c for c in found.curve if math.isfinite(c)),
        )
    )
