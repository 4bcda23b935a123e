"""Whether trials ask for anything that the prior knows, said in the line that tells how they start.

An objective with branches may ask for none of it in its first trial and for all in the next: the
study is told once that the prior is not heard, as long as no trial has asked for any of it, and
what was said before that comes back with the first one that does.
"""

from __future__ import annotations

from collections.abc import Collection

import optuna
from optuna.trial import FrozenTrial

from autometa.priors.beginning import START, say_unheard
from autometa.storages.per_study import PerStudy, every_trial


class Unheard:
    """See the module. A copy has seen no study yet."""

    def __init__(self) -> None:
        self._before: PerStudy[list[str]] = PerStudy(list)

    def after(
        self, study: optuna.Study, trial: FrozenTrial, known: Collection[str], *, unrelated: bool
    ) -> None:
        """Say what there is to say after a trial.

        Args:
            study: The study.
            trial: What has ended.
            known: Parameters that the prior knows.
            unrelated: Whether its config came from the prior and none of it was asked for.
        """
        before, names = self._before(study), set(known)
        if names & trial.params.keys():
            if before:
                study.set_user_attr(START, before.pop())
        elif unrelated and not any(names & t.params.keys() for t in every_trial(study)):
            if not before:
                before.append(study.user_attrs.get(START, ""))
            say_unheard(study, known, tuple(trial.params))
