"""Candidates: unit configs worth scoring, all of them valid encodings of configs.

Optima of real children sit on bounds and in corners (one layer, no dropout, the largest width),
which uniform draws never touch; so candidates also set coordinates to their bounds outright.

Shapes: n candidates, d unit columns. Everything is vectorised over rows, because one suggestion
makes several hundred candidates a few times over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa import encoding
from autometa.encoding import Floats
from autometa.space import SearchSpace, Value, raw_value


@dataclass(frozen=True)
class Candidates:
    """Makes and repairs unit configs of one space."""

    space: SearchSpace

    def random(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw uniformly, each parameter on its own scale, (n, d)."""
        return self.space.encode_raw(self.space.sample_raw(n, rng))

    def touch_bounds(self, unit: Floats, rng: np.random.Generator, rate: float) -> Floats:
        """Set each number to its lower or upper bound with probability `rate`; (n, d)."""
        numbers = self._numbers
        moved = unit.copy()
        hit = rng.random((len(unit), len(numbers))) < rate
        bound = (rng.random(hit.shape) < 0.5).astype(np.float64)
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
        step = scale * rng.standard_normal((rows, len(numbers)))
        step *= rng.random(step.shape) < rate
        moved[:, numbers] = np.clip(moved[:, numbers] + step, 0.0, 1.0)
        for columns in self._categories:
            change = np.flatnonzero(rng.random(rows) < 0.4 * rate)
            choice = rng.integers(columns.stop - columns.start, size=len(change))
            moved[change, columns] = 0.0
            moved[change, columns.start + choice] = 1.0
        return self.touch_bounds(moved, rng, bounds)

    def repair(self, unit: Floats) -> Floats:
        """The nearest valid encodings: integers and steps on their grids, flags true; (n, d)."""
        fixed = unit.copy()
        for column, distribution in self._grids:
            raw = encoding.from_unit(distribution, fixed[:, column : column + 1])
            fixed[:, column] = encoding.to_unit(distribution, raw)[:, 0]
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
    def _numbers(self) -> NDArray[np.int64]:
        return np.array(
            [
                self.space.slices[n].start
                for n, d in self.space.distributions.items()
                if not isinstance(d, CategoricalDistribution) and not d.single()
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
    def _grids(self) -> tuple[tuple[int, IntDistribution | FloatDistribution], ...]:
        return tuple(
            (self.space.slices[n].start, d)
            for n, d in self.space.distributions.items()
            if isinstance(d, IntDistribution)
            or (isinstance(d, FloatDistribution) and d.step is not None)
        )
