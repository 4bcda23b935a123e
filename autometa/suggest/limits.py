"""Limits: what the constraint values of a study's own trials say of where its limits are kept.

A trial is feasible where all of its constraint values are zero or less. A value says more than
that: by how much a limit was kept or broken. So each constraint has a Gaussian process on the
trials that have its value, and a config keeps all limits with the chance

    P(feasible | x) = prod_j Phi(-m_j(x) / s_j(x))                                       # eq. (1)

by which its expected improvement is multiplied (Gardner et al., "Bayesian optimization with
inequality constraints", 2014). Values are squashed, c -> tanh(c / median |c|): how far beyond a
limit a trial was matters less than on which side. While no trial has been feasible, a draw of the
processes says where limits may be kept (Eriksson and Poloczek, "Scalable constrained Bayesian
optimization", 2021): a chance alone would seek the corners, of which least is known.

What prior tasks say of failures, infeasible trials among them, is in `meta.parts.feasibility`; here
they have no say.

Shapes: r trials with constraint values, c constraints, d unit columns, m configs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import log_ndtr

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.meta.inference.refit_kernel import adapt_kernel
from autometa.meta.parts.cholesky import cholesky, half_solved, solved
from autometa.meta.parts.kernel import Kernel, matern, usual_scale

LEAST_TRIALS = 3
"""With constraint values, before they say anything."""

_ADAPT_FROM = 6  # trials; fewer say too little of length scales
_NOISE = 1e-3
_HOPELESS, _PENALTY = 0.1, 1e4  # logs of gains can differ by thousands between regions


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Trials with constraint values.

    Args:
        unit: Unit configs, (r, d).
        values: Constraint values, above zero where a limit was broken, (r, c).

    Raises:
        InputError: another number of rows.
    """

    unit: Floats
    values: Floats

    def __post_init__(self) -> None:
        if len(self.unit) != len(self.values):
            raise InputError(
                f"{len(self.values)} constraint values of {len(self.unit)} configs",
                allowed="one row each",
            )

    @property
    def excess(self) -> Floats:
        """By how much the worst limit of each trial was broken, squashed, (r,); below 0 = kept."""
        result: Floats = self._squashed.max(axis=1)
        return result

    @property
    def _squashed(self) -> Floats:
        size = np.median(np.abs(self.values), axis=0)
        result: Floats = np.tanh(self.values / np.where(size > 0.0, size, 1.0))
        return result

    @property
    def speaks(self) -> bool:
        """Whether a limit was ever broken, by enough trials, of different values, to tell where."""
        broken = (self.values > 0.0).any(axis=0) & (np.ptp(self.values, axis=0) > 0.0)
        return len(self.values) >= LEAST_TRIALS and bool(broken.any())

    def at_most(self, most: int) -> Limits:
        """At most so many trials: those nearest to a limit, and the latest."""
        n = len(self.values)
        if n <= most:
            return self
        near = np.argsort(np.abs(self.excess), kind="stable")[: most // 2]
        rows = np.union1d(near, np.arange(n - most // 2, n))
        return replace(self, unit=self.unit[rows], values=self.values[rows])

    def fit(self) -> FittedLimits:
        """The processes of eq. (1); of constraints that were never broken none."""
        squashed = self._squashed
        broken = np.flatnonzero((self.values > 0.0).any(axis=0))
        return FittedLimits(tuple(_Process.of(self.unit, squashed[:, j]) for j in broken))


@dataclass(frozen=True, slots=True)
class FittedLimits:
    """A process for each constraint that was broken before."""

    processes: tuple[_Process, ...]

    def log_chance(self, unit: Floats) -> Floats:
        """Log of eq. (1) for configs (m, d), (m,), far lower still where it is under one in ten."""
        total = np.zeros(len(unit))
        for process in self.processes:
            mean, white = process.predict(unit)
            variance = process.kernel.variance - np.einsum("nm,nm->m", white, white)
            deviation = np.sqrt(np.maximum(variance, 0.0) + process.kernel.noise)
            total += log_ndtr(-mean / deviation)
        result: Floats = total - _PENALTY * (total < np.log(_HOPELESS))
        return result

    def drawn_excess(self, unit: Floats, rng: np.random.Generator) -> Floats:
        """A draw of what the worst limit is broken by at configs (m, d), (m,); below 0 = kept."""
        draws = []
        for process in self.processes:
            mean, white = process.predict(unit)
            kernel = process.kernel
            cov = kernel.variance * matern(unit, unit, kernel.scales) - white.T @ white
            cov[np.diag_indices(len(cov))] += kernel.noise
            draws.append(mean + cholesky(cov) @ rng.standard_normal(len(unit)))
        result: Floats = np.max(draws, axis=0)
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Process:
    """A Gaussian process of one constraint, in squashed units.

    Args:
        unit: Unit configs of the trials, (r, d).
        kernel: With noise.
        level: The mean far from all trials.
        factor: Lower Cholesky factor of the trials' covariance, (r, r).
        alpha: Its inverse times what the trials are above the level, (r,).
    """

    unit: Floats
    kernel: Kernel
    level: float
    factor: Floats
    alpha: Floats

    @classmethod
    def of(cls, unit: Floats, values: Floats) -> _Process:
        d, level = unit.shape[1], float(values.mean())
        rest = values - level
        variance = float(max(rest.var(), 0.05))
        kernel = Kernel(scales=np.full(d, usual_scale(d)), variance=variance, noise=_NOISE)
        if len(unit) >= _ADAPT_FROM:
            kernel = adapt_kernel(kernel, unit, rest).kernel
        cov = kernel.variance * matern(unit, unit, kernel.scales)
        cov[np.diag_indices(len(cov))] += kernel.noise
        factor = cholesky(cov)
        return cls(unit=unit, kernel=kernel, level=level, factor=factor, alpha=solved(factor, rest))

    def predict(self, unit: Floats) -> tuple[Floats, Floats]:
        """Mean at configs (m, d), (m,), and by what the trials lower the variance, (r, m)."""
        cross = self.kernel.variance * matern(unit, self.unit, self.kernel.scales)
        return self.level + cross @ self.alpha, half_solved(self.factor, cross.T)
