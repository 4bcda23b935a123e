"""The empirical-Bayes prior over heads: what a new task is likely to be, learned from prior tasks.

    w_i ~ N(m, S),    z_i = Phi_i w_i + noise,    noise ~ N(0, s2 + nu_i)

with nu_i the part of the noise that folds betray (see `noise`), 0 where nothing is known. Mean m,
covariance S and noise s2 are estimated by EM on the trials of all tasks (the random-effects model
of Laird and Ware, 1982), which weighs a task of ten trials as ten trials and not as a full one.
In task space the same prior is the weighted sum O(x) = sum_i w_i f_i(x): see `blend`.

Shapes: T tasks, p basis functions, n_i trials of task i.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autometa.encoding import Floats


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
    """EM for m, S and s2.

    Args:
        features: Per task, Phi_i (n_i, p).
        targets: Per task, z_i (n_i,).
        known_noise: Per task, nu_i; 0 by default.
        rounds: EM iterations.
        start: What to begin with; by default pooled ridge regression and a broad spread.
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
        mean, cov, noise = start.mean, start.cov, start.noise
    heads = np.tile(mean, (tasks, 1))
    for _ in range(rounds):
        precision = np.linalg.inv(cov)
        inverse = 1.0 / (noise + known)
        spread = np.linalg.inv(precision + grams * inverse[:, None, None])  # (T, p, p)
        heads = np.einsum("tij,tj->ti", spread, precision @ mean + moments * inverse[:, None])
        mean = heads.mean(0)
        centred = heads - mean
        # An inverse-Wishart pull towards a small multiple of the identity keeps S invertible
        # where there are fewer tasks than basis functions.
        scatter = centred.T @ centred + spread.sum(0)
        cov = (scatter + 2.0 * np.eye(p) / p) / (tasks + 2.0)
        errors = (
            squares
            - 2.0 * np.einsum("ti,ti->t", heads, moments)
            + np.einsum("ti,tij,tj->t", heads, grams, heads)
            + np.einsum("tij,tji->t", grams, spread)
        )
        noise = float(max((errors.sum() - counts @ known) / counts.sum(), 1e-4))
    return HeadPrior(mean=mean, cov=0.5 * (cov + cov.T), noise=noise, heads=heads)
