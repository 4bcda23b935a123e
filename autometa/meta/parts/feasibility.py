"""Feasibility: which configs crash, run out of memory or diverge, learned across tasks.

A failed trial has no value, so the model of values must not see it as one. Instead the chance of
success of a config x is

    logit P(fail | x) = logit q(x) + u(x)'v,    v ~ N(0, s I)                             # eq. (1)

with u the unit config and v learned from this study's own trials. There are two readings of q:

    learned   the failure rate that prior tasks predict (logistic regression on the basis)
    own       the share of this study's own trials that failed, the same everywhere

They are weighed by their evidence on this study's trials. So a region in which prior tasks crashed
is avoided at first, opened by the first successes there, and never closed for good. Without any
knowledge of prior tasks, as in a cold trial, the second reading stands alone.

The expected improvement is multiplied by P(success) (Gardner et al., 2014), and a config that will
almost surely fail is not tried at all: a log expected improvement can differ by dozens between
regions, which no probability outweighs.

Shapes: n trials, m candidates, d unit columns, p basis functions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from autometa.encoding import Floats

_SPREAD = 4.0  # s
_SUREST = 0.1  # prior tasks never count as surer of a failure, or of a success, than this
_HOPELESS, _PENALTY = 0.2, 100.0
_LEAST_RATE = 0.002
_OWN_SHARE = 0.2  # of the own reading, before any trial; as large as _HOPELESS, so that nothing is
# given up before a trial of this study has failed


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRate:
    """q: the failure rate that prior tasks predict.

    Args:
        weights: Logistic regression on the basis features, (p,); empty where prior tasks hardly
            ever failed, and q is then `rate` everywhere.
        rate: Overall share of failed trials.
    """

    weights: Floats
    rate: float

    def __call__(self, features: Floats) -> Floats:
        """Failure probability (m,) of configs with these features (m, p)."""
        if not len(self.weights):
            return np.full(len(features), self.rate)
        result: Floats = np.clip(expit(features @ self.weights), 1e-4, 0.99)
        return result


def fit_failure_rate(phi: Floats, failed: NDArray[np.bool_], *, ridge: float = 1.0) -> FailureRate:
    """Learn q from all trials of the prior tasks.

    Args:
        phi: Basis features of all their trials, (n, p).
        failed: Which of them failed, (n,).
        ridge: Pull of the weights towards zero (towards the overall rate for the constant).
    """
    y = failed.astype(np.float64)
    rate = float((y.sum() + 0.5) / (len(y) + 1.0))
    if y.mean() < _LEAST_RATE or y.all():
        return FailureRate(weights=np.zeros(0), rate=rate)
    centre = np.zeros(phi.shape[1])
    centre[-1] = np.log(rate / (1.0 - rate))

    def loss(weights: Floats) -> tuple[float, Floats]:
        logit = phi @ weights
        away = weights - centre
        value = np.logaddexp(0.0, logit).sum() - y @ logit + 0.5 * ridge * away @ away
        return float(value), phi.T @ (expit(logit) - y) + ridge * away

    found = minimize(loss, centre, jac=True, method="L-BFGS-B", options={"maxiter": 100})
    return FailureRate(weights=np.asarray(found.x, dtype=np.float64), rate=rate)


class Success:
    """The chance of success on one task, both readings weighed; see the module.

    Args:
        rate: q of the prior tasks.
        features: Basis features of this study's trials, (n, p).
        trials: Their unit configs, (n, d).
        failed: Which of them failed, (n,).
    """

    def __init__(
        self, rate: FailureRate, features: Floats, trials: Floats, failed: NDArray[np.bool_]
    ) -> None:
        self._rate = rate
        own = (failed.sum() + _SUREST) / (len(failed) + 1.0)
        self._own = float(_logit(np.array([own]))[0])
        x = 2.0 * trials - 1.0
        readings = [(_OWN_SHARE, np.full(len(trials), self._own))]
        if len(rate.weights):
            readings.append((1.0 - _OWN_SHARE, _logit(rate(features))))
        fits = [(np.log(share), *_fit_weights(offset, x, failed)) for share, offset in readings]
        log_weights = np.array([prior + evidence for prior, _, evidence in fits])
        self.weights = np.exp(log_weights - np.logaddexp.reduce(log_weights))
        self._slopes = [slopes for _, slopes, _ in fits]

    @property
    def says_nothing(self) -> bool:
        """Whether all configs have the same chance."""
        return not len(self._rate.weights) and not self._slopes[0].any()

    def chance(self, unit: Floats, features: Floats) -> Floats:
        """P(success) of configs (m, d) with these basis features (m, p), (m,)."""
        x = 2.0 * unit - 1.0
        offsets = [np.full(len(unit), self._own)]
        if len(self._rate.weights):
            offsets.append(_logit(self._rate(features)))
        result = np.zeros(len(unit))
        for weight, offset, slopes in zip(self.weights, offsets, self._slopes, strict=True):
            result += weight * expit(-offset - x @ slopes)
        return result

    def log(self, unit: Floats, features: Floats) -> Floats:
        """Log chance of success (m,), far lower still where that is under one in five."""
        success = self.chance(unit, features)
        result: Floats = np.log(success) - _PENALTY * (success < _HOPELESS)
        return result


def _logit(chance: Floats) -> Floats:
    result: Floats = logit(np.clip(chance, _SUREST, 1.0 - _SUREST))
    return result


def _fit_weights(offset: Floats, x: Floats, failed: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Weights v of eq. (1) by Newton's method, (d,), and their log evidence (Laplace)."""
    weights = np.zeros(x.shape[1])
    if not failed.any():
        # The slopes would say where this study succeeded, which is where it has been.
        return weights, float(-np.logaddexp(0.0, offset).sum())
    curvature = np.eye(len(weights)) / _SPREAD
    for _ in range(8):
        chance = expit(offset + x @ weights)
        gradient = x.T @ (chance - failed) + weights / _SPREAD
        curvature = (x.T * (chance * (1.0 - chance))) @ x + np.eye(len(weights)) / _SPREAD
        weights = weights - np.linalg.solve(curvature, gradient)
    at = offset + x @ weights
    likelihood = failed @ at - np.logaddexp(0.0, at).sum()
    _, volume = np.linalg.slogdet(_SPREAD * curvature)
    return weights, float(likelihood - 0.5 * weights @ weights / _SPREAD - 0.5 * volume)
