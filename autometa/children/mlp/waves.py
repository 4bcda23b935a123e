"""Sines and cosines of number columns, so that a small network sees bends and steps early on.

Gorishniy, Rubachev and Babenko, "On embeddings for numerical features in tabular deep learning"
(2022), with frequencies that are drawn once instead of trained.
"""

from __future__ import annotations

import numpy as np

from autometa.encoding import Floats

SPREAD = 0.5  # standard deviation of the frequencies, in waves a standard deviation of a column


def waved(X: Floats, waves: int, seed: int) -> Floats:
    """X (n, d) and, for each column, `waves` sines and cosines: (n, d (1 + 2 waves)).

    Columns that hold two values (indicators, one-hot categories) have nothing to bend, but a fold
    may show only some of a column's values, so every column gets its waves.
    """
    if not waves:
        return X
    rng = np.random.default_rng(seed)
    frequencies = rng.normal(scale=SPREAD, size=(waves, X.shape[1]))
    angles = [2 * np.pi * X * row for row in frequencies]
    return np.concatenate([X, *map(np.sin, angles), *map(np.cos, angles)], axis=1)
