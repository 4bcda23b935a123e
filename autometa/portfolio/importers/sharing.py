"""Which imported studies share a space, and which space that is.

1. Studies with the same parameters (kinds, scales, steps; categories that have a choice in common)
   share a space with the widest ranges and all choices. Conditions are then read from all their
   trials together; where that explains less than each study alone did, only studies with the same
   conditions share.
2. A small study of a conditional objective may not have seen all branches. So spaces of which some
   have parameters that others lack are joined too, where conditions explain all their trials
   exactly; the one with most parameters first takes in what it can.

Shapes: n trials, p parameters; raw (n, p) as in `space`, NaN where a trial has no such parameter.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.encoding import Floats
from autometa.errors import SpaceError
from autometa.portfolio.importers.inferring import fitting, grid_of, infer, name_of, union
from autometa.space import SearchSpace
from autometa.space.choices import place_of, spelling
from autometa.task import TaskHistory

MOST_SPACES = 64  # beyond so many different ones, spaces with other parameters stay apart
_Group: TypeAlias = list[int]  # places of histories


def shared(histories: Sequence[TaskHistory]) -> list[TaskHistory]:
    """The same histories in the same order; those of alike spaces have one common space."""
    result = list(histories)

    def join(group: _Group) -> bool:
        joined = _joined([result[i] for i in group])
        for i, history in zip(group, joined or (), strict=False):
            result[i] = history
        return joined is not None

    def space_of(group: _Group) -> SearchSpace:
        return result[group[0]].task.space

    for alike in _connected(_of_one_space(result, range(len(result))), space_of, _same_names):
        if not join(alike):
            parts: dict[str, _Group] = defaultdict(list)
            for i in alike:
                parts[_switches(result[i].task.space)].append(i)
            for part in parts.values():
                join(part)
    groups = _of_one_space(result, range(len(result)))
    if 1 < len(groups) <= MOST_SPACES:
        for alike in _connected(groups, space_of, _some_names):
            parts_of = _of_one_space(result, alike)
            if len(parts_of) > 1 and not join(alike):
                _take_in(parts_of, space_of, join)
    return result


def _take_in(
    groups: list[_Group],
    space_of: Callable[[_Group], SearchSpace],
    join: Callable[[_Group], bool],
) -> None:
    """Join what can be joined, from the space with most parameters on."""
    waiting = sorted(groups, key=lambda g: -len(space_of(g).names))
    while waiting:
        first, *waiting = waiting
        left = []
        for group in waiting:
            if _some_names(space_of(first), space_of(group)) and join([*first, *group]):
                first = [*first, *group]
            else:
                left.append(group)
        waiting = left


def _of_one_space(histories: Sequence[TaskHistory], places: Iterable[int]) -> list[_Group]:
    groups: dict[SearchSpace, _Group] = {}
    for i in places:
        groups.setdefault(histories[i].task.space, []).append(i)
    return list(groups.values())


def _connected(
    groups: list[_Group],
    space_of: Callable[[_Group], SearchSpace],
    related: Callable[[SearchSpace, SearchSpace], bool],
) -> list[_Group]:
    """Groups put together where a chain of related spaces connects them."""
    head = list(range(len(groups)))

    def find(i: int) -> int:
        while head[i] != i:
            i = head[i]
        return i

    spaces = [space_of(g) for g in groups]
    for i, j in combinations(range(len(groups)), 2):
        if find(i) != find(j) and related(spaces[i], spaces[j]):
            head[max(find(i), find(j))] = min(find(i), find(j))
    found: dict[int, _Group] = defaultdict(list)
    for i, group in enumerate(groups):
        found[find(i)] += group
    return list(found.values())


# Which spaces may be one --------------------------------------------------------------------------


def _same_names(a: SearchSpace, b: SearchSpace) -> bool:
    return a.distributions.keys() == b.distributions.keys() and _agree(a, b)


def _some_names(a: SearchSpace, b: SearchSpace) -> bool:
    return bool(a.distributions.keys() & b.distributions.keys()) and _agree(a, b)


def _agree(a: SearchSpace, b: SearchSpace) -> bool:
    """Whether what two spaces say of their common parameters goes together."""
    if a.inner_lr is not None and b.inner_lr is not None and a.inner_lr != b.inner_lr:
        return False
    return all(_alike(d, b.distributions[n]) for n, d in a.distributions.items() if n in b.names)


def _alike(a: BaseDistribution, b: BaseDistribution) -> bool:
    if isinstance(a, CategoricalDistribution) and isinstance(b, CategoricalDistribution):
        return bool({spelling(c) for c in a.choices} & {spelling(c) for c in b.choices})
    return _kind(a) == _kind(b)


def _kind(distribution: BaseDistribution) -> tuple[Any, ...]:
    if not isinstance(distribution, FloatDistribution | IntDistribution):
        return ()
    return (isinstance(distribution, IntDistribution), distribution.log, grid_of(distribution))


def _switches(space: SearchSpace) -> str:
    """Equal for spaces with the same conditions, whatever the upper ends of their counts."""
    found = {}
    for name, (parent, on) in space.conditions.items():
        is_count = isinstance(space.distributions[parent], IntDistribution)
        found[name] = [parent, on[0] if is_count else sorted(json.dumps(v) for v in on)]
    return json.dumps(found, sort_keys=True)


# One space ----------------------------------------------------------------------------------------


def _joined(histories: list[TaskHistory]) -> list[TaskHistory] | None:
    """The histories in one space, or None where no conditions explain all their trials."""
    spaces = list(dict.fromkeys(h.task.space for h in histories))
    if len(spaces) == 1:
        return histories
    try:
        distributions = {
            name: union(name, (s.distributions[name] for s in spaces if name in s.distributions))
            for name in dict.fromkeys(n for s in spaces for n in s.names)
        }
        raws = [_moved(h, distributions) for h in histories]
    except SpaceError:
        return None
    complete = np.concatenate([r[h.complete] for r, h in zip(raws, histories, strict=True)])
    conditions, left_out = infer(distributions, complete)
    if left_out:
        return None
    names = {s.name for s in spaces}
    try:
        space = SearchSpace(
            distributions,
            conditions=conditions,
            inner_lr=next((s.inner_lr for s in spaces if s.inner_lr is not None), None),
            name=spaces[0].name if len(names) == 1 else name_of(distributions),
        )
    except SpaceError:
        return None
    order = [[*distributions].index(n) for n in space.names]
    raws = [r[:, order] for r in raws]
    if not all(np.logical_and(*fitting(space, r)).all() for r in raws):
        return None
    return [
        replace(h, task=replace(h.task, space=space), raw=r)
        for h, r in zip(histories, raws, strict=True)
    ]


def _moved(history: TaskHistory, distributions: Mapping[str, BaseDistribution]) -> Floats:
    """The raw rows (n, p) with the columns, and the codes of categories, of other distributions.

    Raises:
        SpaceError: a choice is none of the other distribution's.
    """
    own = history.task.space
    raw = np.full((len(history), len(distributions)), np.nan)
    for j, (name, new) in enumerate(distributions.items()):
        if name not in own.distributions:
            continue
        column, old = history.raw[:, own.names.index(name)], own.distributions[name]
        if isinstance(old, CategoricalDistribution) and old != new:
            assert isinstance(new, CategoricalDistribution)
            codes = [place_of(new.choices, c) for c in old.choices]
            if None in codes:
                raise SpaceError(f"parameter {name!r} has choices that are spelled alike")
            known = np.array([*codes, np.nan], dtype=np.float64)
            column = known[np.where(np.isnan(column), -1, column).astype(int)]
        raw[:, j] = column
    return raw
