"""SearchSpace: Optuna's distributions plus conditions, defaults and the inner learning rate's name.

Notation (shapes used in every module):

    p  parameters, in the space's own order (parents before the parameters they switch)
    d  unit columns: all parameters' columns (see `encoding`), then one activity flag for each
       parameter that can be inactive
    raw   (n, p)  numbers, category indices, NaN where inactive: how configs are stored
    unit  (n, d)  in [0, 1]: how models see them
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from optuna.distributions import BaseDistribution, distribution_to_json

from autometa import encoding
from autometa.encoding import Floats
from autometa.errors import SpaceError
from autometa.space import raw_matrix, structure
from autometa.space.structure import Conditions
from autometa.space.values import (
    Value,
    checked_value,
    describe,
    is_among,
    listed,
    plain_value,
    raw_value,
    read_distribution,
)

Config: TypeAlias = dict[str, Value]


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """What may be tuned: the parameters of a child, which of them switch others, and defaults.

    Args:
        distributions: Parameter name -> Optuna distribution.
        conditions: Parameter name -> (parent name, values of the parent for which it is active).
        defaults: The config a user would run without tuning; all parameters active under it, or
            empty where there is none.
        inner_lr: Name of the parameter that is the child's inner learning rate: a positive,
            log-scaled float.
        name: What the space belongs to, usually a child; spaces with other names are different.

    Raises:
        SpaceError: the space is empty, a condition or default does not fit, or `inner_lr` is not a
            log-scaled float.

    >>> from optuna.distributions import FloatDistribution, CategoricalDistribution
    >>> space = SearchSpace(
    ...     {
    ...         "kernel": CategoricalDistribution(["linear", "rbf"]),
    ...         "gamma": FloatDistribution(1e-3, 1e3, log=True),
    ...     },
    ...     conditions={"gamma": ("kernel", ["rbf"])},
    ... )
    >>> space.check({"kernel": "linear"})
    {'kernel': 'linear'}
    >>> space.decode(space.encode({"kernel": "rbf", "gamma": 1.0}))
    {'kernel': 'rbf', 'gamma': 1.0}
    """

    distributions: Mapping[str, BaseDistribution]
    _: KW_ONLY
    conditions: Conditions = field(default_factory=dict)
    defaults: Mapping[str, Value] = field(default_factory=dict)
    inner_lr: str | None = None
    name: str = ""

    def __post_init__(self) -> None:
        structure.check_distributions(self.distributions)
        conditions = structure.checked_conditions(self.distributions, self.conditions)
        order = structure.parents_first(self.distributions, conditions)
        object.__setattr__(self, "distributions", {n: self.distributions[n] for n in order})
        object.__setattr__(self, "conditions", {n: conditions[n] for n in order if n in conditions})
        structure.check_inner_lr(self.inner_lr, self.distributions)
        object.__setattr__(self, "defaults", dict(self.defaults))
        if self.defaults:
            object.__setattr__(self, "defaults", self.check(self.defaults))

    # Identity ------------------------------------------------------------------------------------

    @cached_property
    def key(self) -> str:
        """Canonical JSON: two spaces are equal exactly when their keys are.

        The order of the parameters counts, since it is the order of the columns of `raw`.
        """
        return json.dumps([self.names, self.to_json()], sort_keys=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SearchSpace) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def to_json(self) -> dict[str, Any]:
        """Plain data for `from_json`."""
        return {
            "name": self.name,
            "inner_lr": self.inner_lr,
            "distributions": {
                n: json.loads(distribution_to_json(d)) for n, d in self.distributions.items()
            },
            "conditions": {n: [parent, list(on)] for n, (parent, on) in self.conditions.items()},
            "defaults": dict(self.defaults),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> SearchSpace:
        """The space that `to_json` described.

        Raises:
            SpaceError: the data do not describe a space.
        """
        try:
            distributions = {n: read_distribution(d) for n, d in data["distributions"].items()}
            return SearchSpace(
                distributions,
                conditions={n: (p, on) for n, (p, on) in data.get("conditions", {}).items()},
                defaults=data.get("defaults", {}),
                inner_lr=data.get("inner_lr"),
                name=data.get("name", ""),
            )
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            if isinstance(error, SpaceError):
                raise
            raise SpaceError(
                f"no search space could be read: {error!r}", do="Write it with SearchSpace.to_json"
            ) from error

    # Names and sizes -----------------------------------------------------------------------------

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Parameter names in order, length p."""
        return tuple(self.distributions)

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Unit columns of each parameter, flags left out."""
        result, start = {}, 0
        for name, distribution in self.distributions.items():
            stop = start + encoding.width(distribution)
            result[name] = slice(start, stop)
            start = stop
        return result

    @cached_property
    def flags(self) -> dict[str, int]:
        """Unit column of the activity flag of each parameter that can be inactive."""
        first = sum(encoding.width(d) for d in self.distributions.values())
        return {name: first + i for i, name in enumerate(self.conditions)}

    @cached_property
    def dim(self) -> int:
        """Number of unit columns, d."""
        return sum(encoding.width(d) for d in self.distributions.values()) + len(self.conditions)

    # Checking ------------------------------------------------------------------------------------

    def active(self, config: Mapping[str, Value]) -> tuple[str, ...]:
        """Names of the parameters that are active under a config's parent values."""
        chosen: dict[str, bool] = {}
        for name in self.names:
            parent, on = self.conditions.get(name, (None, ()))
            chosen[name] = parent is None or (chosen[parent] and is_among(config.get(parent), on))
        return tuple(n for n in self.names if chosen[n])

    def check(self, config: Mapping[str, Value]) -> Config:
        """The config in the space's order with plain Python values.

        Raises:
            SpaceError: an unknown, missing, inactive, ill-typed or out-of-range parameter.
        """
        if not isinstance(config, Mapping):
            raise SpaceError(f"a config of type {type(config).__name__}", allowed="a mapping")
        unknown = [n for n in config if n not in self.distributions]
        if unknown:
            raise SpaceError(
                f"unknown parameter {listed(unknown)}",
                allowed=listed(self.names),
                do="Remove it, or add its distribution to the space",
            )
        checked: Config = {}
        for name in self.names:
            parent, on = self.conditions.get(name, (None, ()))
            is_active = parent is None or (parent in checked and is_among(checked[parent], on))
            if is_active and name not in config:
                raise SpaceError(
                    f"parameter {name!r} is missing",
                    allowed=describe(self.distributions[name]),
                    do="Give it a value",
                )
            if not is_active and name in config:
                raise SpaceError(
                    f"parameter {name!r} = {config[name]!r} is inactive here",
                    allowed=f"{name!r} only where {parent!r} is one of {list(on)}",
                    do="Leave it out of this config",
                )
            if is_active:
                checked[name] = checked_value(name, self.distributions[name], config[name])
        return checked

    def check_raw(self, raw: ArrayLike) -> Floats:
        """A raw matrix (n, p), every cell inside its range and NaN exactly where inactive.

        Raises:
            SpaceError: a wrong shape, or the first cell that does not fit, named.
        """
        return raw_matrix.checked(self.distributions, self.conditions, raw)

    def active_raw(self, raw: Floats) -> NDArray[np.bool_]:
        """Which cells of a raw matrix (n, p) are active, (n, p)."""
        return raw_matrix.active(self.distributions, self.conditions, raw)

    # Forms ---------------------------------------------------------------------------------------

    def to_raw(self, configs: Iterable[Mapping[str, Value]]) -> Floats:
        """Configs -> raw matrix (n, p).

        Raises:
            SpaceError: as `check`.
        """
        rows = [
            [
                raw_value(self.distributions[n], checked[n]) if n in checked else math.nan
                for n in self.names
            ]
            for checked in map(self.check, configs)
        ]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.names))

    def from_raw(self, raw: Floats) -> list[Config]:
        """Raw matrix (n, p) -> n configs, inactive parameters left out."""
        return [
            {
                name: plain_value(distribution, cell)
                for (name, distribution), cell in zip(self.distributions.items(), row, strict=True)
                if not math.isnan(cell)
            }
            for row in raw.tolist()
        ]

    def encode_raw(self, raw: Floats) -> Floats:
        """Raw matrix (n, p) -> unit matrix (n, d)."""
        unit = np.zeros((len(raw), self.dim))
        for j, (name, distribution) in enumerate(self.distributions.items()):
            unit[:, self.slices[name]] = encoding.to_unit(distribution, raw[:, j])
            if name in self.flags:
                unit[:, self.flags[name]] = ~np.isnan(raw[:, j])
        return unit

    def decode_raw(self, unit: Floats) -> Floats:
        """Unit matrix (n, d) -> raw matrix (n, p); the flags follow from the parents' values."""
        columns = [
            encoding.from_unit(d, unit[:, self.slices[n]]) for n, d in self.distributions.items()
        ]
        return self._hide_inactive(np.stack(columns, axis=1))

    def encode(self, config: Mapping[str, Value]) -> Floats:
        """A config -> its unit vector (d,).

        Raises:
            SpaceError: as `check`.
        """
        vector: Floats = self.encode_raw(self.to_raw([config]))[0]
        return vector

    def decode(self, unit: ArrayLike) -> Config:
        """A unit vector (d,) -> the nearest config.

        Raises:
            SpaceError: a wrong length or a NaN.
        """
        vector = np.asarray(unit, dtype=np.float64)
        if vector.shape != (self.dim,) or not np.isfinite(vector).all():
            raise SpaceError(
                f"a unit vector of shape {vector.shape}", allowed=f"({self.dim},), all finite"
            )
        return self.from_raw(self.decode_raw(vector[None]))[0]

    def sample_raw(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw n random configs as a raw matrix (n, p), each parameter uniform on its own scale."""
        return self.place_raw(rng.random((n, len(self.names))))

    def place_raw(self, points: Floats) -> Floats:
        """Points (n, p) in [0, 1), random or quasi-random -> raw matrix (n, p)."""
        columns = [
            encoding.sample(d, points[:, j]) for j, d in enumerate(self.distributions.values())
        ]
        return self._hide_inactive(np.stack(columns, axis=1))

    def _hide_inactive(self, raw: Floats) -> Floats:
        raw[~self.active_raw(raw)] = np.nan
        return raw
