"""Held-out predictions as files: plain arrays, so that they may cross from process to process.

One file a config: a matrix (n, 1 + c) whose rows are those of the folds' test parts, one fold after
another; the first column holds class indices or values, the others class probabilities (none in a
regression). Written and read by numpy without pickle.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autometa.children.prediction import Prediction
from autometa.encoding import Floats
from autometa.errors import StoreError
from autometa.writing import put_in_place

_HEADER = 4096  # bytes beyond the numbers that a file of numpy has at most


def write_predictions(predictions: Sequence[Prediction], path: Path) -> None:
    """Write the folds' predictions, in one step.

    Raises:
        OSError: it cannot be written.
    """
    labels = np.concatenate([p.labels for p in predictions]).astype(np.float64)[:, None]
    shares = [p.shares for p in predictions if p.shares is not None]
    if shares:  # single precision is plenty for probabilities, and halves the file
        matrix: NDArray[Any] = np.hstack([labels, np.concatenate(shares)]).astype(np.float32)
    else:
        matrix = labels
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            np.save(file, matrix, allow_pickle=False)
        put_in_place(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def read_predictions(path: Path, *, rows: int, classes: int) -> Prediction:
    """What `write_predictions` wrote of so many rows and classes, 0 in a regression; in one.

    Raises:
        StoreError: there is no such file, or it holds something else.
    """
    kind = np.dtype(np.float32 if classes else np.float64)
    try:
        if path.stat().st_size > rows * (1 + classes) * kind.itemsize + _HEADER:
            raise ValueError("it is too large")
        with path.open("rb") as file:
            matrix = np.load(file, allow_pickle=False)
        if matrix.shape != (rows, 1 + classes) or matrix.dtype != kind:
            raise ValueError(f"it has the shape {matrix.shape} of {matrix.dtype}")
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise StoreError(
            f"held-out predictions {path.name!r} cannot be read ({error})",
            allowed=f"an array of {rows} x {1 + classes} numbers",
        ) from error
    if not classes:
        return Prediction(matrix[:, 0])
    shares: Floats = matrix[:, 1:].astype(np.float64)
    return Prediction(np.nan_to_num(matrix[:, 0]).astype(np.int64), shares)
