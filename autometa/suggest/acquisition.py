"""Acquisition: what is gained by trying a config, by what is believed of it.

One acquisition a file in `acquisitions`, a constant of this kind in it, given as
`Policy(acquisition=...)`. It is two plain functions, so that policies can be compared, copied and
pickled.

Shapes: m configs, d unit columns, p basis features.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from autometa.encoding import Floats
from autometa.meta.inference.posterior import Posterior
from autometa.suggest.observations import Observations

Value: TypeAlias = Callable[[Posterior, Observations, Floats, Floats], Floats]
Slope: TypeAlias = Callable[[Posterior, Observations, Floats], tuple[Floats, Floats]]

_STEP = 1e-4  # of numeric slopes, as a share of the range


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """See the module.

    Args:
        name: For people.
        value: (posterior, observed, unit configs (m, d), their basis features (m, p)) -> the log of
            what each promises, (m,), finite; the log of its chance of success is added to it.
        slope: (posterior, observed, unit configs (m, d)) -> the same values (m,) and their
            gradients (m, d), of which only the signs count; numeric where there is none.
    """

    name: str
    value: Value
    slope: Slope | None = None


def numeric_slope(value: Callable[[Floats], Floats], unit: Floats) -> tuple[Floats, Floats]:
    """Values (m,) and gradients (m, d) by central differences.

    Args:
        value: Unit configs (k, d) -> (k,).
        unit: Where, (m, d).
    """
    m, d = unit.shape
    steps = _STEP * np.eye(d)
    around = np.concatenate([unit[:, None] + steps, unit[:, None] - steps]).reshape(-1, d)
    ahead, behind = value(around).reshape(2, m, d)
    return value(unit), (ahead - behind) / (2 * _STEP)
