"""Whether the parts of a meta-model that came from a file fit together.

A damaged file is found by its checksum. This is about one that was written by somebody else: what
does not fit must be refused when it is loaded, not in the middle of a search.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from autometa.errors import ModelError
from autometa.meta.first_configs import first_configs
from autometa.meta.learned import Learned
from autometa.meta.parts.transfer import Transfer

# In normal scores, and in shares of a parameter's range: far beyond what is ever learned, and still
# without harm to the factorisation of a covariance.
_LEAST, _MOST = 1e-6, 1e4
_LARGER = {"similarity.values": np.inf, "rates.weights": _MOST / _LEAST}  # scores over noise
_MAY_LACK = ("similarity.values",)  # NaN where a task has no such meta-feature


def check(model: Learned) -> Learned:
    """The model, if its arrays have the shapes that they need and hold finite numbers.

    Raises:
        ModelError: they do not.
        ValueError, TypeError, LookupError: an array is not even one of numbers.
    """
    if len(model.meta_features) != len(model.tasks):
        raise ModelError("meta-features of other tasks")
    transfer = model.transfer
    if transfer is None:
        return model
    if not model.tasks:
        raise ModelError("something learned of no task")
    _check_basis(transfer, model.space.dim + transfer.basis.budgeted)
    for name, (array, shape) in _shapes(transfer, model.space.dim, len(model.tasks)).items():
        _need(array.shape == shape, f"{name} of shape {array.shape}", f"{shape}")
        most = _LARGER.get(name, _MOST)
        known = array if name not in _MAY_LACK else array[~np.isnan(array)]
        sane = array.dtype.kind in "fi" and np.isfinite(known).all()
        _need(sane and (np.abs(known) <= most).all(), f"numbers of {name}")
    catalogue = transfer.catalogue
    _need(
        catalogue.judges.dtype.kind == "i"
        and len(catalogue.judges) > 0
        and np.isin(catalogue.judges, np.arange(len(model.tasks))).all(),
        "judges of the catalogue",
    )
    _need(len(catalogue.unit) > 0, "an empty catalogue")
    _need(((catalogue.unit >= 0) & (catalogue.unit <= 1)).all(), "configs of the catalogue")
    _check_covariance(transfer.prior.cov)
    for kernel in (transfer.residual, transfer.cold):
        _need(min(kernel.scales.min(), kernel.noise) >= _LEAST, "a kernel")
        _need(0 <= kernel.variance <= _MOST and kernel.noise <= _MOST, "a kernel")
    _need(_LEAST <= transfer.prior.noise <= _MOST, "the prior's noise")
    similarity = transfer.similarity
    _need(_positive(similarity.width) and 0 <= similarity.share < 1, "a similarity")
    _need(0 <= transfer.failure.rate <= 1, "a failure rate")
    centre, spread = transfer.log_slope
    _need(abs(centre) <= _MOST and _LEAST <= spread <= _MOST, "slopes")
    if transfer.rates is not None:
        _need(_positive(transfer.rates.widen), "an interval's width")
        counts, unit = transfer.rates.counts, transfer.rates.unit
        _need(counts.dtype == np.int64 and bool((counts >= 0).all()), "numbers of trials")
        _need(int(counts.sum()) == len(unit) > 0, "numbers of trials")
        _need(((unit >= 0) & (unit <= 1)).all(), "trials of the inner rate")
        _need(transfer.rates.scales.min() >= _LEAST, "a kernel of the inner rate")
    first_configs(model, 1)
    return model


def _check_basis(transfer: Transfer, columns: int) -> None:
    layers = transfer.basis.layers
    _need(len(layers) > 0, "a basis without layers")
    for weight, bias in layers:
        _need(weight.ndim == 2 and bias.shape == weight.shape[1:], "a layer of the basis")
        _need(weight.dtype == bias.dtype == np.float32, "numbers of the basis")
        _need(bool(np.isfinite(weight).all() and np.isfinite(bias).all()), "numbers of the basis")
    widths = [w.shape[0] for w, _ in layers]
    _need(widths[0] == columns, f"a basis on {widths[0]} columns", f"{columns}")
    _need(all(a[0].shape[1] == b[0].shape[0] for a, b in pairwise(layers)), "layers of the basis")


def _shapes(
    transfer: Transfer, d: int, tasks: int
) -> dict[str, tuple[np.ndarray[Any, Any], tuple[int, ...]]]:
    """Name -> array and the shape that it must have."""
    p, catalogue = transfer.basis.size, transfer.catalogue
    judges, configs = len(catalogue.judges), len(catalogue.unit)
    weights = transfer.failure.weights
    shapes: dict[str, tuple[np.ndarray[Any, Any], tuple[int, ...]]] = {
        "prior.mean": (transfer.prior.mean, (p,)),
        "prior.cov": (transfer.prior.cov, (p, p)),
        "prior.heads": (transfer.prior.heads, (tasks, p)),
        "residual.scales": (transfer.residual.scales, (d,)),
        "cold.scales": (transfer.cold.scales, (d,)),
        "similarity.values": (transfer.similarity.values, (tasks, len(transfer.similarity.names))),
        "failure.weights": (weights, (p,) if weights.size else (0,)),
        "catalogue.unit": (catalogue.unit, (configs, d)),
        "catalogue.scores": (catalogue.scores, (configs, judges)),
        "catalogue.regret": (catalogue.regret, (configs, judges)),
    }
    if transfer.rates is not None:
        rows = len(transfer.rates.unit)
        shapes["rates.unit"] = (transfer.rates.unit, (rows, d))
        shapes["rates.weights"] = (transfer.rates.weights, (rows,))
        shapes["rates.counts"] = (transfer.rates.counts, (tasks,))
        shapes["rates.scales"] = (transfer.rates.scales, (d,))
    return shapes


def _check_covariance(cov: np.ndarray[Any, Any]) -> None:
    _need(np.allclose(cov, cov.T), "a covariance that is not symmetric")
    np.linalg.cholesky(cov)


def _positive(number: float) -> bool:
    return bool(0 < number < np.inf)


def _need(good: object, what: str, allowed: str = "") -> None:
    if not good:
        raise ModelError(f"{what} that cannot be" if not allowed else what, allowed=allowed)
