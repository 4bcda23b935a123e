"""Candidates: unit configs worth scoring, all of them valid encodings of configs.

Optima of real children sit on bounds and in corners (one layer, no dropout, the largest width),
which uniform draws never touch; so candidates also set coordinates to their bounds outright.

Where only a part of the space may be tried (`Part`), candidates lie in it and the encoding stays
that of the whole: trials outside of the part keep their place.

Shapes: n candidates, d unit columns, q numbers that vary. Everything is vectorised over rows,
because one suggestion makes several hundred candidates a few times over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa import encoding
from autometa.encoding import Floats, Number
from autometa.space import SearchSpace, Value, raw_value


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a space that candidates are in.

    Args:
        numbers: Narrower ranges of numbers, by name; the range of a single value holds it fixed.
        choices: Categories that are held fixed -> the index of the choice.
    """

    numbers: Mapping[str, Number] = field(default_factory=dict)
    choices: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidates:
    """Makes and repairs unit configs of one space, or of a part of it."""

    space: SearchSpace
    part: Part = field(default_factory=Part)

    def random(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw uniformly, each parameter on its own scale, (n, d)."""
        points = rng.random((n, len(self.space.names)))
        if not self.restricted:
            return self.space.encode_raw(self.space.place_raw(points))
        raw = np.empty(points.shape)
        for j, name in enumerate(self.space.names):
            raw[:, j] = encoding.sample(self._allowed(name), points[:, j])
            if name in self.part.choices:
                raw[:, j] = self.part.choices[name]
        raw[~self.space.active_raw(raw)] = np.nan
        return self.space.encode_raw(raw)

    def touch_bounds(self, unit: Floats, rng: np.random.Generator, rate: float) -> Floats:
        """Set each number to its lower or upper bound with probability `rate`; (n, d).

        Parameters that this switches on get random values.
        """
        numbers = self._numbers
        moved = self._drawn(unit, rng)
        hit = rng.random((len(unit), len(numbers))) < rate
        upper = rng.random(hit.shape) < 0.5
        bound = np.where(upper, self.upper[numbers], self.lower[numbers])
        moved[:, numbers] = np.where(hit, bound, moved[:, numbers])
        return self.repair(moved)

    def perturb(
        self, unit: Floats, rng: np.random.Generator, *, scale: float, bounds: float
    ) -> Floats:
        """Move about two coordinates of each row a little; (n, d).

        Args:
            unit: Starting points, (n, d).
            rng: Source of the moves.
            scale: Standard deviation of a number's move, as a share of its range.
            bounds: Probability that a number jumps to one of its bounds instead.
        """
        rows, numbers = len(unit), self._numbers
        moved = unit.copy()
        rate = max(0.3, 2.0 / len(self.space.names))
        low, high = self.lower[numbers], self.upper[numbers]
        step = scale * (high - low) * rng.standard_normal((rows, len(numbers)))
        step *= rng.random(step.shape) < rate
        moved[:, numbers] = np.clip(moved[:, numbers] + step, low, high)
        for columns in self._categories:
            change = np.flatnonzero(rng.random(rows) < 0.4 * rate)
            choice = rng.integers(columns.stop - columns.start, size=len(change))
            moved[change, columns] = 0.0
            moved[change, columns.start + choice] = 1.0
        return self.touch_bounds(moved, rng, bounds)

    @property
    def restricted(self) -> bool:
        """Whether candidates lie in a part of the space only."""
        return bool(self.part.numbers or self.part.choices)

    def _drawn(self, unit: Floats, rng: np.random.Generator) -> Floats:
        """The rows with random values in the place of inactive parameters, (n, d).

        Repairing takes them away again where a parameter stays inactive. Without them, one that is
        switched on would always begin with its first choice or in the middle of its range.
        """
        drawn = unit.copy()
        for name, flag in self.space.flags.items():
            off = np.flatnonzero(unit[:, flag] < 0.5)
            distribution = self.space.distributions[name]
            raw = encoding.sample(self._allowed(name), rng.random(len(off)))
            drawn[off, self.space.slices[name]] = encoding.to_unit(distribution, raw)
        return drawn

    def _allowed(self, name: str) -> BaseDistribution:
        return self.part.numbers.get(name, self.space.distributions[name])

    def repair(self, unit: Floats) -> Floats:
        """The nearest valid encodings: integers and steps on their grids, flags true; (n, d)."""
        fixed = unit.copy()
        for column, distribution, allowed in self._grids:
            raw = encoding.from_unit(distribution, fixed[:, column : column + 1])
            fixed[:, column] = encoding.to_unit(distribution, encoding.snap(allowed, raw))[:, 0]
        for name, choice in self.part.choices.items():
            fixed[:, self.space.slices[name]] = 0.0
            fixed[:, self.space.slices[name].start + choice] = 1.0
        return self.settle(fixed)

    def settle(self, unit: Floats) -> Floats:
        """Categories made one choice, flags true, inactive parameters where they rest; (n, d)."""
        fixed = unit.copy()
        for columns in self._categories:
            best = fixed[:, columns].argmax(axis=1)
            fixed[:, columns] = 0.0
            fixed[np.arange(len(fixed)), columns.start + best] = 1.0
        active: dict[str, NDArray[np.bool_]] = {}
        for name, flag in self.space.flags.items():
            parent, on = self.space.conditions[name]
            chosen = self._chosen(fixed, parent, on) & active.get(parent, np.True_)
            active[name] = chosen
            own = self.space.slices[name]
            rest = (
                0.0
                if isinstance(self.space.distributions[name], CategoricalDistribution)
                else encoding.INACTIVE
            )
            fixed[~chosen, own] = rest
            fixed[:, flag] = chosen
        return fixed

    def free(self, unit: Floats) -> NDArray[np.bool_]:
        """Which columns are numbers that are active, (n, d): those that may move on their own."""
        free = np.zeros(unit.shape, dtype=bool)
        free[:, self._numbers] = True
        for name, flag in self.space.flags.items():
            free[:, self.space.slices[name]] &= unit[:, flag : flag + 1] > 0.5
        return free

    def _chosen(self, unit: Floats, parent: str, on: Sequence[Value]) -> NDArray[np.bool_]:
        """Rows in which the parent has one of these values, (n,)."""
        distribution = self.space.distributions[parent]
        raw = encoding.from_unit(distribution, unit[:, self.space.slices[parent]])
        return np.isin(raw, [raw_value(distribution, value) for value in on])

    @cached_property
    def lower(self) -> Floats:
        """Lower bounds of the unit columns, (d,)."""
        return self._bounds(0)

    @cached_property
    def upper(self) -> Floats:
        """Upper bounds of the unit columns, (d,)."""
        return self._bounds(1)

    def _bounds(self, side: int) -> Floats:
        bounds = np.full(self.space.dim, float(side))
        for name, allowed in self.part.numbers.items():
            ends = np.array([allowed.low, allowed.high], dtype=np.float64)
            place = encoding.to_unit(self.space.distributions[name], ends)[side]
            bounds[self.space.slices[name]] = place
        return bounds

    @cached_property
    def _numbers(self) -> NDArray[np.int64]:
        """Columns of the numbers that vary, (q,)."""
        return np.array(
            [
                self.space.slices[n].start
                for n, d in self.space.distributions.items()
                if not isinstance(d, CategoricalDistribution) and not self._allowed(n).single()
            ],
            dtype=np.int64,
        )

    @cached_property
    def _categories(self) -> tuple[slice, ...]:
        return tuple(
            self.space.slices[n]
            for n, d in self.space.distributions.items()
            if isinstance(d, CategoricalDistribution)
        )

    @cached_property
    def _grids(self) -> tuple[tuple[int, Number, Number], ...]:
        """Column, distribution and what is allowed of it, where not every unit value is."""
        return tuple(
            (self.space.slices[n].start, d, self.part.numbers.get(n, d))
            for n, d in self.space.distributions.items()
            if isinstance(d, FloatDistribution | IntDistribution)
            and (d.step is not None or n in self.part.numbers)
        )
