"""The empirical-Bayes prior over heads: what a new task is likely to be, learned from prior tasks.

Notation
    z_i   normal scores of task i, (n_i,), i = 1 ... T        Phi_i  their basis features, (n_i, p)
    w_i   head of task i, (p,)                                m, S   mean and covariance of heads
    s2    variance that the basis leaves unexplained          nu_i   noise that folds show, >= 0

    w_i ~ N(m, S),    z_i = Phi_i w_i + eps_i,    eps_i ~ N(0, (s2 + nu_i) I)             # eq. (1)

    log density = sum_i log N(z_i; Phi_i m, Phi_i S Phi_i' + (s2 + nu_i) I)
                  - log det S - tr(S^-1) / p                                              # eq. (2)

nu_i is 0 where nothing is known, see `noise`. The last two terms of eq. (2), an inverse-Wishart
density of S, keep it invertible where there are fewer tasks than basis functions.

m, S and s2 are estimated by EM (Dempster, Laird, Rubin, "Maximum likelihood from incomplete data
via the EM algorithm", 1977) for random effects (Laird, Ware, "Random-effects models for
longitudinal data", 1982), which weighs a task of ten trials as ten trials and not as a full one.
Missing are the heads w_i and of each eps_i the part e_i ~ N(0, s2 I) that folds do not show. Given
eps_i, its square has the expectation

    E |e_i|^2 = h_i^2 |eps_i|^2 + n_i h_i nu_i,    h_i = s2 / (s2 + nu_i)                 # eq. (3)

and the next s2 is the mean of these over all trials. No round lowers eq. (2).

In task space the same prior is the weighted sum O(x) = sum_i w_i f_i(x): see `blend`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autometa.encoding import Floats

_LEAST_NOISE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPrior:
    """N(m, S) over heads, and the prior tasks' own heads.

    Args:
        mean: m, (p,).
        cov: S, (p, p), positive definite.
        noise: s2, the variance that the basis leaves unexplained on prior tasks.
        heads: Posterior mean heads of the prior tasks, (T, p).
    """

    mean: Floats
    cov: Floats
    noise: float
    heads: Floats

    def blend(self, direction: Floats, relevance: Floats | None = None) -> Floats:
        """Weights over prior tasks (T,), summing to one, of the head m + S v.

        With S the spread of the heads around their mean, S v = sum_i (w_i - m) (w_i - m)'v / T;
        hence m + S v = sum_i omega_i w_i, where omega_i is the weight of task i in m plus
        (w_i - m)'v / T, centred.                                                         # eq. (1)

        Args:
            direction: v, (p,).
            relevance: Weights of the tasks in m, (T,), summing to one; equal by default.
        """
        tilt = (self.heads - self.mean) @ direction
        count = len(self.heads)
        start = np.full(count, 1.0 / count) if relevance is None else relevance
        weights: Floats = start + (tilt - tilt.mean()) / count
        return weights


def fit_prior(
    features: Sequence[Floats],
    targets: Sequence[Floats],
    known_noise: Sequence[float] | None = None,
    *,
    rounds: int = 30,
    start: HeadPrior | None = None,
) -> HeadPrior:
    """EM for m, S and s2, which never lowers eq. (2).

    Args:
        features: Per task, Phi_i (n_i, p).
        targets: Per task, z_i (n_i,).
        known_noise: Per task, nu_i; 0 by default.
        rounds: EM iterations.
        start: What to begin with; by default pooled ridge regression and a broad spread. A noise
            below 1e-4, the least that is ever estimated, counts as this.
    """
    p = features[0].shape[1]
    tasks = len(features)
    grams = np.stack([f.T @ f for f in features])  # (T, p, p)
    moments = np.stack([f.T @ z for f, z in zip(features, targets, strict=True)])  # (T, p)
    squares = np.array([z @ z for z in targets])
    counts = np.array([len(z) for z in targets])
    known = np.zeros(tasks) if known_noise is None else np.asarray(known_noise, dtype=np.float64)

    if start is None:
        mean = np.linalg.solve(grams.sum(0) + np.eye(p), moments.sum(0))
        cov, noise = np.eye(p) / p, 0.5
    else:
        mean, cov, noise = start.mean, start.cov, max(start.noise, _LEAST_NOISE)
    heads = np.tile(mean, (tasks, 1))
    for _ in range(rounds):
        precision = np.linalg.inv(cov)
        inverse = 1.0 / (noise + known)
        spread = np.linalg.inv(precision + grams * inverse[:, None, None])  # (T, p, p)
        heads = np.einsum("tij,tj->ti", spread, precision @ mean + moments * inverse[:, None])
        mean = heads.mean(0)
        centred = heads - mean
        scatter = centred.T @ centred + spread.sum(0)
        cov = (scatter + 2.0 * np.eye(p) / p) / (tasks + 2.0)
        residuals = (  # E |eps_i|^2, (T,)
            squares
            - 2.0 * np.einsum("ti,ti->t", heads, moments)
            + np.einsum("ti,tij,tj->t", heads, grams, heads)
            + np.einsum("tij,tji->t", grams, spread)
        )
        unseen = noise / (noise + known)
        parts = unseen**2 * residuals + unseen * counts * known  # eq. (3)
        noise = float(max(parts.sum() / counts.sum(), _LEAST_NOISE))
    return HeadPrior(mean=mean, cov=0.5 * (cov + cov.T), noise=noise, heads=heads)
