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
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any, TypeAlias, TypeGuard
from uuid import UUID

import numpy as np

from autometa.errors import SpaceError

Value: TypeAlias = bool | int | float | str | None
"""A parameter's value in a config."""

PLAIN = (bool, int, str, type(None))
"""Types of choices that stand for themselves; of floats the finite ones do, see `is_plain`."""
MOST_TEXT = 10_000
"""Characters that a choice may have as text."""
_BY_TEXT = (PurePath, date, time, timedelta, Decimal, Fraction, UUID, complex)
_DEPTH = 20


def plain_choice(choice: Any) -> Value:
    """A choice as the plain value or text that stands for it in a space; see the module.

    Raises:
        SpaceError: nothing that lasts tells it from others.

    >>> plain_choice((64, 64)), plain_choice(np.float32(0.5)), plain_choice(dict)
    ('[64, 64]', 0.5, 'builtins.dict')
    """
    if type(choice) in PLAIN:
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


def is_plain(choice: object) -> bool:
    """Whether a choice is plain data that JSON holds exactly."""
    return math.isfinite(choice) if isinstance(choice, float) else isinstance(choice, PLAIN)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a choice is a number, True and False not counted."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def unboxed(value: Any) -> Any:
    """A number, a text or a truth value of NumPy as Python's own; all else as it is.

    >>> unboxed(np.int64(3)), unboxed(np.bool_(True)), unboxed("relu")
    (3, True, 'relu')
    """
    return value.item() if isinstance(value, np.generic) else value


def _item(value: Any, depth: int) -> Any:
    """A choice, or a part of one, as data that JSON holds exactly."""
    value = unboxed(value)
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
