"""How the parameters of a space hang together: names, conditions, order, `inner_lr`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from optuna.distributions import BaseDistribution, FloatDistribution

from autometa.errors import SpaceError
from autometa.space.values import Value, check_distribution, checked_value, listed

Conditions: TypeAlias = Mapping[str, tuple[str, Sequence[Value]]]


def check_distributions(distributions: Mapping[str, BaseDistribution]) -> None:
    """Refuse an empty space, odd names and distributions whose values do not survive encoding.

    Raises:
        SpaceError: the first of these.
    """
    if not isinstance(distributions, Mapping) or not distributions:
        raise SpaceError(
            f"{'a' if distributions else 'an empty'} space ({distributions!r})",
            allowed="a mapping of at least one name to an Optuna distribution",
        )
    for name, distribution in distributions.items():
        check_distribution(name, distribution)


def checked_conditions(
    distributions: Mapping[str, BaseDistribution], conditions: Conditions
) -> dict[str, tuple[str, tuple[Value, ...]]]:
    """The conditions with the parents' own values, as tuples.

    Raises:
        SpaceError: a condition names no parameter, no value of its parent, or cannot hold.
    """
    checked = {}
    for name, condition in conditions.items():
        try:
            parent, values = condition
            on = tuple(values) if not isinstance(values, str) else None
        except (TypeError, ValueError):
            on = None
        if on is None or not on:
            raise SpaceError(
                f"condition of {name!r} is {condition!r}", allowed="(parent, [values, ...])"
            )
        for needed in (name, parent):
            if needed not in distributions:
                raise SpaceError(
                    f"condition names {needed!r}", allowed=listed(distributions), do="Correct it"
                )
        if name == parent:
            raise SpaceError(f"parameter {name!r} is its own parent", allowed="another parameter")
        switch = distributions[parent]
        if isinstance(switch, FloatDistribution) and switch.step is None:
            raise SpaceError(
                f"parent {parent!r} of {name!r} is continuous: it almost never has a given value",
                allowed="a category, an integer or a stepped float as parent",
            )
        checked[name] = (
            parent,
            tuple(checked_value(parent, distributions[parent], v) for v in on),
        )
    return checked


def parents_first(names: Iterable[str], conditions: Conditions) -> list[str]:
    """The names in their own order, but each after its parent.

    Raises:
        SpaceError: conditions in a circle.
    """
    order: list[str] = []
    waiting = list(names)
    while waiting:
        ready = [n for n in waiting if n not in conditions or conditions[n][0] in order]
        if not ready:
            raise SpaceError(
                f"conditions in a circle among {listed(waiting)}", allowed="a tree of conditions"
            )
        # One at a time keeps the user's own order wherever it already has parents first.
        order.append(ready[0])
        waiting.remove(ready[0])
    return order


def check_inner_lr(name: str | None, distributions: Mapping[str, BaseDistribution]) -> None:
    """Refuse an inner learning rate that is no log-scaled float.

    Raises:
        SpaceError: it is not one.
    """
    if name is None:
        return
    distribution = distributions.get(name)
    if not isinstance(distribution, FloatDistribution) or not distribution.log:
        raise SpaceError(
            f"inner_lr={name!r} is {distribution!r}",
            allowed="the name of a FloatDistribution with log=True",
            do="Learning rates live in log space: declare it so, or leave inner_lr out",
        )
