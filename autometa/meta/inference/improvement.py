"""Log expected improvement of a normal belief, and its derivatives, accurate far below zero.

    EI = s h(z),    z = (mean - best) / s,    h(z) = phi(z) + z Phi(z)                    # eq. (1)

In logs (Ament et al., "Unexpected improvements to expected improvement", 2023), since improvements
of 1e-200 still say which way is up.

Shapes: m candidates; k beliefs of each that share a deviation, where there are several.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, ndtr

from autometa.encoding import Floats

_LOG_ROOT_2PI = 0.5 * np.log(2.0 * np.pi)


def log_improvement(mean: Floats, deviation: Floats, best: float | Floats) -> Floats:
    """Log expected improvement over `best`: (m,), or (k, m) of means (k, m) and bests (k, 1)."""
    result: Floats = np.log(deviation) + _log_h((mean - best) / deviation)
    return result


def slopes(mean: Floats, deviation: Floats, best: float | Floats) -> tuple[Floats, Floats]:
    """Derivatives of the log expected improvement by the mean and by the deviation, as it.

    From h' = Phi and h - z h' = phi: d EI = Phi d mean + phi d deviation.
    """
    z = (mean - best) / deviation
    log_h = _log_h(z)
    by_mean: Floats = np.exp(log_ndtr(z) - log_h) / deviation
    by_deviation: Floats = np.exp(-0.5 * z**2 - _LOG_ROOT_2PI - log_h) / deviation
    return by_mean, by_deviation


def _log_h(z: Floats) -> Floats:
    result = np.empty_like(z)
    near = z > -1.0
    far = z < -25.0
    result[near] = np.log(np.exp(-0.5 * z[near] ** 2 - _LOG_ROOT_2PI) + z[near] * ndtr(z[near]))
    middle = ~near & ~far
    log_density = -0.5 * z[middle] ** 2 - _LOG_ROOT_2PI
    ratio = np.exp(log_ndtr(z[middle]) - log_density) * -z[middle]
    result[middle] = log_density + np.log(np.maximum(1.0 - ratio, 1e-300))
    result[far] = -0.5 * z[far] ** 2 - _LOG_ROOT_2PI - 2.0 * np.log(-z[far])
    return result
