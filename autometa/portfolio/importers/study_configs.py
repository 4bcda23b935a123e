"""The configs of a study's trials: their distributions, and raw rows in a space.

A choice is known by what `choices` says of it, so that any object may be one; a parameter that no
space can hold is left out with its reason, and its study stays.

Shapes: n trials, p parameters.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial

from autometa.encoding import Floats
from autometa.errors import SpaceError
from autometa.portfolio.importers.inferring import fitting, kind_of, most_alike, union
from autometa.space import SearchSpace, Value
from autometa.space.choices import place_of, plain_distribution
from autometa.space.plain import plain_choice
from autometa.space.values import check_distribution


def distributions_of(
    study: str, names: Sequence[str], trials: Sequence[FrozenTrial]
) -> tuple[dict[str, BaseDistribution], dict[str, str]]:
    """(the narrowest distribution of each parameter that holds its trials', those left out -> why).

    Raises:
        SpaceError: no space can hold any of them.
    """
    plain = _Plain()
    found: dict[str, BaseDistribution] = {}
    errors: dict[str, SpaceError] = {}
    for name in names:
        given = [d for t in trials if (d := t.distributions.get(name)) is not None]
        try:
            changes = [*_changes(given, plain)]
            one_kind = len(set(map(kind_of, changes))) == 1
            joined = union(name, changes if one_kind else most_alike(map(plain, given)))
            check_distribution(name, joined)
        except SpaceError as error:
            errors[name] = error
        else:
            found[name] = joined
    if not found:
        name, first = next(iter(errors.items()))
        raise SpaceError(
            f"study {study!r} has no parameter that a space can hold; {name!r}: {first.given}",
            allowed=first.allowed,
            do=first.do,
        )
    return found, {name: error.given for name, error in errors.items()}


def _changes(given: Iterable[BaseDistribution], plain: _Plain) -> Iterator[BaseDistribution]:
    """Those that differ from the one before: most studies have one in all trials.

    They are looked at for each trial that is fed back, and numbers are compared much more quickly
    by their attributes than by what Optuna has for it.
    """
    last: BaseDistribution | None = None
    for distribution in given:
        if type(distribution) in (FloatDistribution, IntDistribution):
            if type(last) is type(distribution) and vars(last) == vars(distribution):
                continue
            last = distribution
        else:
            known = plain(distribution)
            if known == last:
                continue
            last = known
        yield last


class _Plain:
    """Distributions with plain choices; one object that many trials share is looked at once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[BaseDistribution, BaseDistribution]] = {}

    def __call__(self, given: BaseDistribution) -> BaseDistribution:
        if not isinstance(given, CategoricalDistribution):
            return given
        known = self._known.get(id(given))
        if known is None:
            known = self._known[id(given)] = (given, plain_distribution(given))
        return known[1]


def raw_of(
    trials: Sequence[FrozenTrial], space: SearchSpace, ignore: Container[str] = ()
) -> tuple[Floats, list[str]]:
    """Raw configs (n, p), a value that is none of the parameter's outside its range, and n reasons.

    A reason is empty, or names a parameter that the space does not have.
    """
    columns = {n: j for j, n in enumerate(space.names)}
    places = {
        n: _Places(d.choices)
        for n, d in space.distributions.items()
        if isinstance(d, CategoricalDistribution)
    }
    raw = np.full((len(trials), len(columns)), np.nan)
    foreign = [""] * len(trials)
    for i, trial in enumerate(trials):
        for name, value in trial.params.items():
            j = columns.get(name)
            if j is None:
                if name not in ignore:
                    foreign[i] = f"parameter {name!r} is not in the space"
            elif name in places:
                raw[i, j] = places[name].of(value)
            else:
                raw[i, j] = number_of(value)
    return raw, foreign


class _Places:
    """Where the choices of a parameter are; each value is looked for once."""

    def __init__(self, choices: Sequence[Value]) -> None:
        self._choices = choices
        self._known: dict[tuple[type, Value], int] = {}

    def of(self, value: Any) -> int:
        """The place of a value among the choices, -1 where it is none of them."""
        try:
            key = (type(value), plain_choice(value))
        except SpaceError:
            return -1
        if key not in self._known:
            place = place_of(self._choices, key[1])
            self._known[key] = -1 if place is None else place
        return self._known[key]


def number_of(value: object) -> float:
    """A parameter's number; infinite, and so outside every range, where it is none."""
    if type(value) is float:  # as good as always, and asked for each value of each trial
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.inf
    try:
        return float(value)
    except OverflowError:
        return math.inf


def misfit(space: SearchSpace, row: Floats) -> str:
    """What is wrong with a raw config (p,), as a reason to count."""
    active = space.active_raw(row[None])[0]
    for j, name in enumerate(space.names):
        if active[j] and np.isnan(row[j]):
            return f"parameter {name!r} is missing"
        if not active[j] and not np.isnan(row[j]):
            return f"parameter {name!r} is given where it is inactive"
        one = np.full((1, len(row)), np.nan)
        one[0, j] = row[j]
        if not fitting(space, one)[1][0]:
            return f"parameter {name!r} is out of range"
    raise AssertionError  # only called for rows that do not fit
