"""MetaPruner: gives up trials whose curve, by the curves of prior tasks, will hardly become best.

A trial is judged at up to 16 of its steps, more of them early; the rule is in
`autometa.meta.parts.improvement_chance`. It is given up where

- at least five trials of the study are COMPLETE and have reported, so that the budget and the value
  to beat are known, and
- its chance to end as the best trial is below the learned threshold, or its latest value is not
  finite.

Where no prior task has taught any curve, another pruner decides (Optuna's MedianPruner); the reason
is in `MetaPruner.note`. A trial that was given up says why in `autometa:pruned`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, MedianPruner
from optuna.trial import FrozenTrial

from autometa.meta.data.curves import checkpoints, standing
from autometa.meta.model import MetaModel
from autometa.meta.parts.improvement_chance import (
    LEAST_FAMILIES,
    LEAST_FINISHED,
    LEAST_TRIALS,
    ImprovementChance,
)
from autometa.priors.knowing import wish_of
from autometa.priors.opening import PriorSource
from autometa.priors.prior_model import model_of
from autometa.samplers.read_curves import CurveReader, StudyCurves
from autometa.space import SearchSpace
from autometa.space.rates import as_space
from autometa.storages import attributes
from autometa.storages.per_study import PerStudy

NO_CURVES = (
    f"fewer than {LEAST_FAMILIES} prior tasks of different families have {LEAST_TRIALS} COMPLETE "
    "trials with learning curves: {} decides"
)


class MetaPruner(BasePruner):
    """See the module.

    Args:
        prior: What was learned from prior tasks, or anything that `open_prior` opens and that is
            fitted then, as by `MetaSampler`; or just what was learned of curves. None where there
            are none.
        fallback: Decides where no prior task has taught any curve.
        space: What is searched, where the prior has several spaces.
        seed: Of the fit, where there is one.

    Raises:
        AutometaError: a prior that cannot be opened or fitted, see `open_prior` and `fit_prior`.
    """

    def __init__(
        self,
        prior: MetaModel | ImprovementChance | PriorSource,
        *,
        fallback: BasePruner | None = None,
        space: SearchSpace | Mapping[str, BaseDistribution] | None = None,
        seed: int = 0,
    ) -> None:
        if prior is None or isinstance(prior, ImprovementChance):
            self._chance = prior
        else:
            asked = None if space is None else as_space(space)
            self._chance = model_of(prior, wish_of(space=asked), seed).chance
        self._fallback = fallback or MedianPruner()
        self._readers = PerStudy(CurveReader)
        self.note = "" if self._chance else NO_CURVES.format(type(self._fallback).__name__)
        if self.note:
            logging.getLogger(__name__).warning(self.note)

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether to give the trial up now."""
        if self._chance is None:
            given_up = self._fallback.prune(study, trial)
            if given_up:
                attributes.write(study, trial, "pruned", {"rule": self.note})
            return given_up
        step = trial.last_step
        if step is None:
            return False
        finished = self._readers(study).read(study)
        if finished is None or len(finished.finals) < LEAST_FINISHED:
            return False
        if not math.isfinite(trial.intermediate_values[step]):
            attributes.write(study, trial, "pruned", {"step": step, "rule": "not finite"})
            return True
        chance = self._judged(trial, finished)
        if chance is None or chance >= self._chance.threshold:
            return False
        found = {"step": step, "chance": round(chance, 6), "below": self._chance.threshold}
        attributes.write(study, trial, "pruned", found)
        return True

    def _judged(self, trial: FrozenTrial, finished: StudyCurves) -> float | None:
        """The trial's chance; None where this report passed no checkpoint."""
        assert self._chance is not None
        curve = finished.of(trial.intermediate_values)
        before = dict(sorted(trial.intermediate_values.items())[:-1])
        passed = checkpoints(len(finished.steps))
        passed = passed[(passed <= len(curve)) & (passed > len(finished.of(before)))]
        if not len(passed):
            return None
        numbers = standing(curve, np.array([len(curve)]), finished.curves, finished.finals)
        return float(self._chance(numbers)[0])
