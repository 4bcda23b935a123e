"""The config that promises most by an acquisition, found by sampling and refining.

Candidates are random configs of the study's space, the catalogue of prior tasks, neighbours of the
best trials, and copies of all these with coordinates set to their bounds. The best few have
offspring, and the best of all climb along the gradient. Sampling finds the region, with integers,
categories and conditions as they come; only a gradient finds the far end of a narrow ridge among
fourteen parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from autometa.encoding import Floats
from autometa.meta.inference.knowledge import Knowledge
from autometa.meta.inference.posterior import Posterior
from autometa.meta.parts.feasibility import Success
from autometa.meta.parts.inner_rate import InnerRate, narrowed
from autometa.meta.spaces.candidates import Candidates
from autometa.suggest.acquisition import Acquisition, numeric_slope
from autometa.suggest.acquisitions.expected_improvement import EXPECTED_IMPROVEMENT
from autometa.suggest.limits import FittedLimits
from autometa.suggest.observations import Observations
from autometa.suggest.steps import Steps

_RANDOM, _PARENTS, _CHILDREN = 256, 5, 40
_SURVIVORS, _OFFSPRING = 8, 24
_CLIMBERS, _CLIMB_STEPS = 6, 12
_FIRST_STEP, _LEAST_STEP, _MOST_STEP = 0.03, 1e-5, 0.2  # of a climb, as shares of the range
_FASTER, _SLOWER = 1.3, 0.4
_BOUNDS = 0.12


@dataclass(frozen=True)
class CandidateSearch:
    """What to try next on a task.

    Args:
        make: Maker of candidates, of the part of the study's space that may be tried.
        knowledge: What prior tasks taught: their catalogue and failure rates, or nothing.
        posterior: What is believed of the task.
        observed: Trials so far, failed and running ones included.
        acquisition: What a config promises.
        rate: Where earlier tasks say that the inner rate lies: half of the random configs take
            theirs from there. The climb may leave it.
    """

    make: Candidates
    knowledge: Knowledge
    posterior: Posterior
    observed: Observations
    acquisition: Acquisition = EXPECTED_IMPROVEMENT
    rate: InnerRate | None = None

    def best(self, rng: np.random.Generator, pool: Floats | None = None) -> Floats:
        """The unit config (d,) with the largest gain that was not tried yet.

        Args:
            rng: Source of candidates.
            pool: The only configs that can be tried, (k, d), where there is such a list; once all
                are taken, any of them may be tried again.
        """
        if pool is not None:
            return self._untried(pool, self.gain(pool), rng)
        make = self.make
        parents = self.observed.unit[np.argsort(-self.observed.scores)[:_PARENTS]]
        near = make.perturb(
            np.repeat(parents, _CHILDREN, axis=0), rng, scale=0.15, bounds=_BOUNDS / 2
        )
        anywhere = make.touch_bounds(make.random(_RANDOM, rng), rng, _BOUNDS)
        if self.rate is not None:
            half = slice(0, _RANDOM // 2)
            anywhere[half] = narrowed(make.space, anywhere[half], self.rate, rng)
        pool = np.concatenate([near, anywhere, self._catalogue(rng)])
        gain = self.gain(pool)
        best = pool[np.argsort(-gain)[:_SURVIVORS]]
        offspring = make.perturb(
            np.repeat(best, _OFFSPRING, axis=0), rng, scale=0.15, bounds=_BOUNDS
        )
        pool = np.concatenate([pool, offspring])
        gain = np.concatenate([gain, self.gain(offspring)])
        tops = make.repair(self._climb(pool[np.argsort(-gain)[:_CLIMBERS]]))
        pool = np.concatenate([pool, tops])
        gain = np.concatenate([gain, self.gain(tops)])
        return self._untried(pool, gain, rng)

    def _catalogue(self, rng: np.random.Generator) -> Floats:
        """What was among the best of prior tasks, (k, d), anything where they say nothing."""
        known = self.knowledge.known
        unknown = np.isnan(known)
        if unknown.any():
            known = np.where(unknown, self.make.random(len(known), rng), known)
        return self.make.repair(known)  # the study's steps may be others than the prior's

    def _untried(self, pool: Floats, gain: Floats, rng: np.random.Generator) -> Floats:
        """The config (d,) of a pool (k, d) with the largest gain (k,), taken ones aside."""
        for i in np.argsort(-gain):
            if not self.observed.had(pool[i]):
                chosen: Floats = pool[i]
                return chosen
        any_one: Floats = pool[rng.integers(len(pool))]
        return any_one

    def _climb(self, unit: Floats) -> Floats:
        """Better configs nearby, (m, d), by resilient ascent inside the bounds.

        Only the sign of a derivative counts, and each number has a step size of its own (Rprop,
        Riedmiller and Braun, 1993): log improvements change by a thousand in one direction and by a
        thousandth in another, and many optima lie on a bound, where this simply stops.
        """
        free = self.make.free(unit)
        step = np.full(unit.shape, _FIRST_STEP)
        best, highest = unit, np.full(len(unit), -np.inf)
        last = np.zeros_like(unit)
        for _ in range(_CLIMB_STEPS):
            value, slope = self._slope(unit)
            best = np.where((value > highest)[:, None], unit, best)
            highest = np.maximum(value, highest)
            slope = np.where(free, np.sign(slope), 0.0)
            agreement = slope * last
            step *= np.select([agreement > 0, agreement < 0], [_FASTER, _SLOWER], 1.0)
            step = np.clip(step, _LEAST_STEP, _MOST_STEP)
            last = np.where(agreement < 0, 0.0, slope)
            unit = np.clip(unit + step * last, self.make.lower, self.make.upper)
        return best

    def gain(self, unit: Floats) -> Floats:
        """What the acquisition promises, with log chances, (m,).

        Those of a change, that the study's limits are kept, and of success.
        """
        features = self.knowledge.transfer.basis(unit)
        gain = self.acquisition.value(self.posterior, self.observed, unit, features)
        gain = gain + self._steps.log_change(unit)
        if self._limits is not None:
            gain = gain + self._limits.log_chance(unit)
        if self._success.says_nothing:
            return gain
        return gain + self._success.log(unit, features)

    def _slope(self, unit: Floats) -> tuple[Floats, Floats]:
        """Of the acquisition alone: values (m,) and gradients (m, d)."""
        acquisition, basis = self.acquisition, self.knowledge.transfer.basis
        if acquisition.slope is not None:
            return acquisition.slope(self.posterior, self.observed, unit)
        return numeric_slope(
            lambda at: acquisition.value(self.posterior, self.observed, at, basis(at)), unit
        )

    @cached_property
    def _steps(self) -> Steps:
        return Steps(self.observed.unit, self.observed.scores)

    @cached_property
    def _limits(self) -> FittedLimits | None:
        known = self.observed.limits
        return known.fit() if known is not None and known.speaks else None

    @cached_property
    def _success(self) -> Success:
        trials = np.concatenate([self.observed.unit, self.observed.failed])
        return Success(
            self.knowledge.transfer.failure,
            self.knowledge.transfer.basis(trials),
            trials,
            np.arange(len(trials)) >= len(self.observed.unit),
        )
