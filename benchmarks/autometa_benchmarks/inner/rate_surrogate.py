"""What the loss would have been at other rates: a Gaussian process over public runs.

Random designs hold no sweep of the rate at fixed sizes. The process (Matern-5/2, a length scale a
dimension) is fitted to all runs of a family, held-out ones too, and plays the truth; how well it
predicts sizes left out stands beside every result. One such process moves the best rate by up to a
tenth of a decade with the runs that its length scales were fitted to, so the truth is the mean of
two. It is also the mean over other settings as they occur: at average settings the cliff lies .2
decades higher than where it stands for the average run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from autometa.encoding import Floats
from autometa.inner.rate_curve import Runs

GRID, POINTS, FITTED, CLIPPED, PROCESSES, SETTINGS = 61, 200, 400, 0.9, 2, 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """Loss curves of a family's runs, means over other settings.

    Args:
        rows: Which runs, (m,).
        grid: log10 rates, (GRID,).
        curves: Losses, (m, GRID).
        r2: Share of the variance that the process explains on sizes left out, five folds.
    """

    rows: NDArray[Any]
    grid: Floats
    curves: Floats
    r2: float

    @property
    def best(self) -> Floats:
        """log10 of the best rate, (m,)."""
        return np.asarray(self.grid[self.curves.argmin(axis=1)])

    def regret(self, rates: Floats, part: NDArray[Any]) -> Floats:
        """Loss above the least, of log10 rates for the curves `part`."""
        rows = self.curves[part]
        found = [np.interp(r, self.grid, c) - c.min() for r, c in zip(rates, rows, strict=True)]
        return np.array(found)


def truth(runs: Runs, seed: int = 0) -> Truth:
    """Fit the processes and read off curves of at most `POINTS` runs, drawn by the seed."""
    rng = np.random.default_rng(seed)
    loss = np.minimum(runs.loss, np.quantile(runs.loss, CLIPPED))
    plain = np.column_stack([runs.log_rate, runs.sizes, runs.others])
    centre, scale = plain.mean(axis=0), plain.std(axis=0) + 1e-12
    x = (plain - centre) / scale
    hypers = [_hyper(x, loss, np.random.default_rng([k, 5])) for k in range(PROCESSES)]
    names = rng.permutation(np.unique(runs.group))
    fold = np.array([int(np.flatnonzero(names == g)[0]) % 5 for g in runs.group])
    guess = np.zeros(len(x))
    for k in range(5):
        guess[fold == k] = _mean(x[fold != k], loss[fold != k], x[fold == k], hypers[0])
    r2 = 1.0 - float(((guess - loss) ** 2).sum() / ((loss - loss.mean()) ** 2).sum())
    rows = rng.permutation(len(x))[:POINTS]
    low, high = np.quantile(runs.log_rate, [0.02, 0.98])
    grid = np.linspace(float(low), float(high), GRID)
    asked = np.repeat(x[rows], GRID, axis=0)
    asked[:, 0] = np.tile((grid - centre[0]) / scale[0], len(rows))
    others, total = slice(1 + runs.sizes.shape[1], None), np.zeros(len(asked))
    for row in rng.permutation(len(x))[:SETTINGS]:
        asked[:, others] = x[row, others]
        total += np.mean([_mean(x, loss, asked, hyper) for hyper in hypers], axis=0)
    curves = (total / SETTINGS).reshape(len(rows), GRID)
    return Truth(rows=rows, grid=grid, curves=curves, r2=r2)


def _kernel(a: Floats, b: Floats, lengths: Floats) -> Floats:
    s = np.sqrt(5.0) * cdist(a / lengths, b / lengths)
    return np.asarray((1.0 + s + s * s / 3.0) * np.exp(-s))


def _mean(x: Floats, y: Floats, asked: Floats, hyper: Floats) -> Floats:
    lengths, signal, noise = np.exp(hyper[:-2]), np.exp(hyper[-2]), np.exp(hyper[-1])
    gram = signal * _kernel(x, x, lengths) + noise * np.eye(len(x))
    weights = np.linalg.solve(gram, (y - y.mean()) / y.std())
    parts = [signal * _kernel(part, x, lengths) @ weights for part in np.array_split(asked, 20)]
    return np.asarray(np.concatenate(parts) * y.std() + y.mean())


def _hyper(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    """Log length scales, signal and noise by marginal likelihood on some of the runs."""
    pick = rng.permutation(len(x))[:FITTED]
    x, y, p = x[pick], (y[pick] - y.mean()) / y.std(), x.shape[1]
    squares = [(x[:, [j]] - x[:, j]) ** 2 for j in range(p)]

    def objective(t: Floats) -> tuple[float, Floats]:
        inverse = np.exp(-2.0 * t[:p])
        s = np.sqrt(5.0 * sum(i * d for i, d in zip(inverse, squares, strict=True)))
        plain = np.exp(t[p]) * (1.0 + s + s * s / 3.0) * np.exp(-s)
        chol = np.linalg.cholesky(plain + np.exp(t[p + 1]) * np.eye(len(y)))
        half = np.linalg.inv(chol)
        gram_inverse = half.T @ half
        a = gram_inverse @ y
        w = 0.5 * (np.outer(a, a) - gram_inverse)
        by_length = np.exp(t[p]) * 5.0 / 3.0 * (1.0 + s) * np.exp(-s)
        slope = [-(w * by_length * i * d).sum() for i, d in zip(inverse, squares, strict=True)]
        slope += [-(w * plain).sum(), -np.trace(w) * np.exp(t[p + 1])]
        gradient = np.array(slope)
        gradient[:p] += 0.3 * (t[:p] - 1.0)  # length scales are thought to be long
        value = 0.5 * y @ a + np.log(np.diag(chol)).sum() + 0.15 * ((t[:p] - 1.0) ** 2).sum()
        return float(value), gradient

    start = np.r_[np.full(p, 0.7), 0.0, -2.5]
    options = {"maxiter": 25}
    return np.asarray(minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x)
