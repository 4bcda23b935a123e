"""A cheap probe of the new task beside what earlier tasks say of its inner learning rate.

A probe is any number, in log10 of a rate, that needs no training: `children.starts.probe` takes
a gradient and the curvature along it from one batch. Over prior tasks and some random configs,

    best - predicted = a + b predicted + c probe + noise                                  # eq. (1)

where `best` is the place of the maximum of the task's own curve over the rate (see `inner_rate`)
and `predicted` what the tasks of other families say. As with meta-features (see `similarity`),
eq. (1) is used only if it predicts families that it was not fitted on clearly better than they are
predicted without the probe, be it with a and b or with nothing; otherwise a = b = c = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.errors import ModelError
from autometa.meta.model import MetaModel
from autometa.meta.parts.inner_rate import InnerRate, log_range
from autometa.meta.parts.similarity import CLEARLY, LEAST_TASKS
from autometa.portfolio import Portfolio
from autometa.space import Config

_RIDGE = 1.0  # rows that say nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class RateProbe:
    """Eq. (1), fitted; made by `fit_rate_probe`.

    Args:
        coefficients: a, b and c; zeros where the probe did not help clearly.
        low: Lower end of the inner rate's range, log10.
        high: Upper end.
        saved: Log10 units of error that the probe saved on families left out, mean over tasks.
        error: Standard error of that mean.
        tasks: Prior tasks that were probed.
    """

    coefficients: tuple[float, float, float]
    low: float
    high: float
    saved: float
    error: float
    tasks: int

    def at(self, value: float) -> Callable[[InnerRate], InnerRate]:
        """What `MetaModel.predict_inner_lr` takes as `probe`, for a value measured on the task."""
        return partial(self.sharpened, value)

    def sharpened(self, value: float, rate: InnerRate) -> InnerRate:
        """A prediction moved by what the probe says, within the range."""
        a, b, c = self.coefficients
        shift = a + b * rate.mean + c * value
        ends = {n: getattr(rate, n) + shift for n in ("mean", "low", "high")}
        return replace(rate, **{n: min(max(end, self.low), self.high) for n, end in ends.items()})


def fit_rate_probe(
    model: MetaModel,
    portfolio: Portfolio,
    measure: Callable[[str, Config], float | None],
    *,
    configs: int = 8,
    seed: int = 0,
) -> RateProbe:
    """Learn from prior tasks how far to trust a probe.

    Args:
        model: Fitted on the portfolio.
        portfolio: The prior tasks.
        measure: (name of a prior task, config) -> the probe; None where it cannot be taken.
        configs: Random configs, the same for every task.
        seed: Of the configs.

    Raises:
        ModelError: nothing was learned of inner rates, or the model has tasks that the portfolio
            has not.
    """
    space, rates = model.space, model.rates
    families = {h.task.name: h.task.family for h in portfolio.select(space).histories}
    if not set(model.tasks) <= set(families):
        raise ModelError(
            f"task {sorted(set(model.tasks) - set(families))[0]!r} of the model",
            allowed="tasks of the portfolio",
            do="Give the portfolio that the model was fitted on",
        )
    raw = space.sample_raw(configs, np.random.default_rng(seed))
    raw = raw[~np.isnan(raw[:, space.names.index(space.inner_lr or "")])]
    unit, asked = space.encode_raw(raw), space.from_raw(raw)
    low, high = log_range(space)
    best = low + (high - low) * rates.best(space, unit)
    own = np.array([families[name] for name in model.tasks])
    rows, wanted, task = [], [], []
    for i, name in enumerate(model.tasks):
        others = np.where(own != own[i], model.task_relevance(model.meta_features[i]), 0.0)
        if not rates.counts[i] or not others.any():
            continue
        for j, config in enumerate(asked):
            value = measure(name, config)
            if value is not None and np.isfinite(value):
                said = rates.predict(space, unit[j : j + 1], others / others.sum()).mean
                rows.append((1.0, said, value))
                wanted.append(best[i, j] - said)
                task.append(i)
    X, r, place = np.array(rows).reshape(-1, 3), np.array(wanted), np.array(task, dtype=np.int64)
    with_it, without = _errors(X, r, own[place]), _errors(X[:, :2], r, own[place])
    saved = (np.abs(r) if np.abs(r).sum() < without.sum() else without) - with_it
    each = np.array([saved[place == i].mean() for i in np.unique(place)])
    gain = float(each.mean()) if len(each) else 0.0
    error = float(each.std() / np.sqrt(len(each))) if len(each) else 0.0
    clear = len(each) >= LEAST_TASKS and gain > CLEARLY * error
    a, b, c = (float(v) for v in (_solved(X, r) if clear else np.zeros(3)))
    return RateProbe(
        coefficients=(a, b, c), low=low, high=high, saved=gain, error=error, tasks=len(each)
    )


def _errors(X: Floats, y: Floats, families: NDArray[np.str_]) -> Floats:
    """Absolute errors (n,) of a regression that never saw a row's family."""
    result = np.abs(y)
    for family in np.unique(families):
        mine = families == family
        result[mine] = np.abs(y[mine] - X[mine] @ _solved(X[~mine], y[~mine]))
    return result


def _solved(X: Floats, y: Floats) -> Floats:
    """Least squares, drawn a little towards zero."""
    gram = X.T @ X + _RIDGE * np.eye(X.shape[1])
    return np.asarray(np.linalg.solve(gram, X.T @ y), dtype=np.float64)
