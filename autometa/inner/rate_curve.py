"""How a loss depends on the learning rate: flat below the best one, a cliff above it.

Over runs x of one family with log10 rate l, with u = l - m(x),

    m(x) = b0 + b'x                                              the best rate, a law of the sizes
    loss = floor(x) + low(x) L(u) + high(x) H(u)                                              # (1)
    L(u) = t^2 / (1 + t), t = max(-u, 0);   H(u) = 1 - exp(-3 t^2), t = max(u, 0)

floor, low and high are linear in their features, so that only b is searched for and the rest is
least squares (variable projection; Golub and Pereyra, 1973). The worst fifth of the losses counts
as equally bad: how bad a run is that has left the path says nothing. H rises much more steeply than
L: where m is not exactly known, the rate of least expected loss lies below it,

    r = m - d,  d = argmin over d of E[low L(e - d) + high H(e - d)],  e ~ N(0, spread^2)      # (2)

Notation: n runs, k sizes, q features of the floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from autometa.encoding import Floats
from autometa.errors import InputError

KEPT = 0.8  # quantile of the losses above which all count as equally bad
SHAPES = 2  # sizes that low and high depend on, unless said otherwise: the first ones
_RIDGE, _LEAST = 1e-3, 1e-3
_SLOPE = 0.5  # decades of rate for a decade of size: how large slopes usually are
_STEEPEST = 1.0  # no law is steeper: the largest stable rate of a quadratic is 1 / curvature


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Runs:
    """Finished runs of one family.

    Args:
        log_rate: log10 of the learning rate, (n,).
        sizes: What the best rate may depend on, log10, (n, k).
        others: What the loss depends on besides, (n, q).
        loss: Lower is better, on a scale where differences count alike, (n,).
        group: What is left out together, such as one model size, (n,).

    Raises:
        InputError: lengths differ, a value is not finite, or fewer than 20 runs.
    """

    log_rate: Floats
    sizes: Floats
    others: Floats
    loss: Floats
    group: Floats

    def __post_init__(self) -> None:
        parts = (self.log_rate, self.sizes, self.others, self.loss, self.group)
        if len({len(part) for part in parts}) != 1 or len(self.loss) < 20:
            raise InputError(f"runs of lengths {[len(p) for p in parts]}", allowed="one, >= 20")
        if not all(np.isfinite(part).all() for part in parts):
            raise InputError("runs with a value that is not finite")

    def __len__(self) -> int:
        return len(self.loss)

    def part(self, rows: NDArray[Any]) -> Runs:
        """The runs at `rows`, indices or a mask."""
        return Runs(
            log_rate=self.log_rate[rows],
            sizes=self.sizes[rows],
            others=self.others[rows],
            loss=self.loss[rows],
            group=self.group[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCurve:
    """Eq. (1) as fitted to runs; plain numbers.

    Args:
        centre: Mean of the sizes, (k,).
        scale: Their standard deviations, (k,).
        best: b0 at the centre, then the slopes for one standard deviation, (k + 1,).
        low: Constant and slopes of the steepness below, by the first sizes.
        high: The same above.
    """

    centre: tuple[float, ...]
    scale: tuple[float, ...]
    best: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def slopes(self) -> tuple[float, ...]:
        """Change of log10 of the best rate for a factor of ten of each size."""
        return tuple(b / s for b, s in zip(self.best[1:], self.scale, strict=True))

    def mode(self, sizes: Floats) -> Floats:
        """m(x): log10 of the best rate for sizes (n, k)."""
        z = self._standard(sizes)
        return np.asarray(self.best[0] + z @ np.asarray(self.best[1:]))

    def steepness(self, sizes: Floats) -> tuple[Floats, Floats]:
        """low(x) and high(x), positive, (n,) each."""
        features = _shape_features(self._standard(sizes), len(self.low) - 1)
        low, high = features @ np.asarray(self.low), features @ np.asarray(self.high)
        return np.maximum(low, _LEAST), np.maximum(high, _LEAST)

    def below(self, sizes: Floats, spread: Floats) -> Floats:
        """How far below the mode expected loss is least, d of eq. (2), (n,)."""
        low, high = self.steepness(sizes)
        return np.asarray([margin(*each) for each in zip(low, high, spread, strict=True)])

    def _standard(self, sizes: Floats) -> Floats:
        z: Floats = (np.atleast_2d(sizes) - np.asarray(self.centre)) / np.asarray(self.scale)
        return z


def margin(low: float, high: float, spread: float) -> float:
    """How far below the mode expected loss is least, d of eq. (2), for one place.

    Example:
        >>> bool(margin(1.0, 3.0, 0.3) > margin(1.0, 3.0, 0.1) > 0)
        True
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(15)
    off = np.linspace(0.0, 1.0, 101)
    u = nodes * spread - off[:, None]
    expected = (low * _low(u) + high * _high(u)) @ weights
    return float(off[expected.argmin()])


def _low(u: Floats) -> Floats:
    t = np.maximum(-u, 0.0)
    return np.asarray(t * t / (1.0 + t))


def _high(u: Floats) -> Floats:
    t = np.maximum(u, 0.0)
    return np.asarray(1.0 - np.exp(-3.0 * t * t))


def _shape_features(z: Floats, shapes: int) -> Floats:
    return np.concatenate([np.ones((len(z), 1)), z[:, :shapes]], axis=1)


def fit_curve(runs: Runs, start: RateCurve | None = None, *, shapes: int = SHAPES) -> RateCurve:
    """Least squares of eq. (1).

    Args:
        runs: Of one family.
        start: Where to search from, such as the fit to all runs; by default the rates of the best.
        shapes: How many of the first sizes low and high depend on.
    """
    centre, scale = runs.sizes.mean(axis=0), runs.sizes.std(axis=0)
    scale = np.where(scale > 1e-6, scale, 1.0)
    z = (runs.sizes - centre) / scale
    k, width = z.shape[1], 1 + min(shapes, z.shape[1])
    loss = np.minimum(runs.loss, np.quantile(runs.loss, KEPT))
    variance = float(loss.var()) or 1.0
    others = runs.others - runs.others.mean(axis=0)
    others = others / np.maximum(others.std(axis=0), 1e-12)
    pairs = [z[:, i] * z[:, j] for i in range(k) for j in range(i, k)]
    floor = np.column_stack([np.ones(len(z)), z, *pairs, others])
    features, first = _shape_features(z, shapes), floor.shape[1]
    seen = np.quantile(runs.log_rate, [0.05, 0.95])
    ridge = np.full(first + 2 * width, _RIDGE * len(z))
    ridge[[0, first, first + width]] = 1e-6

    def coefficients(best: Floats) -> tuple[Floats, Floats]:
        u = runs.log_rate - best[0] - z @ best[1:]
        terms = [floor, features * _low(u)[:, None], features * _high(u)[:, None]]
        design = np.concatenate(terms, axis=1)
        solved = np.linalg.solve(design.T @ design + np.diag(ridge), design.T @ loss)
        return solved, loss - design @ solved

    def objective(best: Floats) -> float:
        solved, residual = coefficients(best)
        wrong = np.minimum(solved[[first, first + width]], 0.0)  # a curve that opens downwards
        slope, outside = best[1:] / scale, best[0] - np.clip(best[0], *seen)
        steep = np.maximum(np.abs(slope) - _STEEPEST, 0.0)
        prior = 1e-3 * (slope @ slope / _SLOPE**2) + outside**2 + steep @ steep
        return float((residual @ residual / len(z) + 1e3 * wrong @ wrong) / variance + prior)

    middle = np.median(runs.log_rate[loss <= np.quantile(loss, 0.1)])  # of the best runs
    starts = (
        [np.r_[middle + off, np.zeros(k)] for off in (-0.5, 0.0, 0.5)]
        if start is None
        else [np.r_[start.mode(centre[None]), np.asarray(start.slopes) * scale]]
    )
    options = {"maxiter": 60, "gtol": 1e-5}
    found = [minimize(objective, x, method="BFGS", options=options) for x in starts]
    best = min(found, key=lambda result: float(result.fun)).x
    solved, _ = coefficients(best)
    return RateCurve(
        centre=_plain(centre),
        scale=_plain(scale),
        best=_plain(best),
        low=_plain(solved[first : first + width]),
        high=_plain(solved[first + width :]),
    )


def _plain(values: Floats) -> tuple[float, ...]:
    return tuple(round(float(value), 5) for value in values)
