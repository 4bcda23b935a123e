"""What the trials of a study have had of the start: places of its list, and any configs at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, TrialState

from autometa.samplers.new_trials import NewTrials
from autometa.samplers.plan import enqueued_values
from autometa.storages import attributes
from autometa.suggest.suggestion import SLOT
from autometa.suggest.tried import Tried


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTaken:
    """Of the trials beside one that is being decided.

    Args:
        places: That they have in the start's list.
        yielded: How many further places to leave to those who took the same one at once.
        awaited: How many trials before it have not said yet what they try.
        tried: What they have, or will be given.
    """

    places: frozenset[int]
    yielded: int
    awaited: int
    tried: tuple[Tried, ...]


class StartReader:
    """Reads one study again and again, each finished trial once. Not for two threads at once."""

    def __init__(self) -> None:
        self._new = NewTrials()
        self._places: dict[int, int] = {}  # number -> place
        self._tried: list[Tried] = []

    def read(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        trials: Sequence[FrozenTrial],
        unasked: Mapping[int, Set[str]],
    ) -> StartTaken:
        """What the others have had; nothing of those that were interrupted.

        Args:
            study: The study.
            trial: The one that is being decided.
            trials: All of the study's.
            unasked: Number of a trial that has ended -> what it did without.
        """
        pending = []
        for other in self._new.of(trials, deciding=trial.number):
            if other.number == trial.number:
                continue
            if not other.state.is_finished():
                pending.append(other)
                continue
            self._places |= _place(study, other)
            self._tried += _tried(other, unasked.get(other.number, frozenset()))
        places = dict(self._places)
        for other in pending:
            places |= _place(study, other)
        # Two processes that took one place at the same moment both move on; the later trial by one
        # place more, or they would meet again.
        own = attributes.read(study, trial, SLOT)
        return StartTaken(
            places=frozenset(places.values()),
            yielded=sum(n < trial.number and place == own for n, place in places.items()),
            awaited=sum(other.number < trial.number and _silent(study, other) for other in pending),
            tried=(*self._tried, *(had for other in pending for had in _tried(other))),
        )


def _place(study: optuna.Study, trial: FrozenTrial) -> dict[int, int]:
    """A trial's number -> its place; empty where it has none, or has given it back."""
    place = attributes.read(study, trial, SLOT)
    if not isinstance(place, int) or trial.user_attrs.get(attributes.DROPPED):
        return {}
    # One that failed before it could say what it would try leaves its place free.
    cut_short = (
        trial.state == TrialState.FAIL
        and not trial.params
        and attributes.read(study, trial, "config") is None
    )
    return {} if cut_short else {trial.number: place}


def _silent(study: optuna.Study, trial: FrozenTrial) -> bool:
    """Whether a trial has just begun: numbers are given one by one, plans made at any moment."""
    return (
        trial.state == TrialState.RUNNING
        and not trial.params
        and not enqueued_values(trial)
        and attributes.read(study, trial, SLOT) is None
        and attributes.read(study, trial, "config") is None
    )


def _tried(trial: FrozenTrial, unasked: Set[str] = frozenset()) -> Iterator[Tried]:
    """What a trial has, and what it was enqueued with while that is not asked for."""
    if not trial.user_attrs.get(attributes.DROPPED):
        yield Tried(trial.params, unasked)
        if not trial.state.is_finished():
            yield Tried(enqueued_values(trial))
