"""Which places of the start's list the trials of a study have, read from their attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, TrialState

from autometa.storages import attributes
from autometa.suggest.suggestion import SLOT


@dataclass(frozen=True, slots=True)
class StartPlaces:
    """Of the trials beside one that is being decided.

    Args:
        taken: Places that they have.
        yielded: How many further ones to leave to them.
    """

    taken: frozenset[int]
    yielded: int

    @classmethod
    def beside(
        cls, study: optuna.Study, trial: FrozenTrial, trials: Sequence[FrozenTrial]
    ) -> StartPlaces:
        """Of all trials of a study but one."""
        places = {
            other.number: place
            for other in trials
            if other.number != trial.number
            and isinstance(place := attributes.read(study, other, SLOT), int)
            and not other.user_attrs.get(attributes.DROPPED)
            and not _cut_short(study, other)
        }
        own = attributes.read(study, trial, SLOT)
        # Two processes that took one place at the same moment both move on; the later trial by one
        # place more, or they would meet again.
        yielded = sum(n < trial.number and place == own for n, place in places.items())
        return cls(frozenset(places.values()), yielded)


def _cut_short(study: optuna.Study, trial: FrozenTrial) -> bool:
    """Whether it failed before it could say what it would try: then its place is free again."""
    return (
        trial.state == TrialState.FAIL
        and not trial.params
        and attributes.read(study, trial, "config") is None
    )
