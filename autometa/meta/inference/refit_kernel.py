"""Adaptation: a kernel learned on prior tasks, fitted to the trials of one task.

Length scales that suit earlier tasks on average do not suit the last steps on this one: with them
alone, a cold search lagged behind one that fits its own from about the twentieth trial on. So
length scales, variance and noise are refitted by maximum a posteriori, with log-normal priors at
the learned values; a few trials hardly move them.

The search for that maximum ends early, at steps that gain less than a thousandth. Cold searches
from the same eight random configs, nine landscapes (six made ones, lcbench, staircase-mindware and
staircase-zap on development tasks), 43 searches, regret after 10 / 20 / 40 trials less that of a
search which goes on to a hundred-thousandth (standard errors in brackets):

    to 1e-3                                      -.005 (.003)  -.024 (.009)  -.018 (.012)
    to 1e-4                                      -.001 (.001)  -.022 (.009)  -.012 (.013)
    usual scales by parameters, not by columns   -.019 (.013)  -.005 (.012)   .003 (.012)

Less Optuna's TPESampler after the same configs -.014 (.018), -.058 (.016), -.086 (.020); less its
GPSampler on the six made landscapes, one seed each, .003 (.012), -.050 (.034), -.046 (.025), in a
third to a twentieth of the time. The third line is not kept. Nor is one length scale for all the
columns of a category: level in 32 searches on staircase-zap (after 15 / 20 / 30 trials -.007
(.015), -.002 (.017), .000 (.016)), worse in 32 on staircase-mindware (-.009 (.005), .015 (.015),
.037 (.020)).

Shapes: n trials, d unit columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from autometa.encoding import Floats
from autometa.meta.parts.cholesky import cholesky, solved
from autometa.meta.parts.kernel import Kernel, closeness_and_steepness, root5_distance

_SCALE_SPREAD, _VARIANCE_SPREAD, _NOISE_SPREAD = 1.0, 1.0, 2.0  # of the log-normal priors
_LOG_SCALES, _LOG_VARIANCE = (np.log(0.05), np.log(30.0)), (-7.0, 4.0)
_LOG_NOISE = (np.log(1e-5), 0.0)
_USUAL_NOISE = 1e-3
_MOST_POINTS, _MOST_STEPS = 64, 25
_ENOUGH = 1e-3  # relative gain of a step; see the module


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapted:
    """A fitted kernel and what the fit costs as a hypothesis.

    Args:
        kernel: At the maximum a posteriori.
        log_prior_penalty: Minus the log prior density there, relative to the learned kernel, >= 0:
            a hypothesis that chose its numbers after the fact must not win for free.
    """

    kernel: Kernel
    log_prior_penalty: float


def adapt_kernel(
    kernel: Kernel, unit: Floats, rest: Floats, given: Floats | None = None
) -> Adapted:
    """The kernel under which the trials of one task are most likely, near the learned one.

    Args:
        kernel: What prior tasks suggest.
        unit: Unit configs of the trials, (n, d).
        rest: What the kernel has to explain, (n,): standardised scores, less the transferred mean.
        given: Covariance of the transferred part, which the kernel adds to, (n, n); none by
            default.
    """
    rows = _telling(rest)
    x, y = unit[rows], rest[rows]
    known = np.zeros((len(rows), len(rows))) if given is None else given[np.ix_(rows, rows)]
    d, eye = unit.shape[1], np.eye(len(rows))
    centre = np.log([*kernel.scales, kernel.variance, max(kernel.noise, _USUAL_NOISE)])
    spread = np.array([*[_SCALE_SPREAD] * d, _VARIANCE_SPREAD, _NOISE_SPREAD])

    def loss(logs: Floats) -> tuple[float, Floats]:
        """Negative log posterior density, up to a constant, and its gradient."""
        scales, variance, noise = np.exp(logs[:d]), np.exp(logs[d]), np.exp(logs[d + 1])
        scaled = x / scales
        correlation, steep = closeness_and_steepness(root5_distance(scaled, scaled))
        factor = cholesky(known + variance * correlation + (noise + 1e-8) * eye)
        inverse = solved(factor, eye)
        alpha = inverse @ y
        z = (logs - centre) / spread
        value = 0.5 * y @ alpha + np.log(np.diag(factor)).sum() + 0.5 * z @ z
        # d value / d covariance; by a log scale, the covariance changes as
        # variance * steepness * (x - x')^2 / scale^2.
        outer = inverse - np.outer(alpha, alpha)
        steep *= variance * outer
        by_scale = steep.sum(1) @ scaled**2 - np.einsum("ik,ik->k", scaled, steep @ scaled)
        by_variance = 0.5 * variance * (outer * correlation).sum()
        by_noise = 0.5 * noise * np.trace(outer)
        return float(value), np.concatenate([by_scale, [by_variance, by_noise]]) + z / spread

    bounds = np.array([*[_LOG_SCALES] * d, _LOG_VARIANCE, _LOG_NOISE])
    found = minimize(
        loss,
        np.clip(centre, *bounds.T),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": _MOST_STEPS, "ftol": _ENOUGH},
    )
    fitted, z = np.exp(found.x), (found.x - centre) / spread
    return Adapted(
        kernel=Kernel(scales=fitted[:d], variance=float(fitted[d]), noise=float(fitted[d + 1])),
        log_prior_penalty=0.5 * float(z @ z),
    )


def _telling(scores: Floats) -> NDArray[np.int64]:
    """Rows to fit on: the best half of the limit, and others evenly over the rest."""
    order = np.argsort(-scores, kind="stable")
    half = _MOST_POINTS // 2
    if len(order) <= _MOST_POINTS:
        return order
    others = np.linspace(half, len(order) - 1, _MOST_POINTS - half).round().astype(np.int64)
    return np.concatenate([order[:half], order[others]])
