"""The inner learning rate of a new task, predicted from earlier tasks for a given config.

Which rate is best depends on the other parameters (batch size, momentum, ...) and on the task, and
the two do not add up. So every earlier task is asked on its own: a Gaussian process on its normal
scores z_i, with the kernel k that all of them share (see `kernel`),

    m_i(x) = k(x, X_i) (K_i + s2)^-1 z_i                                                  # eq. (1)

gives its score along the rate for the config, hence the rate that would have been best there. The
best rates of earlier tasks, weighted by relevance, are the predictive distribution for a new one;
one more task that could be anything (uniform over the range) is counted beside them. The median is
the prediction, since it has the least mean absolute error.

Why no model that tasks share: bumps along the rate times a polynomial of the config, with random
effects of the task, missed what the parameters do together: on development tasks its error was
1.09 of the best single rate's in lcbench against .97 for this one, .83 against .74 for the torch
MLP of the embedded portfolio.

The interval is as wide as earlier tasks ask for: each is predicted without its family.

Failed trials count as the worst here, as a rate that diverges is a bad rate.

Shapes: T tasks, n_i trials of task i that count, N = sum n_i, d unit columns, c configs, G = 61
rates of the grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution
from scipy.linalg import cho_solve, solve_triangular

from autometa.encoding import Floats
from autometa.meta.data.targets import normal_scores
from autometa.meta.parts.kernel import Kernel, matern
from autometa.space import SearchSpace
from autometa.task import State, TaskHistory

_GRID = np.linspace(0.0, 1.0, 61)
_TAIL = 0.05  # of the best rates on either side of the raw interval, before it is widened
_COVERAGE = 0.875
_LEAST_HALF = 0.025  # of the range: half an interval is never called narrower
_JITTER = 1e-6
_MOST_ROWS, _CALIBRATED = 10_000, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerRate:
    """What earlier tasks say of an inner learning rate, in log10 units; it is shown as rates.

    >>> InnerRate(mean=-3.0, low=-4.0, high=-2.0)
    InnerRate(0.001, interval 0.0001 to 0.01)

    Args:
        mean: The rate to try first: the median of the predictive distribution.
        low: Lower end of a central interval of about 88 %.
        high: Upper end.
    """

    mean: float
    low: float
    high: float

    def __repr__(self) -> str:
        low, high = self.interval
        return f"InnerRate({self.value:.3g}, interval {low:.3g} to {high:.3g})"

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the interval as rates, 10 ** low and 10 ** high."""
        return float(10.0**self.low), float(10.0**self.high)

    @property
    def value(self) -> float:
        """The rate itself, 10 ** mean."""
        return float(10.0**self.mean)

    @property
    def distribution(self) -> FloatDistribution:
        """The interval as an Optuna distribution, for a study that narrows its inner rate itself.

        Example:
            >>> InnerRate(mean=-3.0, low=-4.0, high=-2.0).distribution
            FloatDistribution(high=0.01, log=True, low=0.0001, step=None)
        """
        return FloatDistribution(10.0**self.low, 10.0**self.high, log=True)


def narrowed(space: SearchSpace, unit: Floats, rate: InnerRate, rng: np.random.Generator) -> Floats:
    """Configs (n, d) whose inner rates are drawn anew, log-uniformly from the interval.

    An inactive rate stays inactive.
    """
    column = space.slices[space.inner_lr or ""].start
    start, stop = log_range(space)
    low, high = ((end - start) / (stop - start) for end in (rate.low, rate.high))
    flag = space.flags.get(space.inner_lr or "")
    active = np.ones(len(unit), dtype=bool) if flag is None else unit[:, flag] > 0.5
    result = unit.copy()
    result[active, column] = rng.uniform(low, high, size=int(active.sum()))
    return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RateModel:
    """Eq. (1), fitted.

    Args:
        unit: The X_i, one task after the other, (N, d).
        weights: (K_i + s2)^-1 z_i times the kernel's variance, (N,).
        counts: n_i, (T,); 0 where a task never used the rate: it has no say.
        scales: Length scales of the kernel, (d,).
        widen: Factor from the raw interval to one that covers earlier tasks.
    """

    unit: Floats
    weights: Floats
    counts: NDArray[np.int64]
    scales: Floats
    widen: float

    def predict(self, space: SearchSpace, unit: Floats, relevance: Floats) -> InnerRate:
        """The rate that is best on average over some configs.

        Args:
            space: The space.
            unit: Configs (c, d); their own rates do not matter.
            relevance: Weights of the prior tasks, (T,), summing to one.
        """
        best = _GRID[self.curves(space, unit).mean(1).argmax(1)]
        known = np.where(self.counts > 0, relevance, 0.0)
        if not known.any():
            known = (self.counts > 0).astype(np.float64)
        low, middle, high = _interval(best, known / known.sum(), self.widen)
        start, stop = log_range(space)
        mean, lowest, highest = (start + (stop - start) * u for u in (middle, low, high))
        return InnerRate(mean=mean, low=lowest, high=highest)

    def best(self, space: SearchSpace, unit: Floats) -> Floats:
        """Each task's best rate for each of configs (c, d), on the unit interval, (T, c)."""
        found: Floats = _GRID[self.curves(space, unit).argmax(2)]
        return found

    def curves(self, space: SearchSpace, unit: Floats) -> Floats:
        """Each task's score along the rate for each of configs (c, d), (T, c, G)."""
        rows = _along(space, unit)
        ends = np.cumsum(self.counts)[:-1]
        parts = zip(np.split(self.unit, ends), np.split(self.weights, ends), strict=True)
        found = [matern(rows, known, self.scales) @ weights for known, weights in parts]
        return np.stack(found).reshape(len(self.counts), len(unit), len(_GRID))


def fit_rate_model(
    space: SearchSpace, histories: Sequence[TaskHistory], kernel: Kernel, rng: np.random.Generator
) -> RateModel:
    """Learn eq. (1).

    Args:
        space: A space with an inner learning rate.
        histories: Of the prior tasks, each with a complete trial.
        kernel: Of a Gaussian process without transfer that fits prior tasks.
        rng: Chooses rows where there are very many, and the tasks and configs of the calibration.
    """
    most = max(_MOST_ROWS // len(histories), 20)
    told = [_told(space, h, most, rng) for h in histories]
    factors = [np.linalg.cholesky(_covariance(unit, kernel)) for unit, _ in told]
    weights = [
        kernel.variance * cho_solve((f, True), z) if len(z) else z  # scipy 1.13 refuses no rows
        for f, (_, z) in zip(factors, told, strict=True)
    ]
    model = RateModel(
        unit=np.concatenate([unit for unit, _ in told]),
        weights=np.concatenate(weights),
        counts=np.array([len(z) for _, z in told], dtype=np.int64),
        scales=kernel.scales,
        widen=1.0,
    )
    configs = space.encode_raw(space.sample_raw(_CALIBRATED, rng))
    curves = model.curves(space, configs)
    families = np.array([h.task.family for h in histories])
    ratios: list[float] = []
    for task in rng.permutation(np.flatnonzero(model.counts))[:_CALIBRATED]:
        others = (families != families[task]) & (model.counts > 0)
        if others.any():
            drawn = _drawn(_along(space, configs), told[task][0], factors[task], kernel, rng)
            truths = _GRID[(curves[task] + drawn).argmax(1)]
            ratios += _ratios(truths, _GRID[curves[others].argmax(2)])
    widen = float(np.clip(np.quantile(ratios, _COVERAGE), 1.0, 2.0)) if ratios else 1.5
    return replace(model, widen=widen)


def _covariance(unit: Floats, kernel: Kernel) -> Floats:
    cov: Floats = kernel.variance * matern(unit, unit, kernel.scales)
    cov[np.diag_indices(len(unit))] += kernel.noise
    return cov


def _drawn(
    rows: Floats, known: Floats, factor: Floats, kernel: Kernel, rng: np.random.Generator
) -> Floats:
    """What a task's trials leave possible beside its mean curve: a draw, (c, G).

    The mean alone is too smooth to calibrate on.

    Args:
        rows: Configs along the grid, (c * G, d).
        known: X_i, (n_i, d).
        factor: Cholesky factor of K_i + s2.
        kernel: The kernel.
        rng: Of the draw.
    """
    cross = kernel.variance * matern(known, rows, kernel.scales)
    explained = solve_triangular(factor, cross, lower=True)
    drawn = []
    for part, seen in zip(
        rows.reshape(-1, len(_GRID), rows.shape[1]),
        explained.T.reshape(-1, len(_GRID), len(known)),
        strict=True,
    ):
        cov = kernel.variance * matern(part, part, kernel.scales) - seen @ seen.T
        cov[np.diag_indices(len(part))] += _JITTER * kernel.variance + _JITTER
        values, vectors = np.linalg.eigh(cov)
        drawn.append(vectors @ (np.sqrt(np.maximum(values, 0.0)) * rng.standard_normal(len(part))))
    return np.stack(drawn)


def _ratios(truths: Floats, best: Floats) -> Iterator[float]:
    """How far best rates (c,) lie from the middle of others' (T', c), in sides of the interval."""
    weights = np.full(len(best), 1.0 / len(best))
    for truth, others in zip(truths, best.T, strict=True):
        low, middle, high = _interval(others, weights, 1.0)
        side = high - middle if truth > middle else middle - low
        yield abs(truth - middle) / max(side, _LEAST_HALF)  # a bound of the range cuts a side off


def _interval(best: Floats, weights: Floats, widen: float) -> tuple[float, float, float]:
    """Low, median and high of the best rate on the unit interval.

    Args:
        best: Best rates of prior tasks, (T,).
        weights: Of the tasks, (T,), summing to one.
        widen: See `RateModel`.
    """
    strange = 1.0 / (1.0 + 1.0 / float(weights @ weights))  # one task beside the effective number
    values = np.concatenate([best, _GRID])
    shares = np.concatenate([(1.0 - strange) * weights, np.full(len(_GRID), strange / len(_GRID))])
    order = np.argsort(values, kind="stable")
    levels = np.cumsum(shares[order]) - 0.5 * shares[order]
    low, middle, high = (
        float(q) for q in np.interp([_TAIL, 0.5, 1.0 - _TAIL], levels, values[order])
    )
    least = max(0.5 * (high - low), _LEAST_HALF)  # few tasks say little of how skewed they are
    below, above = (max(side, least) * widen for side in (middle - low, high - middle))
    return max(middle - below, 0.0), middle, min(middle + above, 1.0)


def log_range(space: SearchSpace) -> tuple[float, float]:
    """The range of the inner rate, log10."""
    scale = space.distributions[space.inner_lr or ""]
    assert isinstance(scale, FloatDistribution)
    return math.log10(scale.low), math.log10(scale.high)


def _told(
    space: SearchSpace, history: TaskHistory, most: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Unit configs (n, d) and normal scores (n,) of the trials that count, failures the worst."""
    complete, failed = history.complete, history.states == State.FAILED
    active = ~np.isnan(history.raw[:, space.names.index(space.inner_lr or "")])
    full = history.fidelity >= history.fidelity[complete].max() - 1e-9
    rows = rng.permutation(np.flatnonzero((complete | failed) & active & full))[:most]
    scores = np.where(failed, -np.inf, history.scores)[rows]
    return space.encode_raw(history.raw[rows]), normal_scores(scores)


def _along(space: SearchSpace, unit: Floats) -> Floats:
    """Each config at each rate of the grid, (c * 61, d)."""
    rows = np.repeat(unit, len(_GRID), axis=0)
    rows[:, space.slices[space.inner_lr or ""].start] = np.tile(_GRID, len(unit))
    return rows
