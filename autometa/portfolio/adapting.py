"""Histories of old spaces in a new one, with a report of what that did to them.

An old space is too different to help where less than a third of what its trials would say in the
new space is their own: of all active values of the trials that could be kept, those that were
neither filled in nor clipped; values that the user gave for added parameters do not count. Two of a
space's three parameters may thus be new, but no more, and a range that has moved away altogether
counts as a new parameter. Also too different is a space of which not a single trial can be kept.
Such histories are left out, and the report says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autometa.portfolio.merging import free_name
from autometa.showing import counted
from autometa.space import SearchSpace
from autometa.space.adapting import AdaptedRows, adapt_rows
from autometa.space.changes import ParameterChanges
from autometa.space.rules import Rules
from autometa.task import TaskHistory

LEAST_OWN = 1.0 / 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceReport:
    """What became of the histories of one old space.

    Args:
        space: Name of the old space.
        tasks: Names of its tasks.
        trials: How many trials they had.
        kept: How many could be kept.
        own: Share of the kept trials' values that is their own, see the module.
        parameters: What happened to each parameter.
        dropped: Reason -> number of trials that were dropped for it.
    """

    space: str
    tasks: tuple[str, ...]
    trials: int
    kept: int
    own: float
    parameters: tuple[ParameterChanges, ...]
    dropped: dict[str, int]

    @property
    def too_different(self) -> str:
        """Why these histories cannot help; "" where they can."""
        if not self.kept:
            return f"none of its {self.trials} trials can be kept"
        if self.own < LEAST_OWN:
            return (
                f"only {self.own:.0%} of its values would be its trials' own, the rest filled in "
                f"or clipped; at least {LEAST_OWN:.0%} are needed"
            )
        return ""

    @property
    def exact(self) -> bool:
        """Whether nothing had to be changed."""
        return self.kept == self.trials and all(p.exact for p in self.parameters)

    def __str__(self) -> str:
        head = f"{self.space or 'unnamed space'} ({counted(len(self.tasks), 'task')})"
        head += f": {self.kept} of {self.trials} trials"
        verdict = self.too_different
        if verdict:
            head += f"; too different to help: {verdict}"
        return "\n".join([head, *(f"  {p}" for p in self.parameters)])

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "space": self.space,
            "tasks": list(self.tasks),
            "trials": self.trials,
            "kept": self.kept,
            "own": round(self.own, 4),
            "too_different": self.too_different,
            "dropped": dict(self.dropped),
            "parameters": [p.to_json() for p in self.parameters],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptReport:
    """What became of histories in a new space, one part an old space; `print` shows it."""

    spaces: tuple[SpaceReport, ...] = ()

    @property
    def helps(self) -> bool:
        """Whether any history could be adapted."""
        return any(not s.too_different for s in self.spaces)

    def __str__(self) -> str:
        return "\n".join(map(str, self.spaces)) or "nothing to adapt"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"helps": self.helps, "spaces": [s.to_json() for s in self.spaces]}


def report_of(space: str, tasks: Sequence[str], rows: AdaptedRows) -> SpaceReport:
    """The report of adapted trials."""
    keep = rows.keep
    reasons = [reason for reason in rows.lost if reason]
    return SpaceReport(
        space=space,
        tasks=tuple(tasks),
        trials=len(keep),
        kept=int(keep.sum()),
        own=float(rows.own[keep].sum() / max(rows.asked[keep].sum(), 1)),
        parameters=rows.parameters,
        dropped={reason: reasons.count(reason) for reason in dict.fromkeys(reasons)},
    )


def adapt_histories(
    histories: Sequence[TaskHistory], space: SearchSpace, rules: Rules
) -> tuple[list[TaskHistory], AdaptReport]:
    """The histories that a new space can use, in their order, and the report.

    Raises:
        SpaceError: a rule does not apply, or two parameters of an old space become one.
    """
    olds = list(dict.fromkeys(h.task.space for h in histories))
    rules.check(space, (name for old in olds for name in old.names))
    found: dict[int, TaskHistory] = {}
    reports = []
    for old in olds:
        group = [i for i, h in enumerate(histories) if h.task.space == old]
        rows = adapt_rows(
            old.distributions, space, np.concatenate([histories[i].raw for i in group]), rules
        )
        report = report_of(old.name, [histories[i].task.name for i in group], rows)
        reports.append(report)
        if report.too_different:
            continue
        ends = np.cumsum([len(histories[i]) for i in group])
        for i, end in zip(group, ends, strict=True):
            part = slice(end - len(histories[i]), end)
            if rows.keep[part].any():
                found[i] = moved(histories[i], space, rows.raw[part], rows.keep[part])
    return named_apart([found[i] for i in sorted(found)]), AdaptReport(spaces=tuple(reports))


def moved(
    history: TaskHistory, space: SearchSpace, raw: np.ndarray[Any, Any], keep: Any
) -> TaskHistory:
    """The kept trials of a history with their configs in another space."""
    kept = history.take(keep)
    return replace(kept, task=replace(history.task, space=space), raw=raw[keep])


def named_apart(histories: Sequence[TaskHistory]) -> list[TaskHistory]:
    """Tasks of several spaces may share a name; in one space they may not."""
    taken: set[str] = set()
    result = []
    for history in histories:
        name = free_name(history.task.name, lambda n: n not in taken)
        taken.add(name)
        if name != history.task.name:
            history = replace(history, task=replace(history.task, name=name))
        result.append(history)
    return result
