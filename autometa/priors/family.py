"""The tasks of a family that ships, in the user's own words: names, units, choices, what is fixed.

A parameter that the user does not search has some value all the same: the one in `fixed`, else the
library's default. The prior is asked at that value (`held`), since what is a good learning rate
depends on it: tasks teach with all that they varied, and what they taught is read on the slice that
the user searches. What has neither value is taken to stand where it works, see `projection`.

Shapes: n trials; raw (n, p) as in `space`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.portfolio import Portfolio
from autometa.priors.named import Names, names_for
from autometa.priors.words import Words, spoken
from autometa.priors.written import Facts
from autometa.space import SearchSpace, Value
from autometa.space.plain import is_number
from autometa.space.values import fits, is_among, same


@dataclass(frozen=True, kw_only=True)
class FamilyPrior:
    """See the module.

    Args:
        portfolio: The family's tasks in the user's words.
        space: What is searched, and what else the family knows, held or not.
        held: Parameters that are not searched -> their values.
        names: What the family made of the user's names.
        why_held: Why each of the family's own parameters that is held has its value.
    """

    portfolio: Portfolio
    space: SearchSpace
    held: Mapping[str, Value]
    names: Names
    why_held: Mapping[str, tuple[Value, str]]

    def told(self, without: Collection[str] = ()) -> tuple[str, ...]:
        """What became of each parameter, a line each, without unknown names that are no news."""
        lines = [str(named) for named in self.names.searched.values()]
        lines += [
            f"{name}: all prior tasks had {value!r}" for name, value in self.names.ran.items()
        ]
        lines += [
            f"{own} = {value!r}, as you fixed it, is of no effect: {named.name} is searched"
            for own, named in self.names.searched.items()
            if (value := self.names.fixed.get(own)) is not None
        ]
        lines += [f"{own} = {value!r}: {why}" for own, (value, why) in self.why_held.items()]
        strange = {n: why for n, why in self.names.unknown.items() if n not in without}
        return (*lines, *(f"{name} is not known: {why}" for name, why in strange.items()))


def in_words_of(
    space: SearchSpace,
    portfolio: Portfolio,
    family: str,
    *,
    fixed: Mapping[str, Value] | None = None,
    said: Mapping[str, str] | None = None,
    facts: Facts | None = None,
    ask: bool = True,
) -> FamilyPrior:
    """The tasks of a family in the words of a space; see the module.

    Args:
        space: What is searched.
        portfolio: Tasks of the family, of one kind of problem or of several.
        family: Its name.
        fixed: What else the user's model is given, by any of its names.
        said: The family's own name -> the user's, where the user says so.
        facts: What is known of the user's data.
        ask: Whether what a name means may be asked by an error; else it is unknown.

    Raises:
        InputError: as `names_for`.
    """
    spaces = portfolio.spaces
    olds = {n: d for s in reversed(spaces) for n, d in s.distributions.items()}
    parents = {n: c for s in reversed(spaces) for n, c in s.conditions.items()}
    defaults = {n: v for s in reversed(spaces) for n, v in s.defaults.items()}
    names = names_for(family, olds, parents, space, fixed=fixed, said=said, facts=facts, ask=ask)
    held = _held(olds, parents, defaults, names)
    words = Words(family=family, searched=names.searched, space=space, ran=names.ran)
    whole, kept = _whole(words, olds, parents, {n: value for n, (value, _) in held.items()})
    return FamilyPrior(
        portfolio=replace(
            portfolio, histories=tuple(spoken(words, h) for h in portfolio.histories)
        ),
        space=whole,
        held=kept,
        names=names,
        why_held=held,
    )


def _held(
    olds: Mapping[str, BaseDistribution],
    parents: Mapping[str, tuple[str, Sequence[Value]]],
    defaults: Mapping[str, Value],
    names: Names,
) -> dict[str, tuple[Value, str]]:
    """Values, with their reasons, of the family's own parameters that are not searched.

    What the held values themselves switch off has none.
    """
    held: dict[str, tuple[Value, str]] = {}
    above = {parent for parent, _ in parents.values()}
    for own, old in olds.items():  # parents first
        parent, on = parents.get(own, ("", ()))
        if own in names.searched or (parent in held and not is_among(held[parent][0], on)):
            continue
        if own in names.fixed:
            given = names.fixed[own]
            value = _allowed(old, given)
            far = "" if same(given, value) else f", the nearest to {given:g} that prior tasks had"
            held[own] = value, f"as you fixed it{far}"
        elif own in defaults and (own not in names.unread or own in above):
            # A branch that a searched parameter is in is the one that is run.
            inside = {n: c[1] for n, c in parents.items() if c[0] == own and n in names.searched}
            values = [v for branch in inside.values() for v in branch]
            unread = own in names.unread
            if values and (unread or not is_among(defaults[own], values)):
                most = max(values, key=lambda v: sum(is_among(v, b) for b in inside.values()))
                held[own] = most, f"as {', '.join(names.searched[n].name for n in inside)} needs"
            else:
                why = "what is given of it cannot be read" if unread else "it is not searched"
                held[own] = defaults[own], f"the default, as {why}"
    return held


def _allowed(old: BaseDistribution, value: Value) -> Value:
    if isinstance(old, CategoricalDistribution):
        return value
    assert isinstance(old, FloatDistribution | IntDistribution)
    number = min(max(float(value), old.low), old.high)  # type: ignore[arg-type]
    return round(number) if isinstance(old, IntDistribution) else number


def _whole(
    words: Words,
    olds: Mapping[str, BaseDistribution],
    parents: Mapping[str, tuple[str, Sequence[Value]]],
    held: Mapping[str, Value],
) -> tuple[SearchSpace, dict[str, Value]]:
    """What is searched and what else the family knows, and the values that are held of it."""
    asked = words.space
    rest = {words.name(n): d for n, d in olds.items() if n not in words.searched}
    distributions = {**asked.distributions, **rest}
    for own, named in words.searched.items():  # choices of numbers, and what lies beyond them
        new = asked.distributions[named.name]
        if isinstance(new, CategoricalDistribution) and not isinstance(
            olds[own], CategoricalDistribution
        ):
            distributions[named.name] = words.distribution(own, olds[own])
    conditions: dict[str, tuple[str, Sequence[Value]]] = dict(asked.conditions)
    for own, (parent, on) in parents.items():
        name, above = words.name(own), words.name(parent)
        if name in asked.conditions or (name in asked.distributions and parent in words.searched):
            continue
        values = tuple(words.choice(parent, v) for v in on)
        allowed = distributions[above]
        values = tuple(v for v in values if _has(allowed, v))
        if not values:
            distributions.pop(name, None)
            continue
        conditions[name] = (above, values)
    conditions = {n: c for n, c in conditions.items() if n in distributions}
    kept = {words.name(n): v for n, v in held.items() if words.name(n) in distributions}
    rate = _rate(words, olds)
    whole = SearchSpace(
        distributions,
        conditions=conditions,
        inner_lr=asked.inner_lr or rate,
        name=asked.name or words.family,
    )
    return whole, kept


def _rate(words: Words, olds: Mapping[str, BaseDistribution]) -> str | None:
    """The user's name of the family's inner learning rate, where it is searched on a log scale."""
    for own in ("learning_rate", "eta0"):
        if own in words.searched and own in olds:
            name = words.searched[own].name
            new = words.space.distributions[name]
            if isinstance(new, FloatDistribution) and new.log and new.low > 0:
                return name
    return None


def _has(distribution: BaseDistribution, value: Value) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return is_among(value, distribution.choices)
    return is_number(value) and bool(fits(distribution, np.array([float(value)]))[0])
