"""Numbers and switches that a user may give: one place for their types, limits and errors.

Numpy's numbers count as Python's; True and False are no numbers, and NaN is none either.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from autometa.errors import InputError

_LONG = 128  # bits: integers beyond are not written out, and from some thousands on cannot be
YEAR = 365 * 86_400.0
"""The longest time limit, in seconds: the system's alarms and waits overflow further on."""


def whole(value: Any, name: str, *, low: int, high: int | None = None, of: str = "") -> int:
    """A whole number within limits.

    Args:
        value: As given.
        name: Of the argument, for the message.
        low: The least that is allowed.
        high: The most that is allowed; any where None.
        of: What the most is, in words.

    Raises:
        InputError: it is none, or out of the limits.

    >>> whole(3, "folds", low=2)
    3
    """
    if _is(value, Integral) and low <= value and (high is None or value <= high):
        return int(value)
    most = "on" if high is None else f"to {high}"
    allowed = f"an integer from {low} {most}"
    raise InputError(f"{name} = {_shown(value)}", allowed=allowed + (f" ({of})" if of else ""))


def real(value: Any, name: str, *, low: float, high: float) -> float:
    """A number within limits, both included.

    Args:
        value: As given.
        name: Of the argument, for the message.
        low: The least that is allowed.
        high: The most that is allowed.

    Raises:
        InputError: it is none, or out of the limits.

    >>> real(3, "n_params", low=1, high=1e18)
    3.0
    """
    if _is(value, Real) and low <= value <= high:
        return float(value)
    raise InputError(f"{name} = {_shown(value)}", allowed=f"a number from {low:g} to {high:g}")


def seconds(value: Any, name: str) -> float | None:
    """A time limit in seconds; None, and infinity, mean no limit.

    Args:
        value: As given.
        name: Of the argument, for the message.

    Raises:
        InputError: it is no positive number, or more than a year.

    >>> seconds(2, "timeout"), seconds(float("inf"), "timeout")
    (2.0, None)
    """
    if value is None:
        return None
    if _is(value, Real):
        if value == math.inf:
            return None
        if 0 < value <= YEAR:
            return float(value)
    raise InputError(
        f"{name} = {_shown(value)} s",
        allowed=f"more than 0 to {YEAR:,.0f} seconds (a year); None or inf for no limit",
    )


def flag(value: Any, name: str) -> bool:
    """True or false.

    Args:
        value: As given.
        name: Of the argument, for the message.

    Raises:
        InputError: it is something else: "no" and "False" would count as true.

    >>> flag(True, "ensemble")
    True
    """
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):  # numpy's too
        return bool(value)
    raise InputError(f"{name} = {_shown(value)}", allowed="True or False")


def _shown(value: Any) -> str:
    if _is(value, int) and value.bit_length() > _LONG:
        return f"an integer of {value.bit_length()} bits"
    return f"{value}" if _is(value, Real) else repr(value)


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)
