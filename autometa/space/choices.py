"""Categories: choices of any kind made plain, those that mean the same found, several joined.

One value may be written in several ways: 256 and "256", True and "True", (64, 64) and [64, 64]. Two
studies that say the same in other words mean the same choice, `spelling` tells so; two choices of
one study never do.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from optuna.distributions import BaseDistribution, CategoricalDistribution

from autometa.errors import SpaceError
from autometa.space.literals import as_json
from autometa.space.plain import MOST_TEXT, PLAIN, plain_choice
from autometa.space.values import Value, check_distribution, is_among, same

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def plain_distribution(given: CategoricalDistribution) -> CategoricalDistribution:
    """A category with plain choices, those that mean the same once.

    Raises:
        SpaceError: a choice has nothing that tells it from others.
    """
    if len({(type(c), c) for c in given.choices if type(c) in PLAIN}) == len(given.choices):
        return given
    choices: list[Value] = []
    for choice in map(plain_choice, given.choices):
        if not is_among(choice, choices):
            choices.append(choice)
    same_as_given = len(choices) == len(given.choices) and all(
        type(a) is type(b) for a, b in zip(choices, given.choices, strict=True)
    )
    return given if same_as_given else CategoricalDistribution(choices)


def usable(name: str, given: BaseDistribution) -> BaseDistribution | None:
    """A distribution as a space can hold it, with plain choices; None where none can."""
    try:
        plain = plain_distribution(given) if isinstance(given, CategoricalDistribution) else given
        check_distribution(name, plain)
    except SpaceError:
        return None
    return plain


def spelling(choice: Value) -> str:
    """Equal for choices that are one value written in several ways.

    >>> spelling(256) == spelling("256") == spelling(256.0) != spelling("0x100")
    True
    >>> spelling("(64, 64)") == spelling("[64,64]"), spelling(True) == spelling("true")
    (True, True)
    """
    if not isinstance(choice, str):
        return _spelled(choice)
    text = choice.strip()
    if text.lower() in ("true", "false"):
        return text.lower()
    if text in ("None", "null"):
        return "null"
    if _NUMBER.fullmatch(text):
        return _spelled(float(text))
    if text[:1] in "[({" and len(text) <= MOST_TEXT:
        try:
            return json.dumps(as_json(text), sort_keys=True)
        except ValueError:
            pass
    return choice


def _spelled(choice: Value) -> str:
    if isinstance(choice, float) and math.isfinite(choice) and choice == int(choice):
        choice = int(choice)
    return json.dumps(choice)


def joined_choices(lists: Iterable[Sequence[Value]]) -> list[Value]:
    """All choices of several categories, each once; of two spellings the one that is no text."""
    known = [list(choices) for choices in lists]
    apart = {
        text for choices in known for text, n in Counter(map(spelling, choices)).items() if n > 1
    }
    result: list[Value] = []
    for choice in (c for choices in known for c in choices):
        place = place_of(result, choice, apart)
        if place is None:
            result.append(choice)
        elif isinstance(result[place], str) and not isinstance(choice, str):
            result[place] = choice
    return result


def place_of(
    choices: Sequence[Value], choice: Value, apart: Iterable[str] = frozenset()
) -> int | None:
    """Where a choice is among others: itself, or else the only one that is spelled like it.

    Args:
        choices: Where to look.
        choice: What to look for.
        apart: Spellings that some category uses for two choices.
    """
    found = next((i for i, c in enumerate(choices) if same(c, choice)), None)
    if found is not None:
        return found
    text = spelling(choice)
    if text in apart:
        return None
    alike = [i for i, c in enumerate(choices) if spelling(c) == text]
    return alike[0] if len(alike) == 1 else None
