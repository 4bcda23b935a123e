"""Switches: which parameter of a running study decides whether another one is asked for.

A space that is declared flat, or that flat studies taught, may be searched by an objective with
branches (`if booster == "dart": suggest_float("rate_drop", ...)`). What it does not ask for changes
nothing, so that a search which goes on varying it tries one config again and again. A switch is a
category, or a count, that explains exactly which trials had the parameter: for each of its values
that was tried either all trials had it or none. Values that no trial has tried may ask for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from autometa.space.values import Value

_MOST = 64  # integers with more values are no counts that switch parameters
_Key: TypeAlias = tuple[bool, Any]  # True is not 1


class Switches:
    """What whole trials have had under which value of another parameter; see the module."""

    def __init__(self) -> None:
        self._had: Counter[str] = Counter()
        self._trials: dict[str, Counter[_Key]] = {}
        self._having: dict[tuple[str, str], Counter[_Key]] = {}

    def add(self, params: Mapping[str, Any], parents: Mapping[str, BaseDistribution]) -> None:
        """One more trial.

        Args:
            params: What it asked for.
            parents: What of this may switch the rest, and what that ranged over.
        """
        self._had.update(params.keys())
        for parent, distribution in parents.items():
            if not _may_switch(distribution):
                continue
            key = _key(params[parent])
            self._trials.setdefault(parent, Counter())[key] += 1
            for child in params:
                if child != parent:
                    self._having.setdefault((child, parent), Counter())[key] += 1

    def of(
        self, child: str, parents: Mapping[str, BaseDistribution]
    ) -> tuple[str, tuple[Value, ...]] | None:
        """(switch, values under which the parameter is asked for), None where nothing explains it.

        One that shows both cases is preferred, then a category, then the first.

        Args:
            child: The parameter.
            parents: What may switch it, and what these range over.
        """
        found = []
        for parent, distribution in parents.items():
            values = self._explained(child, parent, distribution)
            if values:
                contrast = (child, parent) in self._having
                is_number = isinstance(distribution, IntDistribution)
                found.append(((not contrast, is_number), (parent, values)))
        return min(found, key=lambda f: f[0])[1] if found else None

    def _explained(
        self, child: str, parent: str, distribution: BaseDistribution
    ) -> tuple[Value, ...]:
        """Values under which the child is or may be asked for; none where that is not so simple."""
        tried = self._trials.get(parent, Counter())
        having = self._having.get((child, parent), Counter())
        off = tried.keys() - having.keys()
        mixed = any(count < tried[key] for key, count in having.items())
        if mixed or not off or having.total() < self._had[child] or not _may_switch(distribution):
            return ()
        if isinstance(distribution, IntDistribution):
            most = max(number for _, number in off)
            apart = all(number > most for _, number in having)
            return tuple(v for v in _values(distribution) if v > most) if apart else ()
        return tuple(v for v in _values(distribution) if _key(v) not in off)


def _may_switch(distribution: BaseDistribution) -> bool:
    if isinstance(distribution, IntDistribution):
        return (distribution.high - distribution.low) // distribution.step < _MOST
    return isinstance(distribution, CategoricalDistribution)


def _values(distribution: BaseDistribution) -> Sequence[Any]:
    if isinstance(distribution, IntDistribution):
        return range(distribution.low, distribution.high + 1, distribution.step)
    assert isinstance(distribution, CategoricalDistribution)
    return distribution.choices


def _key(value: Any) -> _Key:
    return isinstance(value, bool), value
