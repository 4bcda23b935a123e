"""What tells one study from another, and the name that its tasks have in a portfolio."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from autometa.portfolio.merging import free_name
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory

INFERRED = "inferred"  # what a task's info says of its space
UNNAMED = "value"  # the metric of which nobody has said what it measures


def identity_of(task: Task) -> tuple[object, object]:
    """What a study keeps when it goes on, moves to another storage or is renamed here."""
    return task.info.get("study"), task.info.get("started")


def base_name(task: Task) -> str:
    """The name of a task without the number of its objective."""
    return task.name.rpartition("/")[0] if "objective" in task.info else task.name


def named(histories: Iterable[TaskHistory], old: Iterable[Task]) -> list[TaskHistory]:
    """The histories under their study's name: that of its earlier import, else a free one."""
    taken: set[str] = set()
    names: dict[tuple[object, object], str] = {}
    for task in old:
        taken.update((task.name, base_name(task)))
        if "study" in task.info:
            names[identity_of(task)] = base_name(task)
    result = []
    for history in histories:
        task, own = history.task, identity_of(history.task)
        if own not in names:
            names[own] = free_name(
                str(task.info["study"]), lambda n: n not in taken and f"{n}/0" not in taken
            )
        base = names[own]
        name = base + task.name.removeprefix(base_name(task))
        taken.update((name, base))
        result.append(replace(history, task=replace(task, name=name, family=base)))
    return result


def is_named(metric: str) -> bool:
    """Whether somebody has said what a metric measures."""
    return metric.partition("/")[0] not in (UNNAMED, _maximised(UNNAMED))


def metric_names(metric: str, own: Sequence[str], objectives: int) -> list[str]:
    """What a study measures: what is said of it, else what it says itself (`set_metric_names`)."""
    if not is_named(metric) and len({*own} - {""}) == objectives:
        return list(own)
    return [metric] if objectives == 1 else [f"{metric}/{k}" for k in range(objectives)]


def told_apart(histories: Sequence[TaskHistory]) -> list[TaskHistory]:
    """What nobody named is two metrics where some studies of one space minimise and some maximise.

    A metric has one direction; the one that is maximised says so in its name.
    """
    ways: dict[tuple[SearchSpace, str], set[str]] = {}
    for history in histories:
        task = history.task
        ways.setdefault((task.space, task.metric), set()).add(task.direction)
    return [
        replace(h, task=replace(h.task, metric=_maximised(h.task.metric)))
        if h.task.direction == "maximize"
        and h.task.metric.partition("/")[0] == UNNAMED
        and len(ways[h.task.space, h.task.metric]) > 1
        else h
        for h in histories
    ]


def _maximised(metric: str) -> str:
    return f"{metric} (maximize)"
