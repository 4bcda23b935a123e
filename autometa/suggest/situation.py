"""Situation: all that is known when a trial is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from autometa.errors import InputError
from autometa.meta.spaces.study_space import StudySpace
from autometa.space import Config
from autometa.suggest.observations import Observations
from autometa.suggest.tried import Tried
from autometa.task import Direction


@dataclass(frozen=True, kw_only=True)
class Situation:
    """See the module.

    Args:
        number: Of the trial, from 0; together with the seed it decides all that is random.
        space: What the study ranges over, as far as it is known.
        observed: The other trials, finished and pending, in the columns of that space.
        objectives: How many the study has.
        directions: Of them, where it has several.
        each: The other trials by each of them, the same ones in each, where it has several.
        places: Places of the start's list that other trials have.
        yielded: How many further places to leave to others who took the same one at once.
        awaited: How many trials before this one have not said yet what they try.
        tried: What the other trials have, also those that do not fit the space.
        given: Parameters of this trial that the user enqueued.
        held: Parameters of this trial that somebody else decides.

    Raises:
        InputError: a number that is no count.
    """

    number: int
    space: StudySpace
    observed: Observations
    objectives: int = 1
    directions: tuple[Direction, ...] = ()
    each: tuple[Observations, ...] = ()
    places: frozenset[int] = frozenset()
    yielded: int = 0
    awaited: int = 0
    tried: tuple[Tried, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    held: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        counts = {"number": (self.number, 0), "objectives": (self.objectives, 1)}
        counts |= {"yielded": (self.yielded, 0), "awaited": (self.awaited, 0)}
        for name, (count, least) in counts.items():
            if count < least:
                raise InputError(f"{name} = {count}", allowed=f"{least} or more")

    @cached_property
    def searched(self) -> StudySpace:
        """The space in which what is given and held has its one value."""
        return self.space.holding({**self.held, **self.given})

    def had(self, config: Config) -> bool:
        """Whether another trial has tried a config, as this trial would: moved into its ranges."""
        if any(other.again(config) for other in self.tried):
            return True
        unit = self.space.project(config)
        if unit is None:
            return False
        return self.observed.had(self.searched.candidates.repair(unit[None])[0])
