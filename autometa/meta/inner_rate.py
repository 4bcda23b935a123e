"""The inner learning rate of a new task, predicted from earlier tasks for a given config.

Which rate is best depends on the other parameters (batch size, momentum, ...) and on the task. The
first is shared by tasks, the second is not, so a task's normal scores are modelled as

    z_i(r, v) = psi(r, v)'s + g(r, v)'b_i + noise,    b_i ~ N(m, S)                       # eq. (1)

with r the rate on the unit interval, v the other unit columns, g = [h(r), v] and
psi = [h(r) x (1, v, v^2), v_j v_k], where h are bumps along r. The shared s is a ridge regression
on all tasks, the b_i are random effects on what it leaves over (`prior.fit_prior`). Heads drawn
from N(m, S) give curves of the score over the rate, and the places of their maxima are the
predictive distribution of the best rate: its median is the prediction. The learned basis is not
used: it serves whole configs, and its slice along one parameter has its maximum at the bounds too
often.

A deterministic objective has little noise: most of it is what a config's curve has of its own, so
a share of it goes to the bumps and widens the predictive distribution.

The interval is as wide as earlier tasks ask for: each is predicted without its family.

Failed trials count as the worst here, as a rate that diverges is a bad rate.

Shapes: K bumps, T tasks, p columns of psi, q = K + d - 1 columns of g, d unit columns, c configs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from optuna.distributions import FloatDistribution

from autometa.encoding import Floats
from autometa.meta.prior import fit_prior
from autometa.meta.targets import normal_scores
from autometa.space import SearchSpace
from autometa.task import State, TaskHistory

_BUMPS, _RIDGE = 10, 10.0
_DRAWS, _GRID = 300, np.linspace(0.0, 1.0, 61)
_TAIL = 0.05  # of the maxima on either side of the raw interval, before it is widened
_COVERAGE = 0.875
_OWN = 0.75  # share of the noise that is a config's own curve over the rate, a bump's variance
_LEAST_HALF = 0.025  # of the range: half an interval is never called narrower
_MOST_ROWS, _MOST_COLUMNS, _CALIBRATED = 20_000, 30, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerRate:
    """What earlier tasks say of an inner learning rate, in log10 units.

    Args:
        mean: The rate to try first: the median of the predictive distribution.
        low: Lower end of a central interval of about 88 %.
        high: Upper end.
    """

    mean: float
    low: float
    high: float

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
    start, stop = _log_range(space)
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
        shared: s, (p,).
        heads: The part of b_i on the bumps, (T', K), of the tasks that taught.
        cov: The same part of S, (K, K).
        widen: Factor from the raw interval to one that covers earlier tasks.
    """

    shared: Floats
    heads: Floats
    cov: Floats
    widen: float

    def predict(self, space: SearchSpace, unit: Floats, relevance: Floats) -> InnerRate:
        """The rate that is best on average over some configs.

        Args:
            space: The space.
            unit: Configs (c, d); their own rates do not matter.
            relevance: Weights of the prior tasks, (T',), summing to one.
        """
        curve = (_psi(space, _along(space, unit)) @ self.shared).reshape(len(unit), -1).mean(0)
        noise = np.random.default_rng(0).standard_normal((_DRAWS, _BUMPS))
        draws = relevance @ self.heads + noise @ np.linalg.cholesky(self.cov).T
        low, middle, high = _interval(curve, draws, self.widen)
        start, stop = _log_range(space)
        ends = (start + (stop - start) * float(u) for u in (middle, low, high))
        mean, lowest, highest = ends
        return InnerRate(mean=mean, low=lowest, high=highest)


def fit_rate_model(
    space: SearchSpace, histories: Sequence[TaskHistory], rng: np.random.Generator
) -> RateModel:
    """Learn eq. (1).

    Args:
        space: A space with an inner learning rate.
        histories: Of the prior tasks, each with a complete trial.
        rng: Chooses rows where there are very many, and the tasks and configs of the calibration.
    """
    most = max(_MOST_ROWS // len(histories), 20)
    told = [_told(space, h, most, rng) for h in histories]
    psi = [_psi(space, unit) for unit, _ in told]
    weights = np.array([1.0 / math.sqrt(max(len(z), 1)) for _, z in told])
    gram = sum(w * f.T @ f for w, f in zip(weights, psi, strict=True))
    moment = sum(w * f.T @ z for w, f, (_, z) in zip(weights, psi, told, strict=True))
    ridge = _RIDGE * weights.mean() * np.eye(psi[0].shape[1])
    shared: Floats = np.linalg.solve(gram + ridge, moment)
    left = [z - f @ shared for f, (_, z) in zip(psi, told, strict=True)]
    effects = [np.concatenate(_parts(space, unit), axis=1) for unit, _ in told]
    prior = fit_prior(effects, left)
    inverse = np.linalg.inv(prior.cov)
    own = _OWN * prior.noise * np.eye(_BUMPS)
    spreads = [np.linalg.inv(inverse + g.T @ g / prior.noise)[:_BUMPS, :_BUMPS] for g in effects]
    heads, cov = prior.heads[:, :_BUMPS], prior.cov[:_BUMPS, :_BUMPS] + own
    unit = space.encode_raw(space.sample_raw(_CALIBRATED, rng))
    curves = (_psi(space, _along(space, unit)) @ shared).reshape(len(unit), -1)
    families = np.array([h.task.family for h in histories])
    widen = _widen(curves, heads, cov, [s + own for s in spreads], families, rng)
    return RateModel(shared=shared, heads=heads, cov=cov, widen=widen)


def _widen(
    curves: Floats,
    heads: Floats,
    cov: Floats,
    spreads: Sequence[Floats],
    families: np.ndarray[tuple[int], np.dtype[np.str_]],
    rng: np.random.Generator,
) -> float:
    """The factor with which intervals cover tasks that are predicted without their family.

    A task's own curve is drawn from what its trials leave possible, since its mean is too smooth.
    """
    half = np.linalg.cholesky(cov).T
    ratios = []
    for task in rng.permutation(len(heads))[:_CALIBRATED]:
        others = families != families[task]
        if not others.any():
            continue
        draws = heads[others].mean(0) + rng.standard_normal((_DRAWS // 3, _BUMPS)) @ half
        own = np.linalg.cholesky(spreads[task])
        for curve in curves:
            true = heads[task] + own @ rng.standard_normal(_BUMPS)
            best = _GRID[(curve + _bumps(_GRID) @ true).argmax()]
            low, middle, high = _interval(curve, draws, 1.0)
            side = high - middle if best > middle else middle - low
            ratios.append(abs(best - middle) / max(side, _LEAST_HALF))
    return float(np.clip(np.quantile(ratios, _COVERAGE), 1.0, 2.0)) if ratios else 1.5


def _interval(curve: Floats, draws: Floats, widen: float) -> tuple[float, float, float]:
    """Low, median and high of the best rate on the unit interval.

    Args:
        curve: The shared part of the scores along the grid of rates, (61,).
        draws: Heads, (n, K).
        widen: See `RateModel`.
    """
    best = _GRID[(curve + draws @ _bumps(_GRID).T).argmax(axis=1)]
    low, middle, high = (float(q) for q in np.quantile(best, [_TAIL, 0.5, 1.0 - _TAIL]))
    below, above = (max(side, _LEAST_HALF) * widen for side in (middle - low, high - middle))
    return max(middle - below, 0.0), middle, min(middle + above, 1.0)


def _log_range(space: SearchSpace) -> tuple[float, float]:
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


def _bumps(rate: Floats) -> Floats:
    """h: Gaussian bumps along the unit rates (n,), (n, K)."""
    places = np.linspace(0.0, 1.0, _BUMPS)
    result: Floats = np.exp(-0.5 * ((rate[:, None] - places) * (_BUMPS - 1)) ** 2)
    return result


def _parts(space: SearchSpace, unit: Floats) -> tuple[Floats, Floats]:
    """h(r), (n, K), and v centred, (n, d - 1)."""
    column = space.slices[space.inner_lr or ""].start
    return _bumps(unit[:, column]), np.delete(2.0 * unit - 1.0, column, axis=1)


def _psi(space: SearchSpace, unit: Floats) -> Floats:
    """psi, (n, p); of spaces with very many columns only h x (1, v)."""
    bumps, v = _parts(space, unit)
    context = [np.ones((len(unit), 1)), v]
    pairs = np.ones((len(unit), 1))
    if unit.shape[1] <= _MOST_COLUMNS:
        numbers = [
            s.start
            for name, s in space.slices.items()
            if s.stop - s.start == 1 and name != space.inner_lr
        ]
        w = 2.0 * unit[:, numbers] - 1.0
        i, j = np.triu_indices(w.shape[1], 1)
        context.append(w**2)
        pairs = np.concatenate([pairs, w[:, i] * w[:, j]], axis=1)
    crossed = bumps[:, :, None] * np.concatenate(context, axis=1)[:, None, :]
    # Not -1: a task may have no trial with the rate.
    flat = crossed.reshape(len(unit), crossed.shape[1] * crossed.shape[2])
    return np.concatenate([flat, pairs], axis=1)
