"""Hypotheses conditioned on the trials of one study: each with its evidence, slope and offset.

Eq. (1) of `posterior` under one hypothesis, and the kernels that fit this task's own trials.

Shapes: n observed trials, d unit columns, p basis functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from autometa.encoding import Floats
from autometa.meta.data.standard import standardise
from autometa.meta.inference.hypotheses import Arm, Hypothesis
from autometa.meta.inference.refit_kernel import Adapted, adapt_kernel
from autometa.meta.parts.cholesky import cholesky, half_solved, solved
from autometa.meta.parts.kernel import Kernel, matern
from autometa.meta.parts.transfer import Transfer

_ADAPT_FROM: dict[Arm, int] = {"transfer": 12, "cold": 8}  # trials; fewer say too little
_LOG_SLOPES = np.linspace(-2.5, 2.5, 13)
_EARLY_NOISE = 0.3  # variance of the guess at (almost) no budget, in squared normal scores
_LEAST_SHARE = 0.02  # of a slope that is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A hypothesis conditioned on the trials; scores in units of their own standard deviation.

    Slopes that the trials leave possible stand side by side, k of them; given one, the offset is
    normal and integrated out exactly.

    Args:
        hypothesis: Which.
        variance: v.
        noise: Of a trial at the full budget, in squared normal scores.
        factor: Lower Cholesky factor of K, the covariance of f + noise, (n, n).
        slopes: b, (k,).
        shares: How probable each slope is, (k,), summing to one.
        offsets: a, given each slope, (k,).
        alphas: K^-1 ((y - a) / b - mean) for each slope, (k, n).
        bests: Largest posterior mean of f at a full trial, for each slope, (k,).
        flat: K^-1 1, (n,).
        log_evidence: Of the trials, a and b integrated out.
    """

    hypothesis: Hypothesis
    variance: float
    noise: float
    factor: Floats
    slopes: Floats
    shares: Floats
    offsets: Floats
    alphas: Floats
    bests: Floats
    flat: Floats
    log_evidence: float

    @property
    def alpha(self) -> Floats:
        """The mean of the alphas, (n,)."""
        result: Floats = self.shares @ self.alphas
        return result

    def offset_leverage(self, cross: Floats) -> Floats:
        """By how much a prediction moves with the offset, (m,); 0 at a trial without noise.

        Args:
            cross: Covariance of candidates with the trials, (m, n).
        """
        result: Floats = 1.0 - cross @ self.flat
        return result

    @property
    def offset_variance(self) -> float:
        """Posterior variance of a / b, 1 / (1' K^-1 1)."""
        return 1.0 / float(self.flat.sum())


class Conditioning:
    """The trials of one study, on which hypotheses are conditioned.

    Args:
        transfer: What was learned from prior tasks.
        unit: Unit configs of the trials, (n, d).
        scores: Their scores, higher is better, (n,), finite; standardised, see `standard`.
        fidelity: Share of the full budget that each had, in (0, 1], (n,); one where None.
        relevance: Weights of the prior tasks before any trial, (T,); equal where None.
        adapted: Kernels that fit this task, where already at hand.
    """

    def __init__(
        self,
        transfer: Transfer,
        unit: Floats,
        scores: Floats,
        *,
        fidelity: Floats | None,
        relevance: Floats | None,
        adapted: Mapping[Arm, Adapted] | None = None,
    ) -> None:
        self.unit, self.features = unit, transfer.basis(unit)
        self.head = transfer.prior.mean if relevance is None else relevance @ transfer.prior.heads
        standard = standardise(scores)
        self._standard, self.centre, self.spread = standard.z, standard.centre, standard.spread
        budget = np.ones(len(unit)) if fidelity is None else fidelity
        self._early = _EARLY_NOISE * (1.0 - budget)
        # Without a single full trial the best of the others has to stand for it.
        self._full = (budget == 1.0) if (budget == 1.0).any() else budget > 0.0
        self._shared = self.features @ transfer.prior.cov @ self.features.T
        self._mean = self.features @ self.head
        self._log_slope_prior = _log_slope_prior(*transfer.log_slope, self.spread)
        self._correlations: dict[tuple[Arm, bool, float], Floats] = {}
        self._kernels: dict[tuple[Arm, bool], Kernel] = {
            ("transfer", False): transfer.residual,
            # The scale of a cold process is the slope's business.
            ("cold", False): replace(transfer.cold, variance=1.0),
        }
        self._fits: dict[Hypothesis, Fit] = {}
        self.adapted: dict[Arm, Adapted] = {}
        for arm, found in (adapted or {}).items():
            self._take(arm, found)

    def adapt(self, arms: Iterable[Arm]) -> None:
        """Fit the kernels of arms that have enough trials to this task."""
        for arm in dict.fromkeys(arms):
            if self._full.sum() >= _ADAPT_FROM[arm]:
                self._take(arm, self._adapt(arm))

    def knows(self, hypothesis: Hypothesis) -> bool:
        """Whether its kernel is there."""
        return (hypothesis.arm, hypothesis.adapted) in self._kernels

    def scales(self, hypothesis: Hypothesis) -> Floats:
        """Length scales (d,) under a hypothesis."""
        return self._kernels[hypothesis.arm, hypothesis.adapted].scales * hypothesis.scale

    def fit(self, hypothesis: Hypothesis) -> Fit:
        """Eq. (1) of `posterior` under a hypothesis; found once, as adapting asks for one too."""
        if hypothesis not in self._fits:
            self._fits[hypothesis] = self._fit(hypothesis)
        return self._fits[hypothesis]

    def _fit(self, hypothesis: Hypothesis) -> Fit:
        n = len(self._standard)
        kernel = self._kernels[hypothesis.arm, hypothesis.adapted]
        variance = kernel.variance * hypothesis.residual
        noise = hypothesis.noise(kernel) + self._early
        cov = variance * self._correlation(hypothesis)
        mean = np.zeros(n)
        if hypothesis.arm == "transfer":
            cov += hypothesis.inflation * self._shared
            mean = self._mean
        cov[np.diag_indices(n)] += noise
        factor = cholesky(cov)
        told = [self._standard, mean, np.ones(n)]
        white = half_solved(factor, np.stack(told, axis=1))
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
            + self._log_slope_prior
        )
        log_evidence = float(np.logaddexp.reduce(evidence))
        shares = np.exp(evidence - log_evidence)
        slopes, shares = slopes[shares >= _LEAST_SHARE], shares[shares >= _LEAST_SHARE]
        offsets = (gram[0, 2] - slopes * gram[1, 2]) / gram[2, 2]
        by_score, by_mean, flat = solved(factor, np.stack(told, axis=1)).T
        alphas = (by_score - offsets[:, None] * flat) / slopes[:, None] - by_mean
        at_trials = (self._standard - offsets[:, None]) / slopes[:, None] - noise * alphas
        return Fit(
            hypothesis=hypothesis,
            variance=variance,
            noise=hypothesis.noise(kernel),
            factor=factor,
            slopes=slopes,
            shares=shares / shares.sum(),
            offsets=offsets,
            alphas=alphas,
            bests=at_trials[:, self._full].max(axis=1),
            flat=flat,
            log_evidence=log_evidence,
        )

    def _take(self, arm: Arm, found: Adapted) -> None:
        self.adapted[arm] = found
        self._kernels[arm, True] = found.kernel

    def _adapt(self, arm: Arm) -> Adapted:
        kernel, full = self._kernels[arm, False], self._full
        if arm == "cold":
            return adapt_kernel(kernel, self.unit[full], self._standard[full])
        plain = self.fit(Hypothesis(arm="transfer"))
        top = plain.shares.argmax()
        rest = (self._standard - plain.offsets[top]) / plain.slopes[top] - self._mean
        return adapt_kernel(kernel, self.unit[full], rest[full], self._shared[np.ix_(full, full)])

    def _correlation(self, hypothesis: Hypothesis) -> Floats:
        """Of the trials with one another, (n, n); several hypotheses differ in other numbers."""
        key = hypothesis.arm, hypothesis.adapted, hypothesis.scale
        if key not in self._correlations:
            self._correlations[key] = matern(self.unit, self.unit, self.scales(hypothesis))
        return self._correlations[key]


def _log_slope_prior(centre: float, spread: float, unit: float) -> Floats:
    """Log-normal around the slopes of prior tasks, with a tail for metrics of another scale."""
    z = (_LOG_SLOPES - (centre - np.log(unit))) / spread
    prior: Floats = np.logaddexp(-0.5 * z**2 - np.log(spread), np.log(0.1) - 2.0)
    return prior
