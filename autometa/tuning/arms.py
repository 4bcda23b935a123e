"""The trials of a search, and the arms that they belong to, as plain records.

An *arm* is one search over the same folds: `warm` starts from the portfolio, `cold` is the Optuna
default that a user has without one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autometa.space import Config
from autometa.task import Direction, State


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedTrial:
    """One config tried on the user's table, and why.

    Args:
        number: Optuna's, from 0, in the study of its child: each child of `auto` has its own.
        child: The child that the config builds.
        config: Parameter name -> value.
        value: Mean metric over the folds; None where the trial failed.
        state: How it ended.
        fold_scores: Metric of each fold.
        seconds: Time spent training and scoring, if known.
        inner_lr: The child's inner learning rate, if it has one.
        rule: What proposed it: default, portfolio, transfer, cold, ...
        reason: The same in a sentence, for a reader.
        expected: What the prior expected, as a normal score within a task (0 = the median config
            of a prior task, higher is better); None where the prior had no say.
        weights: Prior task -> its weight in that expectation, where the sampler tells.
        error: Why it failed, if it did.
    """

    number: int
    child: str
    config: Config
    value: float | None
    state: State = State.COMPLETE
    fold_scores: tuple[float, ...] = ()
    seconds: float | None = None
    inner_lr: float | None = None
    rule: str = ""
    reason: str = ""
    expected: float | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data, no NaN."""
        return {
            "number": self.number,
            "child": self.child,
            "config": dict(self.config),
            "value": self.value,
            "state": self.state.name,
            "fold_scores": [s if math.isfinite(s) else None for s in self.fold_scores],
            "seconds": self.seconds,
            "inner_lr": self.inner_lr,
            "rule": self.rule,
            "reason": self.reason,
            "expected": self.expected,
            "weights": dict(self.weights),
            "error": self.error,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """The trials of one search, in order.

    >>> trials = [
    ...     TunedTrial(number=i, child="svm", config={}, value=v)
    ...     for i, v in enumerate([None, 0.7, 0.6, 0.9])
    ... ]
    >>> arm = Arm(name="warm", trials=tuple(trials), direction="maximize")
    >>> arm.best_so_far
    (None, 0.7, 0.7, 0.9)
    >>> arm.trials_to(0.7)
    2
    """

    name: str
    trials: tuple[TunedTrial, ...]
    direction: Direction = "maximize"

    def __len__(self) -> int:
        return len(self.trials)

    @property
    def incumbents(self) -> tuple[TunedTrial | None, ...]:
        """The best trial after each trial; None until one succeeds."""
        best: TunedTrial | None = None
        result = []
        for trial in self.trials:
            if trial.value is not None and (
                best is None or best.value is None or self._better(trial.value, best.value)
            ):
                best = trial
            result.append(best)
        return tuple(result)

    @property
    def best(self) -> TunedTrial | None:
        """The best trial of all, the earlier one among equals."""
        return self.incumbents[-1] if self.trials else None

    @property
    def best_so_far(self) -> tuple[float | None, ...]:
        """The best value after each trial; None until one succeeds."""
        return tuple(None if t is None else t.value for t in self.incumbents)

    def trials_to(self, value: float | None) -> int | None:
        """How many trials it took to reach a value; None where it was never reached."""
        if value is None:
            return None
        for i, best in enumerate(self.best_so_far):
            if best is not None and not self._better(value, best):
                return i + 1
        return None

    def _better(self, a: float, b: float) -> bool:
        return a > b if self.direction == "maximize" else a < b
