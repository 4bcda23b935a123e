"""The posterior: what is believed of the new task after n trials, prior tasks weighed in.

Model of the new task's scores (higher is better):

    y = a + b (f(x) + noise),    f(x) = phi(x)'w + r(x)
    w ~ N(m, tau S),             r ~ GP(0, v k)                                       # eq. (1)

a and b fit the user's own scale and both are integrated out: a is flat, so that given b a
prediction is normal with the variance of universal kriging (O'Hagan, "Curve fitting and optimal
design for prediction", 1978); b lies on a grid with a prior learned from the prior tasks, and what
is said of a config is a mixture over it. Several hypotheses about (tau, v, k, noise) stand side by
side; among them are cold ones (tau = 0, m = 0), which are plain Gaussian processes. Each is weighed
by its evidence, so prior tasks that mislead lose their say as soon as the trials contradict them.
For speed the best three are heard, each arm with the mass that all of its hypotheses have together;
an arm of less than a tenth of all is not heard: without the transferred one, a search goes cold.

In task space the transferred part is O(x) = sum_i omega_i f_i(x): `task_weights`.

What a pruned trial is thought to have ended with takes part with the noise of a guess, the more the
earlier it stopped; only full trials can be the best one.

Shapes: n observed trials, m candidates, d unit columns, p basis functions, T prior tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from autometa.encoding import Floats
from autometa.meta.inference.conditioning import Conditioning, Fit
from autometa.meta.inference.hypotheses import HYPOTHESES, Arm, Hypothesis
from autometa.meta.inference.improvement import log_improvement, slopes
from autometa.meta.inference.refit_kernel import Adapted
from autometa.meta.parts.cholesky import half_solved, solved
from autometa.meta.parts.kernel import matern, matern_slope
from autometa.meta.parts.transfer import Transfer

_LEAST_WEIGHT, _MOST_ACTIVE = 0.02, 3
_LEAST_SHARE = 0.1  # of an arm, to be heard
_WIDE, _HALVINGS = 10.0, 40
# Kernels and the heads' covariance are estimates on trials that the basis has seen, and count as
# known. Measured on tasks of families left out; see `benchmarks/results/coverage.json`.
_ESTIMATES = 1.12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Belief:
    """What a hypothesis believes of f at m candidates."""

    fit: Fit
    weight: float
    means: Floats  # for each of its k slopes, (k, m)
    deviation: Floats  # (m,), the offset's share in it included
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
        judged: Another posterior of the same task, whose hypotheses, kernels and weights are kept:
            trials that are only believed must not decide. Found anew by default.
        cold_share: Prior probability of the cold hypotheses together.
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
        judged: Posterior | None = None,
        cold_share: float = 0.15,
    ) -> None:
        self._transfer, self._relevance = transfer, relevance
        self._on = Conditioning(
            transfer,
            unit,
            scores,
            fidelity=fidelity,
            relevance=relevance,
            adapted=judged.adapted if judged else None,
        )
        self._fits: list[Fit]
        self._weights: Floats
        self.transfer_share: float
        if judged is None:
            self._on.adapt(h.arm for h in hypotheses)
            known = [h for h in hypotheses if self._on.knows(h)]
            priors = self._log_priors(known, hypotheses, cold_share)
            self._fits, self._weights, self.transfer_share = _top_hypotheses(
                map(self._on.fit, known), priors
            )
        else:
            self._fits = [self._on.fit(f.hypothesis) for f in judged._fits]
            self._weights, self.transfer_share = judged._weights, judged.transfer_share

    @property
    def adapted(self) -> Mapping[Arm, Adapted]:
        """Kernels that fit this task's own trials, of the arms that have enough of them."""
        return self._on.adapted

    def _log_priors(
        self, known: Sequence[Hypothesis], every: Sequence[Hypothesis], cold_share: float
    ) -> Floats:
        """What hypotheses weigh before any trial; adapted ones less, by their prior density."""
        priors = []
        for hypothesis in known:
            share = cold_share if hypothesis.arm == "cold" else 1.0 - cold_share
            prior = float(np.log(share / sum(h.arm == hypothesis.arm for h in every)))
            fitted = self.adapted[hypothesis.arm] if hypothesis.adapted else None
            priors.append(prior - (0.0 if fitted is None else fitted.log_prior_penalty))
        return np.array(priors)

    @property
    def uses_transfer(self) -> bool:
        """Whether the prior tasks are heard: hypotheses that ask them have a tenth of the mass."""
        return any(f.hypothesis.arm == "transfer" for f in self._fits)

    # What it says --------------------------------------------------------------------------------

    def log_ei(self, unit: Floats, features: Floats | None = None) -> Floats:
        """Log expected improvement over the best trial, (m,), averaged over the hypotheses.

        Args:
            unit: Candidates, (m, d).
            features: Their basis features (m, p), where already at hand.
        """
        gains = np.concatenate([_gains(b) for b in self._beliefs(unit, features)])
        result: Floats = np.logaddexp.reduce(gains, axis=0)
        return result

    def log_ei_slope(self, unit: Floats) -> tuple[Floats, Floats]:
        """Log expected improvement (m,) and its gradient by the unit config, (m, d)."""
        features = self._transfer.basis(unit)
        beliefs = self._beliefs(unit, features)
        gains = [_gains(b) for b in beliefs]
        total = np.logaddexp.reduce(np.concatenate(gains), axis=0)
        slope, cotangent = np.zeros_like(unit), np.zeros_like(features)
        for belief, gain in zip(beliefs, gains, strict=True):
            fit, share = belief.fit, np.exp(gain - total)
            by_means, by_deviations = slopes(belief.means, belief.deviation, fit.bests[:, None])
            by_means *= share
            # The variance loses cross' K^-1 cross and gains the offset's part of it, leverage^2 /
            # (1' K^-1 1); d deviation = d variance / (2 deviation).
            by_variance = ((share * by_deviations).sum(0) / belief.deviation)[:, None]
            leverage = fit.offset_leverage(belief.cross)[:, None] * fit.offset_variance
            by_cross = by_means.T @ fit.alphas - by_variance * (
                solved(fit.factor, belief.cross.T).T + leverage * fit.flat
            )
            slope += matern_slope(
                unit, self._on.unit, self._on.scales(fit.hypothesis), fit.variance * by_cross
            )
            if fit.hypothesis.arm == "transfer":
                tau, cov = fit.hypothesis.inflation, self._transfer.prior.cov
                to_head = by_cross @ self._on.features + by_variance * features
                cotangent += by_means.sum(0)[:, None] * self._on.head + tau * to_head @ cov
        if cotangent.any():
            slope += self._transfer.basis.vjp(unit, cotangent)
        return total, slope

    def predict(self, unit: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of what candidates are worth, (m,) each, in score units.

        The noise of a single trial is not in it; see `quantiles`.
        """
        shares, means, deviations = self._mixture(unit, noisy=False)
        mean = shares @ means
        deviation = np.sqrt(shares @ (deviations**2 + (means - mean) ** 2))
        return self._on.centre + self._on.spread * mean, self._on.spread * deviation

    def quantiles(self, unit: Floats, probabilities: Sequence[float] | Floats) -> Floats:
        """Quantiles of the score that a trial of a candidate will have, (q, m), in score units.

        Scores far below the good ones count as what `standard` makes of them: of a quantile down
        there no more is said than that it is bad.

        Args:
            unit: Candidates, (m, d).
            probabilities: In (0, 1), q of them.
        """
        shares, means, deviations = self._mixture(unit, noisy=True)
        deviations = _ESTIMATES * deviations
        wanted = np.asarray(probabilities)[:, None]
        low = (means - _WIDE * deviations).min(axis=0) * np.ones_like(wanted)
        high = (means + _WIDE * deviations).max(axis=0) * np.ones_like(wanted)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            below = np.tensordot(shares, ndtr((middle - means[:, None]) / deviations[:, None]), 1)
            low, high = (
                np.where(below < wanted, middle, low),
                np.where(below < wanted, high, middle),
            )
        result: Floats = self._on.centre + self._on.spread * 0.5 * (low + high)
        return result

    def _mixture(self, unit: Floats, *, noisy: bool) -> tuple[Floats, Floats, Floats]:
        """Standardised scores of candidates as a mixture of g normals: (g,), (g, m), (g, m)."""
        shares, means, deviations = [], [], []
        for belief in self._beliefs(unit, None):
            fit = belief.fit
            noise = fit.noise if noisy else 0.0
            shares.append(belief.weight * fit.shares)
            means.append(fit.offsets[:, None] + fit.slopes[:, None] * belief.means)
            deviations.append(np.outer(fit.slopes, np.sqrt(belief.deviation**2 + noise)))
        return np.concatenate(shares), np.concatenate(means), np.concatenate(deviations)

    @cached_property
    def task_weights(self) -> Floats:
        """Weights omega (T,) of O(x) = sum_i omega_i f_i(x), over the hypotheses that are heard.

        They sum to `transfer_share`, or to 1 where the cold hypotheses are not heard, and to 0
        where the prior tasks are not.
        """
        total = np.zeros(len(self._transfer.prior.heads))
        for fit, weight in zip(self._fits, self._weights, strict=True):
            if fit.hypothesis.arm == "transfer":
                direction = fit.hypothesis.inflation * (self._on.features.T @ fit.alpha)
                total += weight * self._transfer.prior.blend(direction, self._relevance)
        return total

    def _beliefs(self, unit: Floats, features: Floats | None) -> list[_Belief]:
        """What each active hypothesis believes of f at some candidates."""
        prior = self._transfer.prior
        if self.uses_transfer:
            features = self._transfer.basis(unit) if features is None else features
            spread = features @ prior.cov
            shared, shared_mean = spread @ self._on.features.T, features @ self._on.head
            shared_variance = np.einsum("mp,mp->m", spread, features)
        beliefs = []
        for fit, weight in zip(self._fits, self._weights, strict=True):
            cross = fit.variance * matern(unit, self._on.unit, self._on.scales(fit.hypothesis))
            variance = np.full(len(unit), fit.variance)
            mean = np.zeros(len(unit))
            if fit.hypothesis.arm == "transfer":
                cross += fit.hypothesis.inflation * shared
                variance += fit.hypothesis.inflation * shared_variance
                mean = shared_mean
            white = half_solved(fit.factor, cross.T)
            variance -= np.einsum("nm,nm->m", white, white)
            variance += fit.offset_variance * fit.offset_leverage(cross) ** 2
            beliefs.append(
                _Belief(
                    fit=fit,
                    weight=float(weight),
                    means=mean + fit.alphas @ cross.T,
                    deviation=np.sqrt(np.maximum(variance, 1e-8)),
                    cross=cross,
                )
            )
        return beliefs


def _gains(belief: _Belief) -> Floats:
    """Log of the share of the expected improvement that each slope has, (k, m)."""
    fit = belief.fit
    weights = np.log(belief.weight * fit.shares * fit.slopes)[:, None]
    result: Floats = weights + log_improvement(belief.means, belief.deviation, fit.bests[:, None])
    return result


def _top_hypotheses(every: Iterable[Fit], log_priors: Floats) -> tuple[list[Fit], Floats, float]:
    """The few that count, their weights, and the share of all that ask the prior tasks."""
    fits = list(every)
    log_weights = log_priors + np.array([f.log_evidence for f in fits])
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    transfer = sum(w for w, f in zip(weights, fits, strict=True) if f.hypothesis.arm == "transfer")
    share: dict[Arm, float] = {"transfer": float(transfer), "cold": 1.0 - float(transfer)}
    arms = [f.hypothesis.arm for f in fits]
    order = [i for i in np.argsort(-weights) if share[arms[i]] >= _LEAST_SHARE]
    first = [i for i in order if i == next(j for j in order if arms[j] == arms[i])]
    rest = [i for i in order if i not in first and weights[i] >= _LEAST_WEIGHT]
    keep = [*first, *rest][:_MOST_ACTIVE]
    arms_kept = np.array([arms[i] for i in keep])
    kept = weights[keep]
    for arm in set(arms_kept):
        kept[arms_kept == arm] *= share[arm] / kept[arms_kept == arm].sum()
    return [fits[i] for i in keep], kept / kept.sum(), float(transfer)
