"""What tells one choice of a category from another, whatever kind of object it is.

A space holds plain choices: None, True, False, integers, finite floats and text. Optuna holds any
object, so others are known here by a text that is the same in every process:

    list, tuple                JSON of their items: "[64, 64]", tuple and list alike, since Optuna's
                               own storages give back lists
    dict                       JSON with sorted keys
    NaN, inf                   "nan", "inf", "-inf"
    NumPy number               the plain number
    enumeration                "Class.MEMBER"
    class, function            "module.name", if it can be found under that name
    path, date, Decimal, UUID  their text
    anything else              none: a lambda or an instance has no name that lasts

One value may be written in several ways: 256 and "256", True and "True", (64, 64) and [64, 64]. Two
studies that say the same in other words mean the same choice, `spelling` tells so; two choices of
one study never do.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID

import numpy as np
from optuna.distributions import CategoricalDistribution

from autometa.errors import SpaceError
from autometa.space.literals import as_json
from autometa.space.values import Value, same

MOST_TEXT = 10_000
"""Characters that a choice may have as text."""
_BY_TEXT = (PurePath, date, time, timedelta, Decimal, Fraction, UUID, complex)
_DEPTH = 20
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def plain_choice(choice: Any) -> Value:
    """A choice as the plain value or text that stands for it in a space; see the module.

    Raises:
        SpaceError: nothing that lasts tells it from others.

    >>> plain_choice((64, 64)), plain_choice(np.float32(0.5)), plain_choice(dict)
    ('[64, 64]', 0.5, 'builtins.dict')
    """
    if choice is None or type(choice) in (bool, int, str):
        return choice  # type: ignore[no-any-return]
    plain = _item(choice, 0)
    if isinstance(plain, list | dict):
        plain = json.dumps(plain, sort_keys=True)
    if isinstance(plain, str) and len(plain) > MOST_TEXT:
        raise SpaceError(
            f"a choice of {len(plain):,} characters",
            allowed=f"up to {MOST_TEXT:,}",
            do="Name it by a short text and build it from that",
        )
    return plain  # type: ignore[no-any-return]


def _item(value: Any, depth: int) -> Any:
    """A choice, or a part of one, as data that JSON holds exactly."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, _BY_TEXT):
        return str(value)
    if depth < _DEPTH:
        if isinstance(value, list | tuple):
            return [_item(v, depth + 1) for v in value]
        if isinstance(value, Mapping):
            return {str(_item(k, depth + 1)): _item(v, depth + 1) for k, v in value.items()}
        if isinstance(value, set | frozenset):
            return sorted((_item(v, depth + 1) for v in value), key=json.dumps)
    name = getattr(value, "__qualname__", None)
    home = getattr(value, "__module__", None)
    if isinstance(name, str) and isinstance(home, str) and "<" not in name:
        return f"{home}.{name}"
    raise SpaceError(
        f"a choice of type {type(value).__name__}, which no name that lasts tells from others",
        allowed="plain data, lists and dicts of it, enumerations, and classes or functions "
        "that have a name",
        do="Name other objects by a text and build them from it",
    )


def plain_distribution(given: CategoricalDistribution) -> CategoricalDistribution:
    """A category with plain choices, those that mean the same once.

    Raises:
        SpaceError: a choice has nothing that tells it from others.
    """
    choices: list[Value] = []
    for choice in map(plain_choice, given.choices):
        if not any(same(choice, c) for c in choices):
            choices.append(choice)
    same_as_given = len(choices) == len(given.choices) and all(
        type(a) is type(b) for a, b in zip(choices, given.choices, strict=True)
    )
    return given if same_as_given else CategoricalDistribution(choices)


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
