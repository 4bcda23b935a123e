"""Lineage: how a meta-model came about, and when it has to be fitted anew.

A refit keeps the learned basis, so the basis grows old: it knows nothing of what only later tasks
show. Once the portfolio has grown by a quarter, in tasks or in trials, the next refit is a whole
fit. As with lists that grow by doubling, n tasks that arrive one by one thus cost O(log n) fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autometa.meta.training_set import TrainingSet

_GROWTH = 1.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """See the module.

    Args:
        version: 1 for a model that `fit` made, one more with every refit that changed something.
        digests: Checksums of what each prior task taught when the model was made, length T.
        fitted_tasks: Tasks of the last whole fit.
        fitted_trials: Trials of the last whole fit.
    """

    version: int = 1
    digests: tuple[int, ...] = ()
    fitted_tasks: int = 0
    fitted_trials: int = 0

    @staticmethod
    def whole(training: TrainingSet) -> Lineage:
        """Of a model that was just fitted on this training set."""
        return Lineage(
            digests=training.digests,
            fitted_tasks=len(training),
            fitted_trials=sum(training.counts),
        )

    def is_of(self, tasks: Sequence[str], training: TrainingSet) -> bool:
        """Whether a model of these tasks has seen exactly this training set."""
        return tuple(tasks) == training.names and self.digests == training.digests

    def outgrown_by(self, training: TrainingSet) -> bool:
        """Whether the training set is so much larger than that of the last whole fit."""
        return (
            len(training) > _GROWTH * self.fitted_tasks
            or sum(training.counts) > _GROWTH * self.fitted_trials
        )

    def unchanged(self, tasks: Sequence[str], training: TrainingSet) -> dict[int, int]:
        """Place of a task in the model -> its place in the set, where it teaches the same."""
        places = {
            key: i for i, key in enumerate(zip(training.names, training.digests, strict=True))
        }
        known = enumerate(zip(tasks, self.digests, strict=False))
        return {i: places[key] for i, key in known if key in places}

    def to_json(self) -> dict[str, Any]:
        """Plain data for `from_json`."""
        return {
            "version": self.version,
            "digests": list(self.digests),
            "fitted_tasks": self.fitted_tasks,
            "fitted_trials": self.fitted_trials,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Lineage:
        """The lineage that `to_json` described; what is absent is as for an unknown past."""
        return Lineage(
            version=int(data.get("version", 1)),
            digests=tuple(map(int, data.get("digests", ()))),
            fitted_tasks=int(data.get("fitted_tasks", 0)),
            fitted_trials=int(data.get("fitted_trials", 0)),
        )
