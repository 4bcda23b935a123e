"""Links: one parameter of a study and the same one of the prior tasks, value by value.

Numbers are the same number whatever their range and scale; a choice is the choice that is equal to
it; a number and a choice that is a number are linked by their values.

Shapes: m values, v unit columns of the study's parameter, w of the prior's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution

from autometa import encoding
from autometa.encoding import Floats, Number
from autometa.space import same

Known: TypeAlias = NDArray[np.bool_]

_SHORTEST, _LONGEST = 0.05, 2.0  # length scales that another range may lead to


class Link(Protocol):
    """Both ways between the columns of one parameter."""

    @property
    def share(self) -> float:
        """Part of the study's values that the prior has too, in [0, 1]."""

    @property
    def certain(self) -> bool:
        """Whether each of the study's values stands for one of the prior's."""

    def forward(self, unit: Floats) -> tuple[Floats, Known]:
        """The study's columns (m, v) -> the prior's (m, w), and which rows it has, (m,)."""

    def backward(self, unit: Floats) -> tuple[Floats, Known]:
        """The prior's columns (m, w) -> the study's (m, v), and which rows it has, (m,)."""

    def slope(self, unit: Floats) -> Floats | None:
        """Derivative (m, 1) of `forward` at numbers (m, 1); None where there is none."""

    def scales(self, learned: Floats, usual: float) -> Floats:
        """Length scales (v,) for the study's columns, given the prior's (w,)."""


def link(study: BaseDistribution, prior: BaseDistribution) -> Link | None:
    """The link of two distributions; None where they have no value in common."""
    if isinstance(study, CategoricalDistribution):
        found: Link = _Choices(study, prior)
    elif isinstance(prior, CategoricalDistribution):
        found = _NumberOfChoices(study, prior)  # type: ignore[arg-type]
    else:
        return _Numbers(study, prior)  # type: ignore[arg-type]
    return found if found.share else None


@dataclass(frozen=True)
class _Numbers:
    """A number in both; values outside of the prior's range are moved to its nearest bound."""

    study: Number
    prior: Number

    @property
    def share(self) -> float:
        if _span(self.prior) == 0.0:
            return float(self.study.low == self.prior.low and self.study.high == self.prior.high)
        low, high = self._ends
        if high - low < 1e-12:
            return float(-1e-9 <= low <= 1.0 + 1e-9)
        return max(min(high, 1.0) - max(low, 0.0), 0.0) / (high - low)

    @property
    def certain(self) -> bool:
        return True

    @property
    def _ends(self) -> tuple[float, float]:
        """The study's bounds in the prior's unit interval, and beyond."""
        low, high = _place(self.prior, np.array([self.study.low, self.study.high]))
        return float(low), float(high)

    def forward(self, unit: Floats) -> tuple[Floats, Known]:
        place = np.clip(_place(self.prior, _value(self.study, unit)), 0.0, 1.0)
        return place, np.ones(len(unit), dtype=bool)

    def backward(self, unit: Floats) -> tuple[Floats, Known]:
        place = np.clip(_place(self.study, _value(self.prior, unit)), 0.0, 1.0)
        return place, np.ones(len(unit), dtype=bool)

    def slope(self, unit: Floats) -> Floats | None:
        value = _value(self.study, unit)
        place = _place(self.prior, value)
        step = _span(self.study) / max(_span(self.prior), 1e-300)
        if self.study.log and not self.prior.log:
            steep = step * value
        elif self.prior.log and not self.study.log:
            steep = step / np.maximum(value, 1e-300)
        else:
            steep = np.full(unit.shape, step)
        return np.where((place > 0.0) & (place < 1.0) & (_span(self.prior) > 0.0), steep, 0.0)

    def scales(self, learned: Floats, usual: float) -> Floats:
        low, high = self._ends
        if high - low < 1e-12 or _span(self.prior) == 0.0:
            return np.full(1, usual)
        return np.clip(learned / (high - low), _SHORTEST, np.maximum(learned, _LONGEST))


@dataclass(frozen=True)
class _Choices:
    """A category of the study, whose choices are choices or numbers of the prior, or unknown."""

    study: CategoricalDistribution
    prior: BaseDistribution

    @property
    def share(self) -> float:
        return float(self._known.mean())

    @property
    def certain(self) -> bool:
        return bool(self._known.all())

    @property
    def _codes(self) -> Floats:
        """Raw values of the prior for each choice, NaN where it has none."""
        return np.array([_raw(self.prior, choice) for choice in self.study.choices])

    @property
    def _known(self) -> Known:
        return ~np.isnan(self._codes)

    def forward(self, unit: Floats) -> tuple[Floats, Known]:
        index = unit.argmax(axis=1)
        columns = encoding.to_unit(self.prior, self._codes)
        return columns[index], self._known[index] & (unit.max(axis=1) > 0.5)

    def backward(self, unit: Floats) -> tuple[Floats, Known]:
        raw, codes = encoding.from_unit(self.prior, unit), self._codes
        distance = np.abs(raw[:, None] - np.where(np.isnan(codes), np.inf, codes))
        nearest = distance.argmin(axis=1)
        known = np.ones(len(unit), dtype=bool)
        if isinstance(self.prior, CategoricalDistribution):
            known = distance.min(axis=1) == 0.0
        return encoding.to_unit(self.study, nearest.astype(np.float64)), known

    def slope(self, unit: Floats) -> Floats | None:
        return None

    def scales(self, learned: Floats, usual: float) -> Floats:
        if not isinstance(self.prior, CategoricalDistribution):
            return np.full(len(self.study.choices), usual)
        codes, known = self._codes, self._known
        index = np.where(known, codes, 0.0).astype(np.int64)
        return np.where(known, learned[index], usual)


@dataclass(frozen=True)
class _NumberOfChoices:
    """A number of the study that was a category of the prior: the nearest choice of a number."""

    study: Number
    prior: CategoricalDistribution

    @property
    def share(self) -> float:
        return float(bool(len(self._places)))

    @property
    def certain(self) -> bool:
        return True

    @property
    def _places(self) -> NDArray[np.int64]:
        return np.flatnonzero([_is_number(c) for c in self.prior.choices])

    @property
    def _worth(self) -> Floats:
        return np.array([float(self.prior.choices[i]) for i in self._places])

    def forward(self, unit: Floats) -> tuple[Floats, Known]:
        distance = np.abs(_value(self.study, unit) - self._worth)
        raw = self._places[distance.argmin(axis=1)].astype(np.float64)
        return encoding.to_unit(self.prior, raw), np.ones(len(unit), dtype=bool)

    def backward(self, unit: Floats) -> tuple[Floats, Known]:
        worth = np.full(len(self.prior.choices), np.nan)
        worth[self._places] = self._worth
        value = worth[unit.argmax(axis=1)]
        known = ~np.isnan(value)
        place = _place(self.study, np.where(known, value, self.study.low))
        return np.clip(place, 0.0, 1.0)[:, None], known

    def slope(self, unit: Floats) -> Floats | None:
        return None

    def scales(self, learned: Floats, usual: float) -> Floats:
        return np.full(1, usual)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _raw(prior: BaseDistribution, value: object) -> float:
    """The raw form of a value among the prior's, NaN where it has none such."""
    if isinstance(prior, CategoricalDistribution):
        return next((float(i) for i, c in enumerate(prior.choices) if same(c, value)), math.nan)
    return float(value) if _is_number(value) else math.nan  # type: ignore[arg-type]


def _value(distribution: Number, unit: Floats) -> Floats:
    """Unit values -> numbers, on no grid, so that the way back has a derivative."""
    low, high = _scaled_ends(distribution)
    value = low + unit * (high - low)
    result: Floats = np.exp(value) if distribution.log else value
    return result


def _place(distribution: Number, value: Floats) -> Floats:
    """Numbers -> unit values, beyond [0, 1] where they are out of range; 0.5 for a single value."""
    low, high = _scaled_ends(distribution)
    scaled = np.log(np.maximum(value, 1e-300)) if distribution.log else value
    if high == low:
        return np.full(np.shape(scaled), encoding.INACTIVE)
    result: Floats = (scaled - low) / (high - low)
    return result


def _span(distribution: Number) -> float:
    low, high = _scaled_ends(distribution)
    return high - low


def _scaled_ends(distribution: Number) -> tuple[float, float]:
    if distribution.log:
        return math.log(distribution.low), math.log(distribution.high)
    return float(distribution.low), float(distribution.high)
