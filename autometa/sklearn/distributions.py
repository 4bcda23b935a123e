"""What a user of scikit-learn gives as `param_distributions` -> a SearchSpace, and back.

    Optuna distribution     itself
    scipy, frozen           its support as a range: integers for a discrete one, log-scaled for
                            `loguniform` and for positive ranges over two decades; between the
                            0.1 % and the 99.9 % quantile where the support is infinite. The shape
                            of the density is not used: the search finds where to look.
    list, tuple, array      a category

Choices that are no plain data (a kernel object, a tuple of layer sizes) stand in the study as text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.errors import SpaceError
from autometa.space import SearchSpace, Value
from autometa.space.plain import is_plain, unboxed
from autometa.space.rates import as_space

_TAIL = 1e-3  # quantile that bounds an infinite support
_DECADES = 100.0  # a positive range wider than this is searched in logarithms
_ALLOWED = "an Optuna distribution, a frozen scipy distribution or a list of choices"


@dataclass(frozen=True, slots=True)
class Asked:
    """The space that a user asked for.

    Args:
        space: With plain choices.
        objects: Parameter -> text in the study -> what the text stands for.
    """

    space: SearchSpace
    objects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @staticmethod
    def of(given: Any) -> Asked:
        """The space of `param_distributions`, which may also be a SearchSpace with conditions.

        Raises:
            SpaceError: not a mapping, or an entry that is no distribution.
        """
        if isinstance(given, SearchSpace):
            return Asked(given)
        if not isinstance(given, Mapping):
            raise SpaceError(
                f"param_distributions of type {type(given).__name__}",
                allowed=f"a SearchSpace, or a mapping of names to {_ALLOWED}",
            )
        distributions, objects = {}, {}
        for name, entry in given.items():
            distributions[name], stands_for = _distribution(name, entry)
            if stands_for:
                objects[name] = stands_for
        return Asked(as_space(distributions), objects)

    def params(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A config, or the parameters of a trial, with the user's own objects."""
        return {
            name: self.objects.get(name, {}).get(str(value), value)
            for name, value in config.items()
            if name in self.space.distributions
        }


def _distribution(name: str, entry: Any) -> tuple[BaseDistribution, dict[str, Any]]:
    """(distribution, text -> object where its choices are no plain data)."""
    if isinstance(entry, CategoricalDistribution):
        return _choices(list(entry.choices))
    if isinstance(entry, BaseDistribution):
        return entry, {}
    if hasattr(entry, "support") and (hasattr(entry, "ppf") or hasattr(entry, "icdf")):
        return _range(name, entry), {}
    if isinstance(entry, list | tuple | np.ndarray | range) and len(entry):
        return _choices(list(entry))
    raise SpaceError(f"parameter {name!r} has {entry!r}", allowed=_ALLOWED)


def _choices(given: list[Any]) -> tuple[CategoricalDistribution, dict[str, Any]]:
    values = [unboxed(v) for v in given]
    if all(map(is_plain, values)):
        return CategoricalDistribution(values), {}
    texts: list[Value] = [v if isinstance(v, str) else _text(v) for v in values]
    return CategoricalDistribution(texts), dict(zip(map(str, texts), values, strict=True))


def _text(value: Any) -> str:
    """The same in every process: a function's name, not its address."""
    return str(getattr(value, "__name__", None) or repr(value))


def _range(name: str, frozen: Any) -> BaseDistribution:
    quantile = frozen.ppf if hasattr(frozen, "ppf") else frozen.icdf
    try:
        low, high = map(float, frozen.support())
    except TypeError as error:  # not frozen: its shape is not known
        raise SpaceError(f"parameter {name!r} has {frozen!r}: {error}", allowed=_ALLOWED) from error
    low = low if math.isfinite(low) else float(quantile(_TAIL))
    high = high if math.isfinite(high) else float(quantile(1 - _TAIL))
    if not math.isfinite(low) or not math.isfinite(high) or low > high:
        raise SpaceError(
            f"parameter {name!r} has a distribution from {low} to {high}",
            allowed=_ALLOWED,
            do="Give it as an Optuna distribution",
        )
    kind = getattr(frozen, "dist", frozen)
    if hasattr(kind, "pmf"):
        return IntDistribution(math.ceil(low), math.floor(high))
    is_log = getattr(kind, "name", "") in ("loguniform", "reciprocal")
    return FloatDistribution(low, high, log=low > 0 and (is_log or high / low > _DECADES))
