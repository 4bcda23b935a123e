"""One parameter's values on the unit interval: the one place for scaling.

Raw form and unit form of a parameter with n values:

    raw   (n,)    the number itself; for a category its index in `choices`; NaN where inactive
    unit  (n, w)  w columns in [0, 1]: one for a number (log-scaled where the distribution is), one
                  per choice for a category (one-hot); an inactive number is 0.5, an inactive
                  category all zeros

Why one-hot and not an index: choices have no order. Why 0.5: the middle of the interval is the
least informative place, and the activity flag (see `space`) says that it means nothing.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

Floats: TypeAlias = NDArray[np.float64]
Number: TypeAlias = FloatDistribution | IntDistribution

INACTIVE = 0.5


def width(distribution: BaseDistribution) -> int:
    """Number of unit columns of a parameter."""
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    return 1


def to_unit(distribution: BaseDistribution, raw: Floats) -> Floats:
    """Raw values (n,) -> unit columns (n, w)."""
    inactive = np.isnan(raw)
    if isinstance(distribution, CategoricalDistribution):
        unit = np.zeros((len(raw), len(distribution.choices)))
        rows = np.flatnonzero(~inactive)
        unit[rows, raw[rows].astype(np.int64)] = 1.0
        return unit
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = _bounds(distribution)
    if high == low:
        return np.full((len(raw), 1), INACTIVE)
    scaled = np.log(np.where(inactive, distribution.low, raw)) if distribution.log else raw
    unit = np.clip((scaled - low) / (high - low), 0.0, 1.0)
    column: Floats = np.where(inactive, INACTIVE, unit)[:, None]
    return column


def from_unit(distribution: BaseDistribution, unit: Floats) -> Floats:
    """Unit columns (n, w) -> raw values (n,), rounded onto the parameter's own grid."""
    if isinstance(distribution, CategoricalDistribution):
        return np.asarray(unit.argmax(axis=1), dtype=np.float64)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = _bounds(distribution)
    value = low + np.clip(unit[:, 0], 0.0, 1.0) * (high - low)
    return snap(distribution, np.exp(value) if distribution.log else value)


def snap(distribution: Number, raw: Floats) -> Floats:
    """Nearest allowed values of a number, (n,) -> (n,): on the step grid and inside the bounds."""
    if distribution.step is not None:
        steps = np.round((raw - distribution.low) / distribution.step)
        raw = distribution.low + steps * distribution.step
        if isinstance(distribution, FloatDistribution):
            # `low` itself may have more digits than the step's dust-free ones.
            raw = np.where(steps == 0, distribution.low, np.round(raw, _decimals(distribution)))
    clipped: Floats = np.clip(raw, distribution.low, distribution.high)
    return clipped


def sample(distribution: BaseDistribution, unit: Floats) -> Floats:
    """Uniform draws (n,) in [0, 1) -> raw values (n,), every grid point equally likely.

    Rounding the unit interval gives the two ends of an integer range half the mass of the others;
    sampling must not, so integers and steps use cells of equal size (as Optuna's samplers do).
    """
    if isinstance(distribution, CategoricalDistribution):
        last = len(distribution.choices) - 1.0
        index: Floats = np.minimum(np.floor(unit * len(distribution.choices)), last)
        return index
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    half = 0.5 * distribution.step if distribution.step is not None else 0.0
    low, high = distribution.low - half, distribution.high + half
    if distribution.log:
        low, high = math.log(low), math.log(high)
    value = low + unit * (high - low)
    return snap(distribution, np.exp(value) if distribution.log else value)


def _bounds(distribution: Number) -> tuple[float, float]:
    if distribution.log:
        return math.log(distribution.low), math.log(distribution.high)
    return float(distribution.low), float(distribution.high)


def _decimals(distribution: FloatDistribution) -> int:
    """Digits that keep low + k * step free of binary dust, so that decode(encode(c)) == c."""
    assert distribution.step is not None
    return min(max(12 - math.floor(math.log10(distribution.step)), 0), 300)
