"""Acquisition: the config with the largest expected improvement, found by sampling and refining.

Candidates are random configs, the elite of prior tasks, neighbours of the best trials, and copies
of all these with coordinates set to their bounds; the best few are then refined in shrinking steps.
Sampling and not gradients, so that integers, categories and conditions need no special case.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autometa.encoding import Floats
from autometa.meta.feasibility import log_success
from autometa.meta.model import MetaModel
from autometa.meta.posterior import Posterior
from autometa.search.history import History

_RANDOM, _PARENTS, _CHILDREN = 256, 5, 40
_SURVIVORS, _OFFSPRING = 8, 24
# (scale of a move as a share of the range, rate of jumps to a bound) of each refinement
_REFINEMENTS = ((0.15, 0.1), (0.07, 0.06), (0.03, 0.03))
_BOUNDS = 0.12
_SAME = 1e-6


@dataclass(frozen=True)
class Acquisition:
    """What to try next on a task.

    Args:
        model: Its elite, its failure rates and its maker of candidates.
        posterior: What is believed of the task.
        history: Trials so far, failed and running ones included.
    """

    model: MetaModel
    posterior: Posterior
    history: History

    def best(self, rng: np.random.Generator) -> Floats:
        """The unit config (d,) with the largest gain that was not tried yet."""
        make = self.model.candidates
        assert self.model.transfer is not None
        parents = self.history.unit[np.argsort(-self.history.scores)[:_PARENTS]]
        near = make.perturb(
            np.repeat(parents, _CHILDREN, axis=0), rng, scale=0.15, bounds=_BOUNDS / 2
        )
        anywhere = make.touch_bounds(make.random(_RANDOM, rng), rng, _BOUNDS)
        fresh = np.concatenate([near, anywhere])
        elite = self.model.transfer.elite
        pool = np.concatenate([fresh, elite])
        gain = np.concatenate([self.gain(fresh), self.gain(elite, self.model.elite_features)])
        for scale, bounds in _REFINEMENTS:
            best = np.argsort(-gain)[:_SURVIVORS]
            offspring = make.perturb(
                np.repeat(pool[best], _OFFSPRING, axis=0), rng, scale=scale, bounds=bounds
            )
            pool = np.concatenate([pool[best], offspring])
            gain = np.concatenate([gain[best], self.gain(offspring)])
        taken = self.history.taken
        for i in np.argsort(-gain):
            if not len(taken) or np.abs(taken - pool[i]).max(axis=1).min() > _SAME:
                chosen: Floats = pool[i]
                return chosen
        fresh_one: Floats = make.random(1, rng)[0]
        return fresh_one

    def gain(self, unit: Floats, features: Floats | None = None) -> Floats:
        """Log expected improvement times the chance of success, (m,)."""
        gain = self.posterior.log_ei(unit, features)
        assert self.model.transfer is not None
        transfer, trials = self.model.transfer, self._trials
        if not len(self.history.failed) and not len(transfer.failure.weights):
            return gain
        crashed = np.arange(len(trials)) >= len(self.history.unit)
        return gain + log_success(
            transfer.failure(transfer.basis(unit) if features is None else features),
            unit,
            transfer.failure(transfer.basis(trials)),
            trials,
            crashed,
        )

    @property
    def _trials(self) -> Floats:
        """Scored trials, then failed ones, (n + k, d)."""
        return np.concatenate([self.history.unit, self.history.failed])
