"""Task: a data set, a search space and a direction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from optuna.study import StudyDirection

from autometa.errors import RecordError
from autometa.space import SearchSpace

Direction: TypeAlias = Literal["maximize", "minimize"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A data set + a search space + a direction.

    Args:
        name: Unique among the tasks of one space.
        space: What was tuned.
        direction: "maximize" or "minimize" the metric; required, never guessed.
        metric: What the values measure.
        family: Relatives share a family: they never stand on both sides of a split. Its own name
            where the task has no relatives.
        meta_features: Data set -> named finite numbers (see `meta_features`); may be empty.
        metrics: Other metrics by which the trials were scored, and which way each is better.
        info: Free provenance (source, licence, rows, fingerprint, ...), JSON-able.

    Raises:
        RecordError: a field is not valid.
    """

    name: str
    space: SearchSpace
    direction: Direction
    metric: str = "value"
    family: str = ""
    meta_features: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, Direction] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise RecordError(f"task name {self.name!r}", allowed="a non-empty string")
        if not isinstance(self.space, SearchSpace):
            raise RecordError(
                f"space of task {self.name!r} is {type(self.space).__name__}",
                allowed="an autometa.SearchSpace",
            )
        object.__setattr__(self, "direction", check_direction(self.direction))
        if not isinstance(self.family, str) or not isinstance(self.metric, str):
            raise RecordError(
                f"family {self.family!r}, metric {self.metric!r} of task {self.name!r}",
                allowed="text",
            )
        try:
            features = {str(k): float(v) for k, v in self.meta_features.items()}
        except (AttributeError, TypeError, ValueError) as error:
            raise RecordError(
                f"meta-features of task {self.name!r}: {error}", allowed="names -> finite numbers"
            ) from error
        bad = [k for k, v in features.items() if not math.isfinite(v)]
        if bad:
            raise RecordError(
                f"meta-feature {bad[0]!r} of task {self.name!r} is {features[bad[0]]}",
                allowed="finite numbers",
                do="Leave unknown meta-features out",
            )
        object.__setattr__(self, "meta_features", features)
        object.__setattr__(self, "metrics", _checked_metrics(self.metrics, self))
        object.__setattr__(self, "info", dict(self.info))
        object.__setattr__(self, "family", self.family or self.name)


def _checked_metrics(metrics: Any, task: Task) -> dict[str, Direction]:
    if not isinstance(metrics, Mapping) or not all(isinstance(n, str) and n for n in metrics):
        raise RecordError(
            f"metrics {metrics!r:.80} of task {task.name!r}", allowed="names -> directions"
        )
    return {name: check_direction(d) for name, d in metrics.items() if name != task.metric}


def check_direction(direction: object) -> Direction:
    """The direction, if it is one; Optuna's own as its word.

    Raises:
        RecordError: anything but "maximize", "minimize" and Optuna's own for these.
    """
    if isinstance(direction, StudyDirection):
        direction = direction.name.lower()
    if direction not in get_args(Direction):
        raise RecordError(
            f"direction {direction!r}",
            allowed="'maximize' or 'minimize'",
            do="Say which way the metric is better",
        )
    return direction  # type: ignore[return-value]
