"""Per study: what a sampler or a pruner remembers of each study it has seen, to read less of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import optuna
from optuna.trial import FrozenTrial, TrialState

T = TypeVar("T")


def every_trial(
    study: optuna.Study, states: tuple[TrialState, ...] | None = None
) -> list[FrozenTrial]:
    """All trials of a study, in the order of their numbers, not copied.

    HyperbandPruner shows a sampler one bracket at a time, by another `get_trials`. What was tried
    in one bracket was tried, so we ask as a plain study is asked.
    """
    return optuna.Study.get_trials(study, deepcopy=False, states=states)


class PerStudy(Generic[T]):
    """One value a study, made when it is first asked for and forgotten with the study's storage.

    A study is known by its storage and its id there: two of one name in two storages are two, and
    the views that HyperbandPruner makes of one are one. A copy, or what comes out of a pickle, has
    seen no study yet: all values can be made again.

    Args:
        make: Makes the value.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._known: WeakKeyDictionary[Any, dict[Any, T]] = WeakKeyDictionary()

    def __call__(self, study: optuna.Study) -> T:
        """The study's value."""
        # Without a public name for the two, as long as Optuna has these; else the study itself.
        home = getattr(study, "_storage", study)
        key = getattr(study, "_study_id", None)
        with self._lock:
            values = self._known.setdefault(home, {})
            if key not in values:
                values[key] = self._make()
            return values[key]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._make,)
