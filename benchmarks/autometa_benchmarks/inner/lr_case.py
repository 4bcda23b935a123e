"""A held-out task of the suite inner-lr-transfer: some configs of it and scores over the rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from optuna.distributions import FloatDistribution

from autometa.encoding import Floats
from autometa.meta.parts.inner_rate import log_range
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace

_WORST, _RESAMPLES = 2.0, 2000


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A task, some configs of it, and its scores over the rate.

    Args:
        name: Of the task.
        meta_features: Of the task.
        raw: Configs, (c, p).
        grid: Rates, log10, (g,).
        scores: Higher is better, (c, g).
        best: The best rate of each config, log10, (c,).
        scale: Score of the task's best config less that of its median one.
        doubt: What is known of the truth's own error, (c,); zeros where nothing is.
    """

    name: str
    meta_features: dict[str, float]
    raw: Floats
    grid: Floats
    scores: Floats
    best: Floats
    scale: float
    doubt: Floats
    probe: Floats | None = None

    def regret(self, rates: Floats) -> Floats:
        """Of each config with its rate (log10), (c,)."""
        at = [np.interp(r, self.grid, row) for r, row in zip(rates, self.scores, strict=True)]
        result: Floats = np.clip((self.scores.max(1) - at) / self.scale, 0.0, _WORST)
        return result


Round: TypeAlias = tuple[Portfolio, float, list[Case]]
"""A prior, the best single rate on it, and the held-out tasks."""


def rate_grid(space: SearchSpace, count: int) -> Floats:
    """Rates evenly over the space's range, log10, (count,)."""
    return np.linspace(*log_range(space), count)


def crossed(space: SearchSpace, raw: Floats, grid: Floats) -> Floats:
    """Each config at each rate, raw, (c * g, p)."""
    rows = np.repeat(raw, len(grid), axis=0)
    name = space.inner_lr or ""
    scale = space.distributions[name]
    assert isinstance(scale, FloatDistribution)
    rates = np.clip(10.0 ** np.tile(grid, len(raw)), scale.low, scale.high)
    rows[:, space.names.index(name)] = rates
    return rows


def interval(
    measure: Callable[[Floats], Any], above: list[Floats], below: list[Floats] | None = None
) -> dict[str, float]:
    """A measure over all tasks' values, or the ratio of two, and half its bootstrap interval."""

    def value(rows: np.ndarray[Any, Any]) -> float:
        top = float(measure(np.concatenate([above[i] for i in rows])))
        if below is None:
            return top
        return top / max(float(measure(np.concatenate([below[i] for i in rows]))), 1e-9)

    rng = np.random.default_rng(0)
    count = len(above)
    low, high = np.quantile(
        [value(rng.integers(count, size=count)) for _ in range(_RESAMPLES)], [0.025, 0.975]
    )
    return {"mean": value(np.arange(count)), "ci95": float(high - low) / 2.0}
