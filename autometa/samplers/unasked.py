"""Which parameters a trial has done without that trials of its study have had, or might have.

An objective with branches would not ask for them again in the same place: a config that differs in
these alone is tried already. What no trial before had is new in the objective, and counts for later
trials only. A trial that failed may have been cut short while it was asking, by a storage that was
away or a machine that died: what it did without counts once another trial that has ended asked for
just the same. One that was told as failed before there was a result says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from autometa.samplers.new_trials import NewTrials
from autometa.samplers.plan import plan_of
from autometa.storages import attributes


class UnaskedReader:
    """Reads one study again and again, each finished trial once. Not for two threads at once."""

    def __init__(self) -> None:
        self._new = NewTrials()
        self._known: set[str] = set()
        self._asked: set[frozenset[str]] = set()
        self._of: dict[int, frozenset[str]] = {}

    def read(
        self, study: optuna.Study, trial: FrozenTrial, trials: Sequence[FrozenTrial]
    ) -> Mapping[int, frozenset[str]]:
        """Number -> names, of the trials that have ended and did without something.

        Args:
            study: The study.
            trial: The one that is being decided.
            trials: All of the study's, in the order of their numbers.
        """
        for other in self._new.of(trials, deciding=trial.number):
            if other.number == trial.number or not other.state.is_finished():
                continue
            if not other.user_attrs.get(attributes.DROPPED) and (
                names := self._lacked(study, other)
            ):
                self._of[other.number] = names
        return self._of

    def _lacked(self, study: optuna.Study, trial: FrozenTrial) -> frozenset[str]:
        """Of a trial that has ended; nothing where it ended before it asked for anything."""
        plan = plan_of(study, trial)
        asked = frozenset(trial.params)
        self._known |= asked if plan is None else asked | plan.config.keys()
        if not asked:
            return frozenset()
        sure = trial.state != TrialState.FAIL or asked in self._asked
        self._asked.add(asked)
        return frozenset(self._known - asked) if sure else frozenset()
