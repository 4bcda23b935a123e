"""What space trials came from, seen in their distributions and in which parameters they have.

The rules, in order:

1. A parameter's distribution is the narrowest that holds all of its trials' distributions.
2. A parameter that every COMPLETE trial has is active always. (Others may have ended early.)
3. One that some lack is conditional on the parameter that explains this exactly: for each value of
   the parent either all trials have it or none. Parents are categories, or integers of which it
   needs at least so many (`for i in range(n_layers)`), that come earlier or are active always.
   A parent that shows both cases is preferred, then a category, then the first one. Categories
   that no trial tried are taken as inactive.
4. One that nothing explains is left out of the space, and reported; its trials stay.
5. Studies with the same parameters (kinds, scales, steps, categories) share a space with the widest
   ranges. Conditions are then read from all their trials together; where that explains less than
   each study alone did, only studies with the same conditions share.

Shapes: n trials, p parameters; raw (n, p) as in `space`, NaN where a trial has no such parameter.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.encoding import Floats
from autometa.errors import SpaceError
from autometa.space import SearchSpace, Value, same
from autometa.space.values import fits, plain_value, read_distribution
from autometa.task import TaskHistory

MAX_COUNT = 64  # integers with more values are no counts that switch parameters
_Conditions = dict[str, tuple[str, list[Value]]]


def union(name: str, distributions: Iterable[BaseDistribution]) -> BaseDistribution:
    """The narrowest distribution that holds all of one parameter's distributions.

    Raises:
        SpaceError: they are of different kinds or scales.
    """
    known = list(dict.fromkeys(distributions))
    first = known[0]
    if isinstance(first, CategoricalDistribution):
        rest = [d for d in known if isinstance(d, CategoricalDistribution)]
        if len(rest) == len(known):
            choices: list[Value] = []
            for choice in (c for d in rest for c in d.choices):
                if not any(same(choice, c) for c in choices):
                    choices.append(choice)
            return first if len(known) == 1 else CategoricalDistribution(choices)
    for kind in (FloatDistribution, IntDistribution):
        numeric = [d for d in known if isinstance(d, kind)]
        if len(numeric) == len(known) and len({d.log for d in numeric}) == 1:
            return _wide(kind.__name__, numeric)
    raise SpaceError(
        f"parameter {name!r} is {known[0]!r} in one trial and {known[1]!r} in another"
        if len(known) > 1
        else f"parameter {name!r} has {first!r}",
        allowed="one kind and one scale for a parameter",
    )


def _wide(kind: str, known: Sequence[FloatDistribution | IntDistribution]) -> BaseDistribution:
    """The range over all, on their common grid where they have one (old classes become new)."""
    low, high = min(d.low for d in known), max(d.high for d in known)
    step = known[0].step if len({_grid(d) for d in known}) == 1 else None
    if step is None and kind == "IntDistribution":
        step = 1
    attributes = {"low": low, "high": high, "log": known[0].log, "step": step}
    return read_distribution({"name": kind, "attributes": attributes})


def _grid(distribution: FloatDistribution | IntDistribution) -> tuple[float, float] | None:
    """(step, offset) of the values a distribution allows; None where it is continuous."""
    step = distribution.step
    return None if step is None else (step, round(distribution.low / step, 6) % 1)


def infer(
    distributions: Mapping[str, BaseDistribution], raw: Floats
) -> tuple[_Conditions, list[str]]:
    """(conditions, parameters that nothing explains), from the COMPLETE trials (n, p)."""
    present = ~np.isnan(raw)
    always = np.asarray(present.all(axis=0))
    names = list(distributions)
    conditions: _Conditions = {}
    left_out: list[str] = []
    for j, name in enumerate(names):
        if always[j]:
            continue
        found = []
        for k, parent in enumerate(names):
            # Earlier or always active: so that no circle of conditions can come out.
            if k == j or not (always[k] or k < j) or parent in left_out:
                continue
            switch = distributions[parent]
            explained = _explained(switch, raw[:, k], present[:, j])
            if explained is not None:
                values, contrast = explained
                is_number = not isinstance(switch, CategoricalDistribution)
                found.append(((not contrast, is_number, k), parent, values))
        if found:
            _, parent, values = min(found, key=lambda f: f[0])
            conditions[name] = (parent, values)
        else:
            left_out.append(name)
    return conditions, left_out


def _explained(
    switch: BaseDistribution, column: Floats, child: NDArray[np.bool_]
) -> tuple[list[Value], bool] | None:
    """(values of the switch under which the child is active, whether some are not), if exact."""
    has = ~np.isnan(column)
    if not child.any() or (child & ~has).any():
        return None
    on, off = np.unique(column[child]), np.unique(column[has & ~child])
    if isinstance(switch, CategoricalDistribution):
        if np.isin(on, off).any():
            return None
        codes = on if len(off) else np.arange(len(switch.choices))
    elif isinstance(switch, IntDistribution):
        if (switch.high - switch.low) // switch.step >= MAX_COUNT:
            return None
        if len(off) and off.max() >= on.min():
            return None
        grid = np.arange(switch.low, switch.high + 1, switch.step, dtype=np.float64)
        codes = grid[grid >= on.min()] if len(off) else grid
    else:
        return None
    return [plain_value(switch, float(c)) for c in codes], bool(len(off))


def fitting(space: SearchSpace, raw: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Rows (n,) that have exactly the active parameters, and rows with all values in range."""
    present = ~np.isnan(raw)
    whole = (present == space.active_raw(raw)).all(axis=1)
    inside = np.ones(len(raw), dtype=bool)
    for j, distribution in enumerate(space.distributions.values()):
        inside &= ~present[:, j] | fits(distribution, raw[:, j])
    return whole, inside


# Sharing -----------------------------------------------------------------------------------------


def shared(histories: Sequence[TaskHistory]) -> list[TaskHistory]:
    """The same histories in the same order; those of alike spaces have one common space."""
    result = list(histories)
    groups: dict[object, list[int]] = defaultdict(list)
    for i, history in enumerate(histories):
        groups[_alike(history.task.space)].append(i)
    for group in groups.values():
        joined = _joined([histories[i] for i in group])
        if joined is not None:
            for i, history in zip(group, joined, strict=True):
                result[i] = history
            continue
        parts: dict[str, list[int]] = defaultdict(list)
        for i in group:
            parts[_switches(histories[i].task.space)].append(i)
        for part in parts.values():
            for i, history in zip(part, _joined([histories[i] for i in part]) or (), strict=False):
                result[i] = history
    return result


def _joined(histories: list[TaskHistory]) -> list[TaskHistory] | None:
    """The histories in one space, or None where no conditions explain all their trials."""
    first = histories[0].task.space
    if all(h.task.space == first for h in histories):
        return histories
    distributions = {
        name: union(name, (h.task.space.distributions[name] for h in histories))
        for name in first.names
    }
    raws = [_moved(h, distributions) for h in histories]
    complete = np.concatenate([r[h.complete] for r, h in zip(raws, histories, strict=True)])
    conditions, left_out = infer(distributions, complete)
    if left_out:
        return None
    space = SearchSpace(
        distributions, conditions=conditions, inner_lr=first.inner_lr, name=first.name
    )
    order = [first.names.index(n) for n in space.names]
    raws = [r[:, order] for r in raws]
    if not all(np.logical_and(*fitting(space, r)).all() for r in raws):
        return None
    return [
        replace(h, task=replace(h.task, space=space), raw=r)
        for h, r in zip(histories, raws, strict=True)
    ]


def _moved(history: TaskHistory, distributions: Mapping[str, BaseDistribution]) -> Floats:
    """The raw rows (n, p) with the columns, and the codes of categories, of other distributions."""
    own = history.task.space
    raw = np.empty((len(history), len(distributions)))
    for j, (name, new) in enumerate(distributions.items()):
        column, old = history.raw[:, own.names.index(name)], own.distributions[name]
        if isinstance(old, CategoricalDistribution) and old != new:
            assert isinstance(new, CategoricalDistribution)
            codes = [next(i for i, c in enumerate(new.choices) if same(c, o)) for o in old.choices]
            column = np.array([*codes, np.nan])[np.where(np.isnan(column), -1, column).astype(int)]
        raw[:, j] = column
    return raw


def _alike(space: SearchSpace) -> object:
    """Equal for spaces that differ in ranges, order, conditions and name only."""
    kinds = frozenset((n, _kind(d)) for n, d in space.distributions.items())
    return kinds, space.inner_lr


def _kind(distribution: BaseDistribution) -> tuple[Any, ...]:
    if isinstance(distribution, CategoricalDistribution):
        return ("category", frozenset(json.dumps(c) for c in distribution.choices))
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return (isinstance(distribution, IntDistribution), distribution.log, _grid(distribution))


def _switches(space: SearchSpace) -> str:
    """Equal for spaces with the same conditions, whatever the upper ends of their counts."""
    found = {}
    for name, (parent, on) in space.conditions.items():
        is_count = isinstance(space.distributions[parent], IntDistribution)
        found[name] = [parent, on[0] if is_count else sorted(json.dumps(v) for v in on)]
    return json.dumps(found, sort_keys=True)
