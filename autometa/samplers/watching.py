"""What a sampler sees of one study: its space, its trials in that space, what is known there."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial

from autometa.meta.inference.knowledge import Knowledge, knowledge
from autometa.meta.model import MetaModel
from autometa.meta.spaces.study_space import Shown, StudySpace, study_space
from autometa.samplers.history import Reader
from autometa.samplers.shown import ShownReader
from autometa.space import SearchSpace
from autometa.storages.per_study import every_trial
from autometa.suggest.history import History


class Watching:
    """Of one study; what has not changed since the last trial is not read or computed again.

    Not for use by two threads at once.

    Args:
        model: What was learned from prior tasks.
        fixed: Whether the study keeps to the model's space, as where there is a pool.
        expected: What is searched, where that is known before the first trial.
    """

    def __init__(
        self, model: MetaModel, *, fixed: bool, expected: SearchSpace | None = None
    ) -> None:
        self._model, self._fixed = model, fixed
        self._reader = ShownReader(model.space, expected)
        self._shown: Shown | None = None
        self._space = StudySpace(model.space)
        self._trials: Reader | None = None
        self._known: Knowledge | None = None

    def last_shown(self, study: optuna.Study) -> Shown:
        """What the study's trials had shown when they were looked at last."""
        if self._shown is None:
            self.space(every_trial(study))
        return self._shown or Shown()

    def space(self, trials: Sequence[FrozenTrial]) -> StudySpace:
        """The study's space, as far as its trials have shown it."""
        shown = self._reader.read(trials)
        if shown is not self._shown:
            self._shown = shown
            found = self._space if self._fixed else study_space(self._model.space, shown)
            if found.space != self._space.space:
                self._known = None
            if found.space != self._space.space or found.optional != self._space.optional:
                self._trials = None
            self._space = found
        return self._space

    @property
    def own(self) -> bool:
        """Whether that space is another than the prior's."""
        return self._space != StudySpace(self._model.space)

    def history(
        self, study: optuna.Study, trial: FrozenTrial, trials: Sequence[FrozenTrial]
    ) -> History:
        """The study's other trials, in the space that was last asked for."""
        if self._trials is None:
            self._trials = Reader(self._space)
        return self._trials.read(study, trial, trials)

    @property
    def knowledge(self) -> Knowledge:
        """What prior tasks taught, in the space that was last asked for."""
        assert self._model.transfer is not None
        if self._known is None:
            self._known = knowledge(self._model.transfer, self._model.space, self._space)
        return self._known
