"""Who watches a search, and what they are shown."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from autometa.errors import InputError, reason
from autometa.showing import counted
from autometa.tuning.arms import TunedTrial

if TYPE_CHECKING:
    from autometa.tuning.result import TuneResult

_REASONS = 3  # of failures that are told
OnTrial: TypeAlias = Callable[[str, TunedTrial], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a search stands as a trial begins.

    Args:
        family: What is tried.
        trials: How many are done.
        best: Best score until now.
        left: Seconds until the end of the call; None without a limit.
    """

    family: str
    trials: int
    best: float | None
    left: float | None


Watch: TypeAlias = Callable[[Standing], None]


class TuneWarning(UserWarning):
    """Something beside the search went wrong; its results are there."""


@dataclass
class Audience:
    """Functions of the user's that are told of a search.

    What they raise does not end it: the first mistake of each is warned of at once, the others are
    counted. KeyboardInterrupt, which is no mistake, stops the search.

    Args:
        on_trial: Called with the arm's name and the trial after each trial.
        watch: Called with the `Standing` before each trial that this process evaluates.
        message: Called with a sentence about a worker that died, or the search that was stopped.

    Raises:
        InputError: one cannot be called.

    >>> audience = Audience(on_trial=None, watch=None, message=print)
    >>> audience.message("worker 1 ended")
    worker 1 ended
    >>> audience.notes
    ()
    """

    on_trial: OnTrial | None
    watch: Watch | None
    message: Callable[[str], None]
    _mistakes: dict[str, list[str]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("on_trial", "watch", "message"):
            function = getattr(self, name)
            if function is not None and not callable(function):
                raise InputError(
                    f"{name} of type {type(function).__name__}", allowed="a function, or None"
                )

    def after(self, arm: str, trial: TunedTrial) -> None:
        """A trial of an arm is done."""
        self._tell("on_trial", arm, trial)

    def before(self, standing: Standing) -> None:
        """A trial begins."""
        self._tell("watch", standing)

    def say(self, sentence: str) -> None:
        """Something happened to a worker."""
        self._tell("message", sentence)

    def stopped(self) -> None:
        """The user stopped the search: what takes time now is the model."""
        self.say("stopped: the best config is fitted to all rows; stopped again, there is no model")

    def _tell(self, name: str, *about: object) -> None:
        function = getattr(self, name)
        if function is None:
            return
        try:
            function(*about)
        except Exception as error:  # of the user's own code
            said = self._mistakes.setdefault(name, [])
            said.append(reason(error))
            if len(said) == 1:
                warnings.warn(
                    f"{name} raised {said[0]}; the search goes on", TuneWarning, stacklevel=3
                )

    @property
    def notes(self) -> tuple[str, ...]:
        """What went wrong, a sentence for each function."""
        return tuple(
            f"{name} raised {counted(len(said), 'time')}, first {said[0]}"
            for name, said in self._mistakes.items()
        )


def why_no_model(result: TuneResult) -> str:
    """Why a search has ended without the model that was asked for."""
    if result.best is not None:
        return f"no model could be fitted: {result.notes[-1]}"
    late = f": none was tried in {result.seconds:.0f} s; give it more"
    return "no trial succeeded" + (why_failed(result) if len(result.warm) else late)


def why_failed(result: TuneResult) -> str:
    """The different reasons of failed trials, the most frequent first, behind a colon."""
    trials = (t for arm in result.arms for t in arm.trials if t.value is None)
    errors = Counter(t.error or "unknown" for t in trials)
    listed = [f"{error} ({counted(n, 'trial')})" for error, n in errors.most_common(_REASONS)]
    return ": " + "; ".join(listed) if listed else ""


def warn_untested(result: TuneResult, *, refit: bool = True) -> None:
    """Warn the caller's caller of a model that no trial has tested, or of none at all."""
    said = ""
    if result.untested:
        said = (
            f"no trial ended within {result.seconds:.1f} s: the model is {result.child} with its "
            "defaults, which nothing has tested; give it more time"
        )
    elif result.fitted is None and refit:
        said = f"there is no model: {why_no_model(result)}"
    if said:
        warnings.warn(said, TuneWarning, stacklevel=3)
