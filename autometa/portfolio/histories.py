"""Histories that go together: what is true of every portfolio, whatever it was made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Any, Self

from autometa.errors import PortfolioError
from autometa.portfolio.diff import Key
from autometa.showing import card, counted, few, html_card
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory

_SPACES = 6  # that are shown


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Histories:
    """Histories of tasks, of one space or of several; importers and the store make these.

    Args:
        histories: Any number, also none; a task's name is unique among the tasks of its space.
        provenance: Where it comes from: versions, seeds, command, wall time, ...; JSON-able.
        licence: Terms of the data, as an SPDX expression where there is one.

    Raises:
        PortfolioError: a task comes twice, or one metric of a space is both maximised and
            minimised.
    """

    histories: tuple[TaskHistory, ...] = ()
    _: KW_ONLY
    provenance: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""

    def __init__(
        self,
        histories: Iterable[TaskHistory] = (),
        *,
        provenance: Mapping[str, Any] | None = None,
        licence: str = "",
    ) -> None:
        object.__setattr__(self, "histories", tuple(histories))
        object.__setattr__(self, "provenance", dict(provenance or {}))
        object.__setattr__(self, "licence", licence)
        self._check()

    def _check(self) -> None:
        directions: dict[tuple[SearchSpace, str], Task] = {}
        seen: set[Key] = set()
        for history in self.histories:
            if not isinstance(history, TaskHistory):
                raise PortfolioError(
                    f"a {type(history).__name__} in a portfolio", allowed="TaskHistory"
                )
            task = history.task
            if (task.space, task.name) in seen:
                raise PortfolioError(
                    f"task {task.name!r} of space {task.space.name!r} comes twice",
                    allowed="one history a task",
                    do="Rename one, or join them with Portfolio.merge",
                )
            seen.add((task.space, task.name))
            first = directions.setdefault((task.space, task.metric), task)
            if first.direction != task.direction:
                raise PortfolioError(
                    f"metric {task.metric!r} has mixed directions: {first.name!r} wants to "
                    f"{first.direction}, {task.name!r} to {task.direction}",
                    allowed="one direction for a metric",
                    do="Correct the direction, or name the metrics differently",
                )

    def __len__(self) -> int:
        return len(self.histories)

    def __repr__(self) -> str:
        return card(*self._summary)

    def _repr_html_(self) -> str:
        return html_card(*self._summary)

    @property
    def _summary(self) -> tuple[str, dict[str, str]]:
        trials = sum(map(len, self.histories))
        spaces = [f"{s.name or 'unnamed'} ({few(s.names, 6)})" for s in self.spaces[:_SPACES]]
        more = len(self.spaces) - len(spaces)
        facts = {
            "tasks": few(t.name for t in self.tasks),
            **{f"space {i}": text for i, text in enumerate(spaces, 1)},
            "further": counted(more, "space") if more else "",
            "metrics": few(dict.fromkeys(f"{t.metric} ({t.direction})" for t in self.tasks)),
            "licence": self.licence,
        }
        return (
            f"{type(self).__name__}: {counted(len(self), 'task')}, {counted(trials, 'trial')}",
            facts,
        )

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """Tasks in the order of the histories."""
        return tuple(h.task for h in self.histories)

    @cached_property
    def spaces(self) -> tuple[SearchSpace, ...]:
        """Distinct spaces in order of first use."""
        return tuple(dict.fromkeys(t.space for t in self.tasks))

    @property
    def space(self) -> SearchSpace:
        """The only space.

        Raises:
            PortfolioError: there is none, or more than one.
        """
        if len(self.spaces) != 1:
            names = ", ".join(repr(s.name) for s in self.spaces) or "none"
            raise PortfolioError(
                f"a portfolio with {len(self.spaces)} spaces ({names})",
                allowed="exactly one space here",
                do="Choose one with portfolio.select(space)",
            )
        return self.spaces[0]

    @cached_property
    def by_key(self) -> Mapping[Key, TaskHistory]:
        """(space, task name) -> history."""
        return {(h.task.space, h.task.name): h for h in self.histories}

    @classmethod
    def _of(cls, found: Histories) -> Self:
        """The same histories as an object of this class."""
        return cls(found.histories, provenance=found.provenance, licence=found.licence)
