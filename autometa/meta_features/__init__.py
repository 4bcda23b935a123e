"""Meta-features: a data set as named numbers, so that a model can tell which tasks are alike.

The same keys for every table. Where a number has no meaning (class balance in a regression, skew
without numeric columns) it takes a neutral value: the one that a table with nothing remarkable
would have. Counts are logarithms and heavy-tailed statistics are compressed, since a distance or
a linear model is going to read them. All are finite for any table, missing and infinite cells
included. Work is limited by size (at most 1,000 rows and 100 columns are looked at, drawn with a
fixed seed), not by a clock, so the same table always has the same meta-features.

References:
    Rivolli, Garcia, Soares, Vanschoren, de Carvalho, "Meta-features for meta-learning" (2022):
    groups and names of the simple, statistical, information-theoretic and landmarking features.
    Facco, d'Errico, Rodriguez, Laio, "Estimating the intrinsic dimension of datasets by a minimal
    neighborhood information" (2017).
    Roy and Vetterli, "The effective rank" (2007).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from autometa.meta_features import landmarks, statistics
from autometa.meta_features.columns import view

if TYPE_CHECKING:
    from autometa.tables import Table

SEED = 20220101


def compute(table: Table) -> dict[str, float]:
    """48 meta-features of a table, all finite."""
    rng = np.random.default_rng(SEED)
    sample = view(table, rng)
    features = {
        **statistics.sizes(table),
        **statistics.target(sample),
        **statistics.numbers(sample),
        **statistics.geometry(sample, rng),
        **statistics.signals(sample),
        **landmarks.landmarks(sample, rng),
    }
    return {name: _plain(float(v)) for name, v in features.items()}


def _plain(value: float) -> float:
    """Six digits: more would only record the machine's rounding."""
    return float(f"{value:.6g}") if math.isfinite(value) else 0.0
