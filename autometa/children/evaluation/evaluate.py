"""Evaluate a config of a child on a table: cross-validation that records failures as results."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count, takewhile
from typing import Any

import numpy as np
from optuna.distributions import IntDistribution

from autometa.children import weighing
from autometa.children.child import Child, metric
from autometa.children.evaluation.cross_validation import FoldResult, cross_validated
from autometa.children.folds import Folds, prepared, problem_of
from autometa.children.log_target import on_scale
from autometa.children.prediction import Prediction
from autometa.children.problem import Fold, Problem
from autometa.errors import reason
from autometa.space import Config, Value
from autometa.tables import Table
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

    def to_json(self) -> dict[str, Any]:
        """Plain data for another process, without config and predictions; it may hold NaN."""
        trial = self.trial
        return {
            "value": trial.value,
            "state": int(trial.state),
            "fold_scores": trial.fold_scores,
            "seconds": trial.seconds,
            "curve": trial.curve,
            "error": self.error,
            "metrics": self.metrics,
            "fit_seconds": self.fit_seconds,
            "predict_seconds": self.predict_seconds,
            "after": self.after,
        }

    @classmethod
    def from_json(cls, config: Config, data: Mapping[str, Any]) -> Outcome:
        """What `to_json` said of a config."""
        trial = CompletedTrial(
            config=config,
            value=data["value"],
            state=State(data["state"]),
            fold_scores=tuple(data["fold_scores"]),
            seconds=data["seconds"],
            curve=tuple(data["curve"]),
        )
        return cls(
            trial=trial,
            error=data["error"],
            metrics={name: tuple(folds) for name, folds in data["metrics"].items()},
            fit_seconds=data["fit_seconds"],
            predict_seconds=data["predict_seconds"],
            after={int(n): found for n, found in data["after"].items()},
        )


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
    child = on_scale(child.on(table.kind), table.scale)
    child.refuse(table)
    checked = child.space.check(config)
    prepare_to_run(child)
    problem = problem_of(table, folds, seed)
    prepared(table, folds, seed, child.preparation)  # not on the clock
    begun, start = time.process_time(), time.perf_counter()

    def late() -> bool:
        return timeout is not None and time.perf_counter() - start > timeout

    learner = _ChildOnTable(child, checked, table, folds, seed, late)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # Not converging is an ordinary result of a config, not news for the user.
            warnings.simplefilter("ignore")
            found = cross_validated(problem, learner)
            return _outcome(learner, found, time.process_time() - begun)
    except OutOfTimeError:
        error = f"more than {timeout:g} s"
    except Exception as raised:  # whatever a child raises is a result: this config fails
        error = reason(raised)
    return failed(checked, time.process_time() - begun, error)


def prepare_to_run(child: Child) -> None:
    """Import what the child needs; costs nothing the second time."""
    for module in child.needs:
        import_module(module)


def failed(config: Config, seconds: float, error: str) -> Outcome:
    """The outcome of a trial that gave nothing."""
    trial = CompletedTrial(config=config, value=None, state=State.FAILED, seconds=seconds)
    return Outcome(trial=trial, error=error)


@dataclass
class _ChildOnTable:
    """A config of a child as a `Learner`.

    Args:
        child: For the table's kind of problem.
        config: Checked.
        table: What is learned.
        split: Number of folds, or given splits.
        seed: Of these and of the child.
        late: Whether time is up.
        curve: One mean score an epoch, where the child has them.
        after: Steps -> what was said after so many, for each fold.
    """

    child: Child
    config: Config
    table: Table
    split: Folds
    seed: int
    late: Callable[[], bool]
    curve: tuple[float, ...] = ()
    after: dict[int, list[Prediction]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._together: tuple[Prediction, ...] = ()
        self._fewer = _fewer(self.child, self.config)

    def folds(self, problem: Problem) -> list[Fold]:
        return prepared(self.table, self.split, self.seed, self.child.preparation)

    def fit(self, fold: Fold) -> Any:
        """A model; None where the child trains all folds at once, which the first fold does."""
        if self.child.train_folds is None:
            model = self.child.model(self.config, self.table.schema, self.seed + fold.number)
            return weighing.fit(model, fold.X, fold.y, fold.weight)
        if fold.number == 0:
            parts = prepared(self.table, self.split, self.seed, self.child.preparation)
            trained = self.child.train_folds(
                self.config, self.table.schema, parts, self.seed, self.late
            )
            if len(trained.predictions) != len(parts):
                raise ValueError(f"{len(trained.predictions)} predictions of {len(parts)} folds")
            self._together, self.curve = trained.predictions, trained.curve
        return None

    def say(self, model: Any, fold: Fold) -> Prediction:
        if self._together:
            return self._together[fold.number]
        return Prediction.by(model, fold.X_test, self.table.schema)

    def more(self, model: Any, fold: Fold) -> dict[str, float]:
        if self._together:
            return {}
        if self.child.after is not None and self._fewer:
            said = self.child.after(model, fold.X_test, self.table.schema, self._fewer)
            for n, rows in zip(self._fewer, said, strict=True):
                self.after.setdefault(n, []).append(rows)
        if self.late():
            raise OutOfTimeError
        return {}


def _fewer(child: Child, config: Config) -> list[int]:
    """Halves, quarters and so on of the config's steps, for as long as the space has them."""
    if child.steps is None or child.after is None:
        return []
    steps, bounds = config[child.steps], child.space.distributions[child.steps]
    assert isinstance(steps, int)
    assert isinstance(bounds, IntDistribution)
    halved = takewhile(lambda n: n >= bounds.low, (steps >> k for k in count(1)))
    return list(halved)[::-1]


def _outcome(learner: _ChildOnTable, found: Sequence[FoldResult], seconds: float) -> Outcome:
    kind, config = learner.table.schema.kind, learner.config
    metrics = _by_name([fold.scores for fold in found])
    own = metrics[metric(kind)]
    if wrong := [s for s in own if not math.isfinite(s)]:
        return failed(
            config, seconds, f"a fold scored {wrong[0]}: predictions are no finite numbers"
        )
    apart = learner.child.train_folds is None  # else the folds' times are not known one by one
    trial = CompletedTrial(
        config=config,
        value=float(np.mean(own)),
        fold_scores=own,
        seconds=seconds - sum(fold.score_seconds for fold in found),
        curve=tuple(c for c in learner.curve if math.isfinite(c)),
    )
    problem = problem_of(learner.table, learner.split, learner.seed)
    parts = learner.folds(problem)

    def mean(said: Sequence[Prediction]) -> dict[str, float]:
        each = [problem.score(None, p, fold) for p, fold in zip(said, parts, strict=True)]
        return {name: float(np.mean(row)) for name, row in _by_name(each).items()}

    return Outcome(
        trial=trial,
        metrics=metrics,
        predictions=tuple(fold.said for fold in found),
        fit_seconds=sum(fold.fit_seconds for fold in found) if apart else math.nan,
        predict_seconds=sum(fold.say_seconds for fold in found) if apart else math.nan,
        after={n: mean(said) for n, said in learner.after.items()},
    )


def _by_name(each: Sequence[Mapping[str, float]]) -> dict[str, tuple[float, ...]]:
    return {name: tuple(row[name] for row in each) for name in each[0]}
