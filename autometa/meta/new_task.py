"""What is known of a new task beforehand."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

from autometa.errors import InputError


def known_features(meta_features: Mapping[str, Any] | None) -> dict[str, float]:
    """The meta-features that are finite numbers.

    The others are dropped, with a warning that names them: what is not known of a task is no reason
    not to search.

    Raises:
        InputError: not a mapping.
    """
    if meta_features is None:
        return {}
    if not isinstance(meta_features, Mapping):
        raise InputError(
            f"meta-features of type {type(meta_features).__name__}",
            allowed="a mapping of names to numbers",
        )
    numbers = {name: _number(value) for name, value in meta_features.items()}
    unknown = [name for name, number in numbers.items() if not math.isfinite(number)]
    if unknown:
        shown = ", ".join(f"{name} = {meta_features[name]!r}" for name in unknown)
        warnings.warn(f"meta-features that are not known are left out: {shown}", stacklevel=2)
    return {str(n): number for n, number in numbers.items() if math.isfinite(number)}


def _number(value: Any) -> float:
    try:
        return math.nan if isinstance(value, str | bytes) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
