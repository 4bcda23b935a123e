"""The residual kernel: what no prior task showed, and its learned scales.

    k(x, x') = Matern-5/2 with one length scale a unit column (ARD)                       # eq. (1)

Length scales, residual variance and noise are learned on the prior tasks by marginal likelihood,
once with the transferred part in the covariance and once without it (the cold Gaussian process then
starts from length scales that fitted earlier tasks, as in HyperBO, Wang et al., 2024).

Shapes: n observed trials, m candidates, d unit columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autometa.encoding import Floats
from autometa.meta.parts.descent import minimise
from autometa.meta.parts.prior import HeadPrior
from autometa.threads import one_thread

SQRT5 = 5.0**0.5
_LEAST_POINTS = 8
# Of the usual length scale. Prior tasks of pure noise ask for far less, and a process as rough as
# that would learn nothing of a new task from a hundred trials.
_ROUGHEST = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A Matern-5/2 kernel of unit variance, with the variance and noise learned beside it.

    Args:
        scales: Length scales, (d,).
        variance: Variance of the residual, in squared normal scores.
        noise: Noise variance, in squared normal scores.
    """

    scales: Floats
    variance: float
    noise: float


def usual_scale(d: int) -> float:
    """The length scale to start from in a unit cube of d columns: it grows as their distances."""
    return float(0.5 * np.sqrt(max(d, 4) / 4.0))


def matern(a: Floats, b: Floats, scales: Floats) -> Floats:
    """Correlation matrix (m, n) of unit configs a (m, d) and b (n, d)."""
    return closeness(root5_distance(a / scales, b / scales))


def closeness(r: Floats) -> Floats:
    """Eq. (1), given sqrt(5) times the distance."""
    result, decay = r * r, np.negative(r)  # in place from here on: that is a third of the time
    result /= 3.0
    result += 1.0 + r
    result *= np.exp(decay, out=decay)
    return result


def matern_slope(a: Floats, b: Floats, scales: Floats, weights: Floats) -> Floats:
    """Gradient (m, d) with respect to a of sum_j weights_ij k(a_i, b_j), weights (m, n)."""
    left, right = a / scales, b / scales
    # dk / da = -5/3 (1 + r) exp(-r) (a - b) / scales^2
    steep = weights * steepness(root5_distance(left, right))
    result: Floats = (steep @ right - steep.sum(1)[:, None] * left) / scales
    return result


def steepness(r: Floats) -> Floats:
    """-2 dk / d(distance^2), given sqrt(5) times the distance; every derivative has it."""
    result: Floats = (5.0 / 3.0) * (1.0 + r) * np.exp(-r)
    return result


def closeness_and_steepness(r: Floats) -> tuple[Floats, Floats]:
    """Both at once, for the price of one exponential."""
    decay, linear = np.exp(-r), 1.0 + r
    return (linear + r * r / 3.0) * decay, (5.0 / 3.0) * linear * decay


def root5_distance(left: Floats, right: Floats) -> Floats:
    """sqrt(5) times the distances (m, n) of the rows of left (m, d) and right (n, d)."""
    result: Floats = (left**2).sum(1)[:, None] + (right**2).sum(1)[None, :]
    result -= 2.0 * left @ right.T
    np.maximum(result, 0.0, out=result)
    np.sqrt(result, out=result)
    result *= SQRT5
    return result


def fit_kernel(
    units: Sequence[Floats],
    targets: Sequence[Floats],
    *,
    rng: np.random.Generator,
    features: Sequence[Floats] | None = None,
    prior: HeadPrior | None = None,
    tasks: int = 24,
    points: int = 48,
    steps: int = 50,
) -> Kernel:
    """Maximise the mean log marginal likelihood over prior tasks.

    Args:
        units: Per task, unit configs (n_i, d).
        targets: Per task, normal scores (n_i,).
        rng: Chooses the tasks and points of the estimate.
        features: Per task, basis features (n_i, p), with `prior`: the kernel then explains only
            what the transferred part leaves over. Without them it explains everything.
        prior: The prior over heads.
        tasks: How many prior tasks enter at most.
        points: How many trials of each at most.
        steps: Optimiser steps.
    """
    import torch

    d = units[0].shape[1]
    start = float(np.log(usual_scale(d)))
    transferred = features is not None and prior is not None
    variance = 0.3 if transferred else 1.0
    size = int(min(points, np.median([len(u) for u in units])))
    eligible = [i for i, u in enumerate(units) if len(u) >= size]
    if size < _LEAST_POINTS:
        return Kernel(scales=np.full(d, np.exp(start)), variance=variance, noise=0.02)

    x = np.empty((min(tasks, len(eligible)), size, d))
    z, fixed = np.empty(x.shape[:2]), np.zeros((len(x), size, size))
    for k, i in enumerate(rng.permutation(eligible)[:tasks]):
        rows = rng.permutation(len(units[i]))[:size]
        x[k], z[k] = units[i][rows], targets[i][rows]
        if features is not None and prior is not None:
            phi = features[i][rows]
            z[k] -= phi @ prior.mean
            fixed[k] = phi @ prior.cov @ phi.T
    inputs, wanted, given = map(torch.as_tensor, (x, z, fixed))

    eye = torch.eye(size, dtype=torch.float64)

    def loss(parameters: list[torch.Tensor], _: int) -> torch.Tensor:
        log_scales, log_variance, log_noise = parameters
        scaled = inputs / log_scales.exp()
        norms = scaled.square().sum(2)
        square = norms[:, :, None] + norms[:, None, :] - 2.0 * scaled @ scaled.transpose(1, 2)
        r = SQRT5 * (square.clamp(min=0.0) + 1e-12).sqrt()
        correlation = (1.0 + r + r * r / 3.0) * torch.exp(-r)
        cov = given + log_variance.exp() * correlation + (log_noise.exp() + 1e-4) * eye
        factor = torch.linalg.cholesky(cov)
        white = torch.linalg.solve_triangular(factor, wanted[..., None], upper=False)[..., 0]
        likelihood = -0.5 * white.square().sum(1) - factor.diagonal(dim1=1, dim2=2).log().sum(1)
        penalty = (
            ((log_scales - start) ** 2).sum() / 4.0
            + ((log_variance - np.log(variance)) ** 2).sum() / 8.0
            + ((log_noise - np.log(0.02)) ** 2).sum() / 8.0
        )
        value: torch.Tensor = penalty / len(x) - likelihood.mean()
        return value

    with one_thread():
        log_scales, log_variance, log_noise = minimise(
            loss,
            [
                torch.full((d,), start, dtype=torch.float64),
                torch.tensor([np.log(variance)], dtype=torch.float64),
                torch.tensor([np.log(0.05)], dtype=torch.float64),
            ],
            rate=0.1,
            steps=steps,
            constant=True,
        )
    return Kernel(
        scales=log_scales.exp().clamp(_ROUGHEST * float(np.exp(start)), 20.0).numpy(),
        variance=float(log_variance.exp()),
        noise=float(log_noise.exp()) + 1e-4,
    )
