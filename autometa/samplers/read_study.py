"""What a study says when one of its trials is decided: its trials, read as a `Situation`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from autometa.meta.spaces.study_space import ObservedSpace, StudySpace, study_space
from autometa.samplers.plan import enqueued_values
from autometa.samplers.read_space import SpaceReader
from autometa.samplers.read_start import StartReader
from autometa.samplers.read_trials import TrialsReader
from autometa.samplers.unasked import UnaskedReader
from autometa.space import SearchSpace
from autometa.storages.per_study import every_trial
from autometa.suggest import Observations, Situation


class StudyReader:
    """Reads one study again and again; what has not changed since is not read again.

    Not for use by two threads at once.

    Args:
        prior: The space of the prior tasks.
        fixed: Whether the study keeps to it, as where there is a pool.
        expected: What is searched, where that is known before the first trial.
    """

    def __init__(
        self, prior: SearchSpace, *, fixed: bool, expected: SearchSpace | None = None
    ) -> None:
        self._prior, self._fixed = prior, fixed
        self._reader, self._start = SpaceReader(prior, expected), StartReader()
        self._unasked = UnaskedReader()
        self._observed: ObservedSpace | None = None
        self._space = StudySpace(prior)
        self._trials: tuple[TrialsReader, ...] = ()

    def last_observed(self, study: optuna.Study) -> ObservedSpace:
        """What the study's trials had shown of its space when they were looked at last."""
        if self._observed is None:
            self._look(every_trial(study))
        return self._observed or ObservedSpace()

    def situation(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        trials: Sequence[FrozenTrial],
        held: Mapping[str, Any],
    ) -> Situation:
        """All that is known when a trial is decided.

        Args:
            study: The study.
            trial: The trial.
            trials: All of the study's.
            held: Values of parameters that somebody else decides.
        """
        space = self._look(trials)
        unasked = self._unasked.read(study, trial, trials)
        start = self._start.read(study, trial, trials, unasked)
        each = self._observations(study, trial, trials, unasked)
        upwards = [d == StudyDirection.MAXIMIZE for d in study.directions]
        return Situation(
            number=trial.number,
            space=space,
            observed=each[0],
            objectives=len(each),
            directions=tuple("maximize" if up else "minimize" for up in upwards),
            each=each,
            places=start.places,
            yielded=start.yielded,
            awaited=start.awaited,
            tried=start.tried,
            given=enqueued_values(trial),
            held=held,
        )

    def _look(self, trials: Sequence[FrozenTrial]) -> StudySpace:
        """The study's space, as far as its trials have shown it."""
        observed = self._reader.read(trials)
        if observed is not self._observed:
            self._observed = observed
            found = self._space if self._fixed else study_space(self._prior, observed)
            if found.space != self._space.space or found.optional != self._space.optional:
                self._trials = ()
            self._space = found
        return self._space

    def _observations(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        trials: Sequence[FrozenTrial],
        unasked: Mapping[int, Set[str]],
    ) -> tuple[Observations, ...]:
        """The other trials by each objective."""
        if not self._trials:
            count = len(study.directions)
            self._trials = tuple(TrialsReader(self._space, k) for k in range(count))
        return tuple(reader.read(study, trial, trials, unasked) for reader in self._trials)
