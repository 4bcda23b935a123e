"""Pool: the only configs that can be tried, for tasks where a list of them exists.

Shapes: k configs of the pool, d unit columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autometa.encoding import Floats
from autometa.errors import SpaceError
from autometa.meta.first_configs import Candidate
from autometa.meta.spaces.study_space import StudySpace
from autometa.space import Config, SearchSpace
from autometa.suggest.tried import Tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A list of configs, plain and encoded.

    Args:
        space: Of the configs.
        configs: In plain values, k of them.
        unit: The same, encoded, (k, d).
    """

    space: SearchSpace
    configs: tuple[Config, ...]
    unit: Floats

    @classmethod
    def of(cls, space: SearchSpace, configs: Sequence[Config]) -> Pool:
        """A pool of configs of a space.

        Raises:
            SpaceError: there is none, or one does not fit the space.
        """
        if not len(configs):
            raise SpaceError(
                "a pool without configs", allowed="one config or more", do="Leave the pool out"
            )
        plain = tuple(map(space.check, configs))
        return cls(space=space, configs=plain, unit=space.encode_raw(space.to_raw(plain)))

    def at(self, unit: Floats) -> Config:
        """The config nearest to a unit config (d,)."""
        return self.configs[int(((self.unit - unit) ** 2).sum(axis=1).argmin())]

    def untried(self, tried: Sequence[Tried]) -> Sequence[Config]:
        """The configs that none of some trials had; all of them where each was had."""
        rest = [c for c in self.configs if not any(other.again(c) for other in tried)]
        return rest or self.configs

    def moved(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Candidates with the nearest config of the pool in the place of their own, each once.

        What a candidate has no value for, as no prior task knows it, counts as in the middle.
        """
        left, moved = np.ones(len(self.configs), dtype=bool), []
        space, whole = self.space, StudySpace(self.space, optional=frozenset(self.space.names))
        for candidate in candidates[: len(left)]:
            unit = whole.project(candidate.config)
            if unit is None:  # of other parameters, or with a choice that the pool has not
                continue
            distance = ((self.unit - unit) ** 2).sum(axis=1)
            row = int(np.where(left, distance, np.inf).argmin())
            left[row] = False
            config = self.configs[row]
            rate = config.get(space.inner_lr) if space.inner_lr else None
            moved.append(
                replace(candidate, config=config, inner_lr=None if rate is None else float(rate))
            )
        return moved
