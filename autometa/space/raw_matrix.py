"""Raw matrices (n, p): numbers, category indices, NaN exactly where a parameter is inactive.

Shapes: n configs, p parameters, parents before the parameters that they switch; see `space`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from optuna.distributions import BaseDistribution

from autometa import encoding
from autometa.encoding import Floats
from autometa.errors import SpaceError
from autometa.space.structure import Conditions
from autometa.space.values import describe, fits, raw_value


def checked(
    distributions: Mapping[str, BaseDistribution], conditions: Conditions, raw: ArrayLike
) -> Floats:
    """A copy of the matrix, numbers of a grid on it; see `SearchSpace.check_raw`.

    Raises:
        SpaceError: a wrong shape, or the first cell that does not fit, named.
    """
    try:
        matrix = np.array(raw, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SpaceError(f"a raw matrix that is not numeric: {error}") from error
    if matrix.ndim != 2 or matrix.shape[1] != len(distributions):
        raise SpaceError(
            f"a raw matrix of shape {matrix.shape}", allowed=f"(n, {len(distributions)})"
        )
    on: dict[str, NDArray[np.bool_]] = {}
    for j, (name, distribution) in enumerate(distributions.items()):
        column = matrix[:, j].copy()  # contiguous: a million rows are gone over several times
        here = on[name] = _switched_on(name, distributions, conditions, matrix, on)
        _refuse(here & np.isnan(column), name, "missing where it is active", distribution)
        _refuse(here & ~fits(distribution, column), name, "out of range", distribution, column)
        _refuse(~here & ~np.isnan(column), name, "given where it is inactive", distribution)
        if getattr(distribution, "step", None) is not None:
            matrix[:, j] = encoding.snap(distribution, column)  # type: ignore[arg-type]
    return matrix


def active(
    distributions: Mapping[str, BaseDistribution], conditions: Conditions, raw: Floats
) -> NDArray[np.bool_]:
    """Which cells of a raw matrix (n, p) are active, (n, p)."""
    on: dict[str, NDArray[np.bool_]] = {}
    for name in distributions:
        on[name] = _switched_on(name, distributions, conditions, raw, on)
    return np.stack(list(on.values()), axis=1)


def _switched_on(
    name: str,
    distributions: Mapping[str, BaseDistribution],
    conditions: Conditions,
    raw: Floats,
    before: Mapping[str, NDArray[np.bool_]],
) -> NDArray[np.bool_]:
    """Rows (n,) in which a parameter is active, given those of the parameters before it."""
    if name not in conditions:
        return np.ones(len(raw), dtype=bool)
    parent, values = conditions[name]
    codes = [raw_value(distributions[parent], v) for v in values]
    return before[parent] & np.isin(raw[:, list(distributions).index(parent)], codes)


def _refuse(
    wrong: NDArray[np.bool_],
    name: str,
    what: str,
    distribution: BaseDistribution,
    column: Floats | None = None,
) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        value = "" if column is None else f" ({column[row]:g})"
        raise SpaceError(
            f"parameter {name!r}{value} is {what} in row {row} ({int(wrong.sum())} rows in all)",
            allowed=describe(distribution),
            do="Correct or remove these rows",
        )
