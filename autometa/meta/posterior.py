"""The posterior: what is believed of the new task after n trials, prior tasks weighed in.

Model of the new task's scores (higher is better):

    y = a + b (f(x) + noise),    f(x) = phi(x)'w + r(x)
    w ~ N(m, tau S),             r ~ GP(0, v k)                                       # eq. (1)

a and b fit the user's own scale: a is flat and integrated out, b lies on a grid with a prior
learned from the prior tasks. Several hypotheses about (tau, v, k, noise) stand side by side; among
them are cold ones (tau = 0, m = 0), which are plain Gaussian processes. Each is weighed by its
evidence, so prior tasks that mislead lose their say as soon as the trials contradict them.

In task space the transferred part is O(x) = sum_i omega_i f_i(x): `task_weights`.

Shapes: n observed trials, m candidates, d unit columns, p basis functions, T prior tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import log_ndtr, ndtr

from autometa.encoding import Floats
from autometa.meta.kernel import matern
from autometa.meta.transfer import Transfer

Arm: TypeAlias = Literal["transfer", "cold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """One reading of eq. (1), as factors on what was learned from the prior tasks."""

    arm: Arm
    inflation: float = 1.0  # tau
    residual: float = 1.0  # factor on v
    scale: float = 1.0  # factor on the kernel's length scales
    noisy: bool = False


HYPOTHESES: tuple[Hypothesis, ...] = (
    Hypothesis(arm="transfer"),
    Hypothesis(arm="transfer", residual=4.0),
    Hypothesis(arm="transfer", inflation=4.0, residual=4.0),
    Hypothesis(arm="transfer", noisy=True),
    Hypothesis(arm="transfer", inflation=4.0, residual=16.0, noisy=True),
    Hypothesis(arm="cold"),
    Hypothesis(arm="cold", scale=0.5),
    Hypothesis(arm="cold", scale=2.0),
    Hypothesis(arm="cold", noisy=True),
)

_NOISE_FLOOR, _NOISE_CAP, _NOISY = 1e-3, 0.02, 0.2
_LOG_SLOPES = np.linspace(-2.5, 2.5, 13)
_LEAST_WEIGHT = 0.02
_MOST_ACTIVE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """A hypothesis conditioned on the trials; scores in units of their own standard deviation."""

    hypothesis: Hypothesis
    variance: float  # v
    factor: Floats  # lower Cholesky factor of the covariance of f + noise, (n, n)
    alpha: Floats  # covariance^-1 ((y - a) / b - mean), (n,)
    slope: float  # b
    offset: float  # a
    best: float  # largest posterior mean of f at a trial
    log_evidence: float


class Posterior:
    """Eq. (1) conditioned on the trials of one study.

    Args:
        transfer: What was learned from prior tasks.
        unit: Unit configs of the trials, (n, d), n >= 1.
        scores: Their scores, higher is better, (n,), finite.
        relevance: Weights of the prior tasks before any trial, (T,), which move m; equal by
            default.
        arms: Which hypotheses take part; ("cold",) alone is a plain Gaussian process.
        cold_share: Prior probability of the cold hypotheses together.
        clip: Scores more than this many (best - median) below the median are raised to there, so
            that one failed config does not flatten the differences among good ones.
    """

    def __init__(
        self,
        transfer: Transfer,
        unit: Floats,
        scores: Floats,
        *,
        relevance: Floats | None = None,
        arms: tuple[Arm, ...] = ("transfer", "cold"),
        cold_share: float = 0.3,
        clip: float = 1.5,
    ) -> None:
        self._transfer, self._unit = transfer, unit
        standard, self._centre, self._spread = _standardise(scores, clip)
        self._features = transfer.basis(unit)
        shared = self._features @ transfer.prior.cov @ self._features.T
        self._head = transfer.prior.mean if relevance is None else relevance @ transfer.prior.heads
        self._relevance = relevance
        mean = self._features @ self._head
        fits = []
        for hypothesis in HYPOTHESES:
            if hypothesis.arm in arms:
                share = cold_share if hypothesis.arm == "cold" else 1.0 - cold_share
                count = sum(h.arm == hypothesis.arm for h in HYPOTHESES)
                fits.append(self._fit(hypothesis, standard, shared, mean, np.log(share / count)))
        log_weights = np.array([f.log_evidence for f in fits])
        weights = np.exp(log_weights - log_weights.max())
        weights /= weights.sum()
        self.transfer_share = float(
            sum(w for w, f in zip(weights, fits, strict=True) if f.hypothesis.arm == "transfer")
        )
        keep = [i for i in np.argsort(-weights)[:_MOST_ACTIVE] if weights[i] >= _LEAST_WEIGHT]
        self._fits = [fits[i] for i in keep]
        self._weights = weights[keep] / weights[keep].sum()

    def _correlation(self, left: Floats, right: Floats, hypothesis: Hypothesis) -> Floats:
        kernel = self._transfer.residual if hypothesis.arm == "transfer" else self._transfer.cold
        return matern(left, right, kernel.scales * hypothesis.scale)

    def _fit(
        self,
        hypothesis: Hypothesis,
        standard: Floats,
        shared: Floats,
        shared_mean: Floats,
        log_prior: float,
    ) -> _Fit:
        n = len(standard)
        transferred = hypothesis.arm == "transfer"
        kernel = self._transfer.residual if transferred else self._transfer.cold
        variance = kernel.variance * hypothesis.residual if transferred else 1.0
        noise = (
            _NOISY if hypothesis.noisy else float(np.clip(kernel.noise, _NOISE_FLOOR, _NOISE_CAP))
        )
        cov = variance * self._correlation(self._unit, self._unit, hypothesis)
        mean = np.zeros(n)
        if transferred:
            cov += hypothesis.inflation * shared
            mean = shared_mean
        cov[np.diag_indices(n)] += noise
        factor = np.asarray(np.linalg.cholesky(cov), dtype=np.float64)
        white = solve_triangular(
            factor, np.stack([standard, mean, np.ones(n)], axis=1), lower=True, check_finite=False
        )
        gram = white.T @ white
        # Project the flat offset a out of both: <u, v> = u'K^-1 v - u'K^-1 1 1'K^-1 v / 1'K^-1 1.
        flat = gram - np.outer(gram[:, 2], gram[2]) / gram[2, 2]
        slopes = np.exp(_LOG_SLOPES)
        misfit = flat[0, 0] / slopes**2 - 2.0 * flat[0, 1] / slopes + flat[1, 1]
        evidence = (
            -(n - 1) * _LOG_SLOPES
            - np.log(np.diag(factor)).sum()
            - 0.5 * np.log(gram[2, 2])
            - 0.5 * misfit
            + self._log_slope_prior()
        )
        top = int(evidence.argmax())
        slope = float(slopes[top])
        offset = float((gram[0, 2] - slope * gram[1, 2]) / gram[2, 2])
        alpha = _solve(factor, (standard - offset) / slope - mean)
        at_trials = (standard - offset) / slope - noise * alpha
        return _Fit(
            hypothesis=hypothesis,
            variance=variance,
            factor=factor,
            alpha=alpha,
            slope=slope,
            offset=offset,
            best=float(at_trials.max()),
            log_evidence=float(log_prior + np.logaddexp.reduce(evidence)),
        )

    def _log_slope_prior(self) -> Floats:
        """Log-normal around the slopes of prior tasks, with a tail for metrics of another scale."""
        centre, spread = self._transfer.log_slope
        z = (_LOG_SLOPES - (centre - np.log(self._spread))) / spread
        prior: Floats = np.logaddexp(-0.5 * z**2 - np.log(spread), np.log(0.1) - 2.0)
        return prior

    # What it says --------------------------------------------------------------------------------

    def log_ei(self, unit: Floats, features: Floats | None = None) -> Floats:
        """Log expected improvement over the best trial, (m,), averaged over the hypotheses.

        Args:
            unit: Candidates, (m, d).
            features: Their basis features (m, p), where already at hand.
        """
        result = np.full(len(unit), -np.inf)
        for fit, weight, mean, deviation in self._beliefs(unit, features):
            gain = np.log(deviation) + _log_h((mean - fit.best) / deviation)
            result = np.logaddexp(result, np.log(weight * fit.slope) + gain)
        return result

    def predict(self, unit: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the scores of candidates, (m,) each, in score units."""
        mean, square = np.zeros(len(unit)), np.zeros(len(unit))
        for fit, weight, f_mean, f_deviation in self._beliefs(unit, None):
            centre = fit.offset + fit.slope * f_mean
            mean += weight * centre
            square += weight * (centre**2 + (fit.slope * f_deviation) ** 2)
        deviation = np.sqrt(np.maximum(square - mean**2, 0.0))
        return self._centre + self._spread * mean, self._spread * deviation

    @cached_property
    def task_weights(self) -> Floats:
        """Weights omega (T,) of O(x) = sum_i omega_i f_i(x), summing to the transfer's share."""
        total = np.zeros(len(self._transfer.prior.heads))
        for fit, weight in zip(self._fits, self._weights, strict=True):
            if fit.hypothesis.arm == "transfer":
                direction = fit.hypothesis.inflation * (self._features.T @ fit.alpha)
                total += weight * self._transfer.prior.blend(direction, self._relevance)
        return total

    def _beliefs(
        self, unit: Floats, features: Floats | None
    ) -> list[tuple[_Fit, float, Floats, Floats]]:
        """Per active hypothesis: its fit, weight, and mean and deviation (m,) of f."""
        prior = self._transfer.prior
        if any(f.hypothesis.arm == "transfer" for f in self._fits):
            features = self._transfer.basis(unit) if features is None else features
            spread = features @ prior.cov
            shared, shared_mean = spread @ self._features.T, features @ self._head
            shared_variance = np.einsum("mp,mp->m", spread, features)
        correlations: dict[tuple[Arm, float], Floats] = {}
        beliefs = []
        for fit, weight in zip(self._fits, self._weights, strict=True):
            key = (fit.hypothesis.arm, fit.hypothesis.scale)
            if key not in correlations:
                correlations[key] = self._correlation(unit, self._unit, fit.hypothesis)
            cross = fit.variance * correlations[key]
            variance = np.full(len(unit), fit.variance)
            mean = np.zeros(len(unit))
            if fit.hypothesis.arm == "transfer":
                cross = cross + fit.hypothesis.inflation * shared
                variance += fit.hypothesis.inflation * shared_variance
                mean = shared_mean
            white = solve_triangular(fit.factor, cross.T, lower=True, check_finite=False)
            variance -= np.einsum("nm,nm->m", white, white)
            beliefs.append(
                (fit, float(weight), mean + cross @ fit.alpha, np.sqrt(np.maximum(variance, 1e-8)))
            )
        return beliefs


def _standardise(scores: Floats, clip: float) -> tuple[Floats, float, float]:
    """Scores with their worst values raised, in units of their standard deviation."""
    if len(scores) >= 4:
        middle, best = np.median(scores), scores.max()
        gap = max(best - middle, 0.1 * (middle - np.quantile(scores, 0.1)), 0.0)
        scores = np.maximum(scores, middle - clip * gap)
    centre = float(scores.mean())
    spread = float(max(scores.std(), 1e-12 * max(1.0, abs(centre))))
    return (scores - centre) / spread, centre, spread


def _solve(factor: Floats, right: Floats) -> Floats:
    half = solve_triangular(factor, right, lower=True, check_finite=False)
    result: Floats = solve_triangular(factor, half, lower=True, trans=1, check_finite=False)
    return result


def _log_h(z: Floats) -> Floats:
    """log(phi(z) + z Phi(z)), accurate far below zero (Ament et al., 2023)."""
    result = np.empty_like(z)
    near = z > -1.0
    far = z < -25.0
    result[near] = np.log(
        np.exp(-0.5 * z[near] ** 2) / np.sqrt(2.0 * np.pi) + z[near] * ndtr(z[near])
    )
    middle = ~near & ~far
    log_density = -0.5 * z[middle] ** 2 - 0.5 * np.log(2.0 * np.pi)
    ratio = np.exp(log_ndtr(z[middle]) - log_density) * -z[middle]
    result[middle] = log_density + np.log(np.maximum(1.0 - ratio, 1e-300))
    result[far] = -0.5 * z[far] ** 2 - 0.5 * np.log(2.0 * np.pi) - 2.0 * np.log(-z[far])
    return result
