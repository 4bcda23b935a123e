"""What the rows of a table weigh, and whether enough of them count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autometa.errors import InputError
from autometa.tables.notes import Notes, shown


def weights_of(given: Any, known: NDArray[np.bool_], what: str) -> NDArray[np.float64]:
    """Weights of the rows whose target is known, with a mean of one.

    Args:
        given: A weight for each row, (n,).
        known: Whether its target is, (n,).
        what: How a message calls the rows.

    Raises:
        InputError: no number of at least 0 for each row, or 0 for all.
    """
    allowed = f"a finite number of at least 0 for each of {len(known)} rows, not all 0"
    try:
        weights = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"weights of {what}: {error}", allowed=allowed) from error
    if weights.shape != known.shape:
        raise InputError(
            f"weights of shape {weights.shape} for {what}: inconsistent with their number",
            allowed=allowed,
        )
    weights = weights[known]
    if not weights.any():
        raise InputError(f"all weights of {what} are zero", allowed=allowed)
    if missing := int(np.isnan(weights).sum()):
        raise InputError(f"{missing} missing weights for {what}", allowed=allowed)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise InputError(
            f"weights from {weights.min():g} to {weights.max():g} for {what}", allowed=allowed
        )
    weights = weights / weights.max()  # so that their sum is a number
    scaled: NDArray[np.float64] = weights / weights.mean()
    return scaled


def check_counted(y: pd.Series[Any], weights: NDArray[np.float64], name: str, notes: Notes) -> None:
    """Refuse weights with which nothing is left to learn; classes that do not count are said.

    Args:
        y: Target (n,), categories in a classification.
        weights: Of the rows, (n,).
        name: Of the table.
        notes: Told of classes all of whose rows weigh nothing.

    Raises:
        InputError: rows of one class only count, or rows of one value.
    """
    counted = y[weights > 0].unique()
    if len(counted) < 2:
        raise InputError(
            f"all rows of table {name!r} that weigh anything have the target {shown(counted)}",
            allowed="weights above 0 in rows of two classes, or of two values",
        )
    if isinstance(y.dtype, pd.CategoricalDtype):
        silent = [label for label in y.cat.categories if label not in set(counted)]
        if silent:
            notes.warn(f"all rows of the class{'es' * (len(silent) > 1)} {shown(silent)} weigh 0")
