"""What prior tasks taught, in the columns of a study's space: computed once a space."""

from __future__ import annotations

from typing import Any

from autometa.meta.inference.knowledge import Knowledge, knowledge
from autometa.meta.model import MetaModel
from autometa.meta.spaces.study_space import StudySpace
from autometa.space import SearchSpace

_MOST = 8  # spaces that are remembered: one sampler may serve several studies


class KnownSpaces:
    """A function of the space that remembers its latest values; a copy or a pickle forgets them.

    Args:
        model: What was learned from prior tasks, at least from one.
    """

    def __init__(self, model: MetaModel) -> None:
        self._model = model
        self._known: dict[SearchSpace, Knowledge] = {}

    def __call__(self, study: StudySpace) -> Knowledge:
        """What prior tasks taught, for a study of this space."""
        found = self._known.get(study.space)
        if found is None:
            assert self._model.transfer is not None
            found = knowledge(self._model.transfer, self._model.space, study)
            latest = list(self._known.items())[1 - _MOST :]
            self._known = {**dict(latest), study.space: found}
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._model,)
