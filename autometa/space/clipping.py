"""A suggested value, moved into the distribution that a trial turns out to have."""

from __future__ import annotations

from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa import encoding
from autometa.space.plain import unboxed
from autometa.space.values import same


def clip_to(distribution: BaseDistribution, value: Any) -> tuple[Any, bool] | None:
    """The nearest value that a distribution allows.

    Returns:
        (value, whether it had to be moved), or None where nothing near it is allowed.
    """
    if isinstance(distribution, CategoricalDistribution):
        for choice in distribution.choices:
            if same(choice, value):
                return choice, False
        return None
    value = unboxed(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    moved = float(encoding.snap(distribution, np.array([float(value)]))[0])
    if isinstance(distribution, IntDistribution):
        return round(moved), round(moved) != value
    return moved, not np.isclose(moved, value, rtol=1e-9, atol=0.0)


def is_beyond(distribution: BaseDistribution, value: Any) -> bool:
    """Whether a number lies out of a range, more than rounding errors do."""
    if isinstance(distribution, CategoricalDistribution):
        return False
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    clipped = clip_to(distribution, value)
    return clipped is not None and clipped[1] and not distribution.low <= value <= distribution.high
