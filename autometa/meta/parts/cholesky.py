"""Small positive definite systems, solved by LAPACK itself.

A suggestion solves more than a hundred of ten to a hundred unknowns, where the checks around a
solver cost more than the solution.

Shapes: n unknowns, k right sides.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs, dtrtrs

from autometa.encoding import Floats


def cholesky(matrix: Floats) -> Floats:
    """Lower factor (n, n) of a symmetric positive definite matrix (n, n).

    Raises:
        numpy.linalg.LinAlgError: the matrix is not positive definite, or not finite.
    """
    factor, info = dpotrf(matrix, lower=1, clean=1)
    if info or not np.isfinite(factor[-1, -1]):
        raise np.linalg.LinAlgError("the matrix is not positive definite")
    result: Floats = factor
    return result


def half_solved(factor: Floats, right: Floats) -> Floats:
    """factor^-1 right, for right (n,) or (n, k)."""
    result: Floats = dtrtrs(factor, right, lower=1)[0]
    return result


def solved(factor: Floats, right: Floats) -> Floats:
    """(factor factor')^-1 right, for right (n,) or (n, k)."""
    result: Floats = dpotrs(factor, right, lower=1)[0]
    return result
