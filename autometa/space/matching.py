"""Which parameter, and which choice, of an old space is which of the new one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from optuna.distributions import BaseDistribution, CategoricalDistribution

from autometa.errors import SpaceError
from autometa.space.choices import place_of
from autometa.space.plain import is_number
from autometa.space.rules import Rules, alike
from autometa.space.space import SearchSpace
from autometa.space.values import same


@dataclass(frozen=True, slots=True)
class Match:
    """Where the values of a new parameter come from.

    Args:
        old: Name in the old space.
        detail: "" where it has the same name, else whether the user said so or it was guessed.
    """

    old: str
    detail: str = ""


def match_parameters(
    old: Mapping[str, BaseDistribution], new: SearchSpace, rules: Rules
) -> dict[str, Match]:
    """New name -> its match; parameters without one are left out.

    What the user said comes first, then equal names, then guesses. Parameters of which no value
    can be read as one of the other are no match, whatever their names.

    Raises:
        SpaceError: two parameters of the old space become one.
    """
    found: dict[str, Match] = {}
    for name, becomes in rules.renamed.items():
        if name not in old:
            continue
        if becomes in found or (becomes in old and becomes not in rules.renamed):
            other = found[becomes].old if becomes in found else becomes
            raise SpaceError(
                f"parameters {other!r} and {name!r} of one old space both become {becomes!r}",
                allowed="one of them",
                do="Rename one of them to something else, or adapt these studies by themselves",
            )
        found[becomes] = Match(name, f"from {name!r}")
    taken = {m.old for m in found.values()}
    for name in new.names:
        if name in old and name not in taken and name not in found:
            found[name] = Match(name)
    if rules.guess:
        taken = {m.old for m in found.values()}
        pairs = _guessed(
            (n for n in old if n not in taken), (n for n in new.names if n not in found)
        )
        found |= {b: Match(a, f"from {a!r}, guessed by its name") for a, b in pairs.items()}
    return {
        name: found[name]
        for name in new.names
        if name in found and _comparable(name, old[found[name].old], new.distributions[name], rules)
    }


def match_choices(
    name: str, old: CategoricalDistribution, new: CategoricalDistribution, rules: Rules
) -> list[int | None]:
    """For each old choice the place of the new one, None where it is gone."""
    places: list[int | None] = [
        next((i for i, n in enumerate(new.choices) if same(n, rules.choice(name, c))), None)
        for c in old.choices
    ]
    if rules.guess:
        taken = set(places)
        for k, choice in enumerate(old.choices):
            place = place_of(new.choices, choice)
            if places[k] is None and place not in taken:  # 256 and "256" are one value
                places[k] = place
        lost = [c for c, i in zip(old.choices, places, strict=True) if i is None]
        fresh = [c for i, c in enumerate(new.choices) if i not in places]
        pairs = _guessed(
            (c for c in lost if isinstance(c, str)), (c for c in fresh if isinstance(c, str))
        )
        for k, choice in enumerate(old.choices):
            if places[k] is None and isinstance(choice, str) and choice in pairs:
                places[k] = new.choices.index(pairs[choice])
    return places


def _guessed(old: Iterable[str], new: Iterable[str]) -> dict[str, str]:
    """Pairs of names that are alike, where neither side has a second one like it."""
    olds, news = list(old), list(new)
    counts = Counter(map(alike, olds)), Counter(map(alike, news))
    by_form = {alike(n): n for n in news}
    return {
        o: by_form[form]
        for o in olds
        if (form := alike(o)) in by_form and counts[0][form] == counts[1][form] == 1
    }


def _comparable(name: str, old: BaseDistribution, new: BaseDistribution, rules: Rules) -> bool:
    """Whether any value of the one can be a value of the other."""
    categories = [d for d in (old, new) if isinstance(d, CategoricalDistribution)]
    if len(categories) == 1:
        choices = categories[0].choices
        if categories[0] is old:
            choices = tuple(rules.choice(name, c) for c in choices)
        return any(map(is_number, choices))
    if isinstance(old, CategoricalDistribution) and isinstance(new, CategoricalDistribution):
        return any(i is not None for i in match_choices(name, old, new, rules))
    return True
