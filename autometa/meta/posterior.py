"""The posterior: what is believed of the new task after n trials, prior tasks weighed in.

Model of the new task's scores (higher is better):

    y = a + b (f(x) + noise),    f(x) = phi(x)'w + r(x)
    w ~ N(m, tau S),             r ~ GP(0, v k)                                       # eq. (1)

a and b fit the user's own scale: a is flat and integrated out, b lies on a grid with a prior
learned from the prior tasks. Several hypotheses about (tau, v, k, noise) stand side by side; among
them are cold ones (tau = 0, m = 0), which are plain Gaussian processes. Each is weighed by its
evidence, so prior tasks that mislead lose their say as soon as the trials contradict them.

In task space the transferred part is O(x) = sum_i omega_i f_i(x): `task_weights`.

What a pruned trial is thought to have ended with takes part with the noise of a guess, the more the
earlier it stopped; only full trials can be the best one.

Shapes: n observed trials, m candidates, d unit columns, p basis functions, T prior tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from autometa.encoding import Floats
from autometa.meta.adaptation import Adapted, adapt_kernel
from autometa.meta.cholesky import cholesky, half_solved, solved
from autometa.meta.hypotheses import HYPOTHESES, Arm, Hypothesis
from autometa.meta.improvement import log_improvement, slopes
from autometa.meta.kernel import Kernel, matern, matern_slope
from autometa.meta.transfer import Transfer

_ADAPT_FROM: dict[Arm, int] = {"transfer": 12, "cold": 8}  # trials; fewer say too little
_LOG_SLOPES = np.linspace(-2.5, 2.5, 13)
_LEAST_WEIGHT, _MOST_ACTIVE = 0.02, 3
_EARLY_NOISE = 0.3  # variance of the guess at (almost) no budget, in squared normal scores


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """A hypothesis conditioned on the trials; scores in units of their own standard deviation."""

    hypothesis: Hypothesis
    variance: float  # v
    factor: Floats  # lower Cholesky factor of the covariance of f + noise, (n, n)
    alpha: Floats  # covariance^-1 ((y - a) / b - mean), (n,)
    slope: float  # b
    offset: float  # a
    best: float  # largest posterior mean of f at a full trial
    log_evidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Belief:
    """What a hypothesis believes of f at m candidates."""

    fit: _Fit
    weight: float
    mean: Floats  # (m,)
    deviation: Floats  # (m,)
    cross: Floats  # covariance with the trials, (m, n)


class Posterior:
    """Eq. (1) conditioned on the trials of one study.

    Args:
        transfer: What was learned from prior tasks.
        unit: Unit configs of the trials, (n, d), n >= 1.
        scores: Their scores, higher is better, (n,), finite.
        fidelity: Share of the full budget that each had, in (0, 1], (n,); one by default.
            Below one, the score is a guess of the final one.
        relevance: Weights of the prior tasks before any trial, (T,), which move m; equal by
            default.
        hypotheses: Which take part; cold ones alone are a plain Gaussian process.
        adapted: Kernels of another posterior of the same task, to be kept; fitted anew by default.
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
        fidelity: Floats | None = None,
        relevance: Floats | None = None,
        hypotheses: tuple[Hypothesis, ...] = HYPOTHESES,
        adapted: Mapping[Arm, Adapted] | None = None,
        cold_share: float = 0.15,
        clip: float = 1.5,
    ) -> None:
        self._transfer, self._unit = transfer, unit
        standard, self._centre, self._spread = _standardise(scores, clip)
        budget = np.ones(len(unit)) if fidelity is None else fidelity
        self._early = _EARLY_NOISE * (1.0 - budget)
        # Without a single full trial the best of the others has to stand for it.
        self._full = (budget == 1.0) if (budget == 1.0).any() else budget > 0.0
        self._features = transfer.basis(unit)
        shared = self._features @ transfer.prior.cov @ self._features.T
        self._head = transfer.prior.mean if relevance is None else relevance @ transfer.prior.heads
        self._relevance = relevance
        mean = self._features @ self._head
        self._kernels: dict[tuple[Arm, bool], Kernel] = {
            ("transfer", False): transfer.residual,
            # The scale of a cold process is the slope's business.
            ("cold", False): replace(transfer.cold, variance=1.0),
        }
        self._correlations: dict[tuple[Arm, bool, float], Floats] = {}
        if adapted is None:
            adapted = {
                arm: self._adapt(arm, standard, shared, mean)
                for arm in dict.fromkeys(h.arm for h in hypotheses)
                if self._full.sum() >= _ADAPT_FROM[arm]
            }
        self.adapted = adapted
        self._kernels |= {(arm, True): found.kernel for arm, found in adapted.items()}
        fits = []
        for hypothesis in hypotheses:
            key = hypothesis.arm, hypothesis.adapted
            if key in self._kernels:
                share = cold_share if hypothesis.arm == "cold" else 1.0 - cold_share
                count = sum(h.arm == hypothesis.arm for h in hypotheses)
                log_prior = float(np.log(share / count))
                if hypothesis.adapted:
                    log_prior -= adapted[hypothesis.arm].surprise
                fits.append(self._fit(hypothesis, standard, shared, mean, log_prior))
        log_weights = np.array([f.log_evidence for f in fits])
        weights = np.exp(log_weights - log_weights.max())
        weights /= weights.sum()
        self.transfer_share = float(
            sum(w for w, f in zip(weights, fits, strict=True) if f.hypothesis.arm == "transfer")
        )
        keep = [i for i in np.argsort(-weights)[:_MOST_ACTIVE] if weights[i] >= _LEAST_WEIGHT]
        self._fits = [fits[i] for i in keep]
        self._weights = weights[keep] / weights[keep].sum()

    def _adapt(self, arm: Arm, standard: Floats, shared: Floats, mean: Floats) -> Adapted:
        kernel = self._kernels[arm, False]
        full = self._full
        if arm == "cold":
            return adapt_kernel(kernel, self._unit[full], standard[full])
        plain = self._fit(Hypothesis(arm="transfer"), standard, shared, mean, 0.0)
        rest = (standard - plain.offset) / plain.slope - mean
        return adapt_kernel(kernel, self._unit[full], rest[full], shared[np.ix_(full, full)])

    def _scales(self, hypothesis: Hypothesis) -> Floats:
        return self._kernels[hypothesis.arm, hypothesis.adapted].scales * hypothesis.scale

    def _correlation(self, hypothesis: Hypothesis) -> Floats:
        """Of the trials with one another, (n, n); several hypotheses differ in other numbers."""
        key = hypothesis.arm, hypothesis.adapted, hypothesis.scale
        if key not in self._correlations:
            self._correlations[key] = matern(self._unit, self._unit, self._scales(hypothesis))
        return self._correlations[key]

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
        kernel = self._kernels[hypothesis.arm, hypothesis.adapted]
        variance = kernel.variance * hypothesis.residual
        noise = hypothesis.noise(kernel) + self._early
        cov = variance * self._correlation(hypothesis)
        mean = np.zeros(n)
        if transferred:
            cov += hypothesis.inflation * shared
            mean = shared_mean
        cov[np.diag_indices(n)] += noise
        factor = cholesky(cov)
        white = half_solved(factor, np.stack([standard, mean, np.ones(n)], axis=1))
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
        alpha = solved(factor, (standard - offset) / slope - mean)
        at_trials = (standard - offset) / slope - noise * alpha
        return _Fit(
            hypothesis=hypothesis,
            variance=variance,
            factor=factor,
            alpha=alpha,
            slope=slope,
            offset=offset,
            best=float(at_trials[self._full].max()),
            log_evidence=float(log_prior + np.logaddexp.reduce(evidence)),
        )

    def _log_slope_prior(self) -> Floats:
        """Log-normal around the slopes of prior tasks, with a tail for metrics of another scale."""
        centre, spread = self._transfer.log_slope
        z = (_LOG_SLOPES - (centre - np.log(self._spread))) / spread
        prior: Floats = np.logaddexp(-0.5 * z**2 - np.log(spread), np.log(0.1) - 2.0)
        return prior

    @property
    def uses_transfer(self) -> bool:
        """Whether any hypothesis that is still heard asks the prior tasks."""
        return any(f.hypothesis.arm == "transfer" for f in self._fits)

    # What it says --------------------------------------------------------------------------------

    def log_ei(self, unit: Floats, features: Floats | None = None) -> Floats:
        """Log expected improvement over the best trial, (m,), averaged over the hypotheses.

        Args:
            unit: Candidates, (m, d).
            features: Their basis features (m, p), where already at hand.
        """
        gains = self._gains(self._beliefs(unit, features))
        result: Floats = np.logaddexp.reduce(gains, axis=0)
        return result

    def log_ei_slope(self, unit: Floats) -> tuple[Floats, Floats]:
        """Log expected improvement (m,) and its gradient by the unit config, (m, d)."""
        features = self._transfer.basis(unit)
        beliefs = self._beliefs(unit, features)
        gains = self._gains(beliefs)
        total = np.logaddexp.reduce(gains, axis=0)
        slope, cotangent = np.zeros_like(unit), np.zeros_like(features)
        for share, belief in zip(np.exp(gains - total), beliefs, strict=True):
            fit = belief.fit
            by_mean, by_deviation = slopes(belief.mean, belief.deviation, fit.best)
            by_mean = (share * by_mean)[:, None]
            # The variance loses cross' K^-1 cross; d deviation = d variance / (2 deviation).
            by_variance = (share * by_deviation / belief.deviation)[:, None]
            by_cross = by_mean * fit.alpha - by_variance * solved(fit.factor, belief.cross.T).T
            slope += matern_slope(
                unit, self._unit, self._scales(fit.hypothesis), fit.variance * by_cross
            )
            if fit.hypothesis.arm == "transfer":
                tau, cov = fit.hypothesis.inflation, self._transfer.prior.cov
                to_head = by_cross @ self._features + by_variance * features
                cotangent += by_mean * self._head + tau * to_head @ cov
        if cotangent.any():
            slope += self._transfer.basis.vjp(unit, cotangent)
        return total, slope

    def _gains(self, beliefs: list[_Belief]) -> Floats:
        """Per active hypothesis, log of its share of the expected improvement, (h, m)."""
        return np.stack(
            [
                np.log(b.weight * b.fit.slope) + log_improvement(b.mean, b.deviation, b.fit.best)
                for b in beliefs
            ]
        )

    def predict(self, unit: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the scores of candidates, (m,) each, in score units."""
        mean, square = np.zeros(len(unit)), np.zeros(len(unit))
        for belief in self._beliefs(unit, None):
            fit = belief.fit
            centre = fit.offset + fit.slope * belief.mean
            mean += belief.weight * centre
            square += belief.weight * (centre**2 + (fit.slope * belief.deviation) ** 2)
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

    def _beliefs(self, unit: Floats, features: Floats | None) -> list[_Belief]:
        """What each active hypothesis believes of f at some candidates."""
        prior = self._transfer.prior
        if self.uses_transfer:
            features = self._transfer.basis(unit) if features is None else features
            spread = features @ prior.cov
            shared, shared_mean = spread @ self._features.T, features @ self._head
            shared_variance = np.einsum("mp,mp->m", spread, features)
        beliefs = []
        for fit, weight in zip(self._fits, self._weights, strict=True):
            cross = fit.variance * matern(unit, self._unit, self._scales(fit.hypothesis))
            variance = np.full(len(unit), fit.variance)
            mean = np.zeros(len(unit))
            if fit.hypothesis.arm == "transfer":
                cross += fit.hypothesis.inflation * shared
                variance += fit.hypothesis.inflation * shared_variance
                mean = shared_mean
            white = half_solved(fit.factor, cross.T)
            variance -= np.einsum("nm,nm->m", white, white)
            beliefs.append(
                _Belief(
                    fit=fit,
                    weight=float(weight),
                    mean=mean + cross @ fit.alpha,
                    deviation=np.sqrt(np.maximum(variance, 1e-8)),
                    cross=cross,
                )
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
