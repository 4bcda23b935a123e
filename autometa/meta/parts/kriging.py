"""Kriging: a small Gaussian process of one task with a flat mean, fitted by looking at a grid.

    score = m + f(u) + eps,    f ~ GP(0, v k),    eps ~ N(0, v q),    m flat             # eq. (1)

k is a Matern-5/2 of one length scale. The flat mean m is integrated out (universal kriging), so
that a crowd of trials in one place does not pull what is expected elsewhere; v is at its estimate,
length scale and q are those of a grid that make the trials most likely. It asks little: no
optimiser, some milliseconds for a hundred trials.

Shapes: n trials, m configs asked for, d unit columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autometa.encoding import Floats
from autometa.meta.parts.kernel import matern

_SCALES = (0.35, 0.7, 1.4, 2.8)  # of the usual length scale
_NOISES = np.array([1e-4, 1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0])  # q


@dataclass(frozen=True, slots=True, kw_only=True)
class Kriging:
    """Eq. (1) given some trials; K, the covariance of their scores, in units of v.

    Args:
        unit: Unit configs, (n, d).
        score: (n,).
        scales: Length scales, all alike, (d,).
        vectors: V of the trials' correlation V diag(l) V', (n, n).
        inverse: 1 / (l + q), (n,), so that K^-1 = V diag(inverse) V'.
        noise: q.
        level: Estimate of m.
        variance: v.
    """

    unit: Floats
    score: Floats
    scales: Floats
    vectors: Floats
    inverse: Floats
    noise: float
    level: float
    variance: float

    @property
    def _flat(self) -> Floats:
        """K^-1 1, (n,)."""
        result: Floats = self.vectors @ (self.inverse * self.vectors.sum(axis=0))
        return result

    @property
    def _weights(self) -> Floats:
        """K^-1 (score - level), (n,)."""
        rest = self.score - self.level
        result: Floats = self.vectors @ (self.inverse * (self.vectors.T @ rest))
        return result

    def elsewhere(self, asked: Floats) -> tuple[Floats, Floats]:
        """Mean and deviation of the score of a trial of each config asked for (m, d): (m,) each."""
        # A column that no trial varies says nothing of what varying it would do.
        varied = np.ptp(self.unit, axis=0) > 0.0
        cross = matern(np.where(varied, asked, self.unit[0]), self.unit, self.scales)
        flat = self._flat
        square = (cross @ self.vectors) ** 2 @ self.inverse
        rest = 1.0 - square + (1.0 - cross @ flat) ** 2 / flat.sum()
        deviation = np.sqrt(self.variance * (np.maximum(rest, 0.0) + self.noise))
        return self.level + cross @ self._weights, deviation

    def left_out(self) -> tuple[Floats, Floats]:
        """The same of each trial by the others (Dubrule, "Cross validation of kriging", 1983)."""
        flat = self._flat
        own = self.vectors**2 @ self.inverse - flat**2 / flat.sum()
        own = np.maximum(own, 1e-12)
        return self.score - self._weights / own, np.sqrt(self.variance / own)


def fit_kriging(unit: Floats, scores: Floats) -> Kriging:
    """The process of the grid under which trials (n, d), n >= 3, of scores (n,) are most likely."""
    n, d = unit.shape
    usual = np.full(d, 0.5 * np.sqrt(max(d, 4) / 4.0))
    fits: list[tuple[float, Kriging]] = []
    for factor in _SCALES:
        values, vectors = np.linalg.eigh(matern(unit, unit, factor * usual))
        score, flat = vectors.T @ scores, vectors.sum(axis=0)
        inverse = 1.0 / (np.maximum(values, 0.0) + _NOISES[:, None])  # (noises, n)
        precision = inverse @ flat**2
        level = inverse @ (score * flat) / precision
        square = inverse @ score**2 - level**2 * precision
        variance = np.maximum(square / (n - 1), 1e-12)
        # Restricted likelihood: the flat mean and the variance are integrated out.
        likelihood = (
            -0.5 * (n - 1) * np.log(variance)
            + 0.5 * np.log(inverse).sum(axis=1)
            - 0.5 * np.log(precision)
        )
        top = int(likelihood.argmax())
        process = Kriging(
            unit=unit,
            score=scores,
            scales=factor * usual,
            vectors=vectors,
            inverse=inverse[top],
            noise=float(_NOISES[top]),
            level=float(level[top]),
            variance=float(variance[top]),
        )
        fits.append((float(likelihood[top]), process))
    return max(fits, key=lambda fit: fit[0])[1]
