"""Trials of a user's study, seen in the space of the meta-model.

A study may differ from the prior's space: other ranges, fewer or more parameters. What fits is
projected into the model's space; a trial that lacks an active parameter is not used.

Shapes: n trials, p parameters, d unit columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa import encoding
from autometa.encoding import Floats
from autometa.space import SearchSpace, same


@dataclass(frozen=True)
class Observed:
    """Sees configs of a study in the model's space."""

    space: SearchSpace

    def project(self, params: Mapping[str, Any]) -> Floats | None:
        """The nearest unit config (d,), or None where an active parameter is missing."""
        raw = np.full(len(self.space.names), np.nan)
        for j, (name, distribution) in enumerate(self.space.distributions.items()):
            if name in params:
                value = _projected(distribution, params[name])
                if value is None:
                    return None
                raw[j] = value
        active = self.space.active_raw(raw[None])[0]
        if np.isnan(raw[active]).any():
            return None
        raw[~active] = np.nan
        unit: Floats = self.space.encode_raw(raw[None])[0]
        return unit


def _projected(distribution: BaseDistribution, value: Any) -> float | None:
    """A raw value inside the distribution, or None where there is no nearest one."""
    if isinstance(distribution, CategoricalDistribution):
        for index, choice in enumerate(distribution.choices):
            if same(choice, value):
                return float(index)
        return None
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return float(encoding.snap(distribution, np.array([float(value)]))[0])


def adapt(value: Any, distribution: BaseDistribution) -> tuple[Any, bool] | None:
    """A value of the model's space for the user's own distribution.

    Returns:
        (value, whether it had to be moved), or None where nothing near it is allowed.
    """
    if isinstance(distribution, CategoricalDistribution):
        for choice in distribution.choices:
            if same(choice, value):
                return choice, False
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    moved = float(encoding.snap(distribution, np.array([float(value)]))[0])
    if isinstance(distribution, IntDistribution):
        return round(moved), round(moved) != value
    return moved, not np.isclose(moved, value, rtol=1e-9, atol=0.0)
