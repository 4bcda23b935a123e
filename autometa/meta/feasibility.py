"""Feasibility: which configs crash, run out of memory or diverge, learned across tasks.

A failed trial has no value, so the model of values must not see it as one. Instead the chance of
success of a config x is

    logit P(fail | x) = logit q(x) + u(x)'v,    v ~ N(0, s I)                             # eq. (1)

with q the failure rate that prior tasks predict (logistic regression on the learned basis), u the
unit config and v learned from this study's own trials. The expected improvement is multiplied by
P(success) (Gardner et al., 2014), and a config that will almost surely fail is not tried at all: a
log expected improvement can differ by dozens between regions, which no probability outweighs.

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


def log_success(
    prior: Floats,
    unit: Floats,
    trial_prior: Floats,
    trials: Floats,
    failed: NDArray[np.bool_],
) -> Floats:
    """Log chance of success (m,), far lower still where that is under one in five.

    Args:
        prior: q of the candidates, (m,).
        unit: The candidates, (m, d).
        trial_prior: q of this study's trials, (n,).
        trials: This study's trials, failed and not, (n, d).
        failed: Which of them failed, (n,).
    """
    weights = _fit_weights(_prior_logit(trial_prior), 2.0 * trials - 1.0, failed)
    success = expit(-_prior_logit(prior) - (2.0 * unit - 1.0) @ weights)
    result: Floats = np.log(success) - _PENALTY * (success < _HOPELESS)
    return result


def _prior_logit(prior: Floats) -> Floats:
    result: Floats = logit(np.clip(prior, _SUREST, 1.0 - _SUREST))
    return result


def _fit_weights(offset: Floats, x: Floats, failed: NDArray[np.bool_]) -> Floats:
    """Weights v of eq. (1) by Newton's method, (d,)."""
    weights = np.zeros(x.shape[1])
    for _ in range(8):
        chance = expit(offset + x @ weights)
        gradient = x.T @ (chance - failed) + weights / _SPREAD
        curvature = (x.T * (chance * (1.0 - chance))) @ x + np.eye(len(weights)) / _SPREAD
        weights = weights - np.linalg.solve(curvature, gradient)
    return weights
