"""Ranges of numbers: one that also holds earlier values, and what is near to one.

Shapes: n values of one parameter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.encoding import Floats, Number
from autometa.space.plain import is_number
from autometa.space.space import SearchSpace
from autometa.space.values import Value, is_among, plain_value

NEAR = 0.1  # of the wider range: so close to a fixed value counts as this value
FAR = 4.0  # widths: what lies farther outside is of another kind of model, and dropped
MEETING = 0.25  # of the shorter of two ranges
_DUST = 1e-9  # of a bound: rounding errors
Mask: TypeAlias = NDArray[np.bool_]


def holding(new: Number, values: Floats) -> Number:
    """The distribution with a range that also holds values (n,)."""
    values = values[values > 0] if new.log else values
    if not len(values):
        return new
    low, high = _ends(new)
    reach = FAR * (high - low) if high > low else np.inf
    places = _scaled(new, values)
    kept = values[(places >= low - reach) & (places <= high + reach)]
    if not len(kept):
        return new
    least, most = float(kept.min()), float(kept.max())
    if least >= new.low - _DUST * abs(new.low) and most <= new.high + _DUST * abs(new.high):
        return new
    if new.step is not None and not new.log:
        least = new.low - math.ceil(max(new.low - least, 0) / new.step) * new.step
        most = new.low + math.ceil(max(most - new.low, 0) / new.step) * new.step
    least, most = min(least, new.low), max(most, new.high)
    if isinstance(new, IntDistribution):
        return IntDistribution(math.floor(least), math.ceil(most), log=new.log, step=new.step)
    return FloatDistribution(least, most, log=new.log, step=new.step)


def in_common(new: Number, olds: Sequence[BaseDistribution]) -> Number:
    """The part of a range that lies between the ends of others, on its own grid.

    The range itself where nothing of it does, where the others are no ranges, and where they meet
    in so little (`MEETING`) of either that it says nothing of the rest.

    >>> in_common(IntDistribution(1, 99, step=2), [IntDistribution(10, 20), IntDistribution(4, 9)])
    IntDistribution(high=19, log=False, low=5, step=2)
    """
    ranges = [d for d in olds if isinstance(d, FloatDistribution | IntDistribution)]
    if not ranges or len(ranges) < len(olds):
        return new
    first, last = min(d.low for d in ranges), max(d.high for d in ranges)
    low, high = max(new.low, first), min(new.high, last)
    whole = min(_length(new, first, last), _length(new, new.low, new.high))
    if high < low or _length(new, low, high) < MEETING * whole:
        return new
    if new.step is not None:
        low = new.low + math.ceil((low - new.low) / new.step - _DUST) * new.step
        high = new.low + math.floor((high - new.low) / new.step + _DUST) * new.step
    if not new.low <= low <= high <= new.high or (low, high) == (new.low, new.high):
        return new
    if isinstance(new, IntDistribution):
        return IntDistribution(int(low), int(high), log=new.log, step=new.step)
    return FloatDistribution(low, high, log=new.log, step=new.step)


def _length(new: Number, low: float, high: float) -> float:
    if new.log:
        tiny = np.finfo(np.float64).tiny
        low, high = math.log(max(low, tiny)), math.log(max(high, tiny))
    return float(high) - float(low)


def _ends(distribution: Number) -> Floats:
    return _scaled(distribution, np.array([distribution.low, distribution.high], dtype=np.float64))


def _scaled(distribution: Number, values: Floats) -> Floats:
    result: Floats = np.log(values) if distribution.log else values
    return result


def inside(space: SearchSpace, wide: SearchSpace, raw: Floats) -> Mask:
    """Which configs (n, p) of a wider space lie in another one.

    Parameters that only one of the two has do not count; a choice that is gone does.
    """
    result = np.ones(len(raw), dtype=bool)
    for j, (name, distribution) in enumerate(wide.distributions.items()):
        wanted = space.distributions.get(name)
        known = ~np.isnan(raw[:, j])
        if wanted is None or wanted == distribution or not known.any():
            continue
        if not isinstance(wanted, CategoricalDistribution) and not isinstance(
            distribution, CategoricalDistribution
        ):
            result[known] &= is_inside(wanted, raw[known, j], distribution)
            continue
        values = [plain_value(distribution, v) for v in raw[known, j].tolist()]
        result[known] &= [is_allowed(wanted, v) for v in values]
    return result


def is_allowed(distribution: BaseDistribution, value: Value) -> bool:
    """Whether a value is one of a distribution's own."""
    if isinstance(distribution, CategoricalDistribution):
        return is_among(value, distribution.choices)
    if not is_number(value):
        return False
    return bool(is_inside(distribution, np.array([value], dtype=np.float64), distribution)[0])


def is_inside(distribution: BaseDistribution, values: Floats, wide: BaseDistribution) -> Mask:
    """Which numbers (n,) of a wide range are in the one that is searched.

    Of one that holds a single value those that are close to it are.
    """
    if isinstance(distribution, CategoricalDistribution):
        return np.ones(len(values), dtype=bool)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    values = np.where(values > 0, values, 1e-300) if distribution.log else values
    assert isinstance(wide, FloatDistribution | IntDistribution)
    low, high = _ends(distribution)
    least, most = _ends(wide)
    slack = NEAR * (most - least) if high == low else 0.0
    slack += _DUST * max(abs(low), abs(high), 1e-300)
    places = _scaled(distribution, values)
    return np.asarray((places >= low - slack) & (places <= high + slack))
