"""Whether trials ask for what the prior knows, said in the line that tells how they start.

An objective with branches may ask for none of it in its first trial and for all in the next: the
study is told once that the prior is not heard, as long as no trial has asked for any of it, and
what was said before that comes back with the first one that does. Where it asks for a part, and
something else may by its name be what the prior calls otherwise, that is said once, too.
"""

from __future__ import annotations

import optuna
from optuna.trial import FrozenTrial

from autometa.priors.beginning import START, say_renaming, say_unheard
from autometa.space import SearchSpace
from autometa.storages.per_study import PerStudy, every_trial


class Unheard:
    """See the module. A copy has seen no study yet."""

    def __init__(self) -> None:
        self._before: PerStudy[list[str]] = PerStudy(list)

    def after(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        known: SearchSpace,
        *,
        unrelated: bool,
    ) -> None:
        """Say what there is to say after a trial.

        Args:
            study: The study.
            trial: What has ended.
            known: What the prior knows.
            unrelated: Whether its config came from the prior and none of it was asked for.
        """
        before, names = self._before(study), set(known.names)
        if names & trial.params.keys():
            if before:
                study.set_user_attr(START, before.pop())
            always = [n for n in known.names if n not in known.conditions]
            say_renaming(
                study,
                [n for n in always if n not in trial.params],
                [n for n in trial.params if n not in names],
            )
        elif unrelated and not any(names & t.params.keys() for t in every_trial(study)):
            if not before:
                before.append(study.user_attrs.get(START, ""))
            say_unheard(study, known.names, tuple(trial.params))
