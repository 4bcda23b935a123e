"""One parameter's distribution and its values: what is allowed and what is the same."""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    json_to_distribution,
)

from autometa import encoding
from autometa.encoding import Floats
from autometa.errors import SpaceError
from autometa.space.plain import PLAIN, is_number, is_plain, plain_choice
from autometa.space.plain import Value as Value

ON_GRID = 1e-6  # steps that a value may lie beside its grid
_STEPS = 2**40  # values up to here, in steps, come back exactly from the unit interval


def read_distribution(data: Mapping[str, Any]) -> BaseDistribution:
    """The distribution of parsed JSON, exactly as it was written.

    Optuna lowers the bound of a range that its step does not divide, also where only a rounding
    error says so: the upper end of [0, 5 * (1/3)] would shrink by one step each time it is read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever made the distribution has been warned
        distribution = json_to_distribution(json.dumps(data))
    if isinstance(distribution, FloatDistribution) and distribution.step is not None:
        high = float(data["attributes"]["high"])
        steps = (high - distribution.low) / distribution.step
        if abs(steps - round(steps)) < ON_GRID:
            distribution.high = high
    return distribution


def check_distribution(name: str, distribution: object) -> None:
    """Refuse what is no Optuna distribution, or one whose values encoding or JSON would change.

    Raises:
        SpaceError: it is one of these, or the name is none.
    """
    if not isinstance(name, str) or not name:
        raise SpaceError(f"parameter name {name!r}", allowed="a non-empty string")
    if isinstance(distribution, CategoricalDistribution):
        choices = distribution.choices
        odd = [c for c in choices if not is_plain(c)]
        twice = [c for i, c in enumerate(choices) if is_among(c, choices[:i])]
        if odd or twice:
            raise SpaceError(
                f"parameter {name!r} has the choice {(odd or twice)[0]!r}"
                + ("" if odd else " twice"),
                allowed="distinct None, True, False, integers, finite floats and text",
                do="Name other objects by a text and build them from it",
            )
        return
    if not isinstance(distribution, FloatDistribution | IntDistribution):
        raise SpaceError(
            f"parameter {name!r} has {distribution!r}",
            allowed="FloatDistribution, IntDistribution, CategoricalDistribution",
            do="Use the classes of optuna.distributions",
        )
    if not isinstance(distribution.log, bool):
        raise SpaceError(
            f"parameter {name!r} has log={distribution.log!r}", allowed="True or False"
        )
    step = distribution.step  # 1 for integers, None for continuous floats
    limit = sys.float_info.max / 4 if step is None else _STEPS * step
    if not (-limit <= distribution.low <= distribution.high <= limit):
        raise SpaceError(
            f"parameter {name!r} goes from {distribution.low} to {distribution.high}"
            + ("" if step is None else f" in steps of {step:g}"),
            allowed=f"finite bounds within +-{limit:g}, so that every value survives encoding",
            do="Narrow the range or widen the step",
        )


def checked_value(name: str, distribution: BaseDistribution, value: Any) -> Value:
    """One value as plain Python, or a SpaceError that says what is allowed."""
    wrong = SpaceError(
        f"parameter {name!r} = {value!r}", allowed=describe(distribution), do="Correct the value"
    )
    if isinstance(distribution, CategoricalDistribution):
        for choice in distribution.choices:
            if same(choice, value):
                return choice
        raise wrong
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if isinstance(value, bool | np.bool_) or not isinstance(
        value, int | float | np.integer | np.floating
    ):
        raise wrong
    try:
        number = float(value)
    except OverflowError:  # an integer beyond all floats
        raise wrong from None
    if not math.isfinite(number) or not fits(distribution, np.array([number]))[0]:
        raise wrong
    if isinstance(distribution, IntDistribution):
        return round(number)
    if distribution.step is not None:
        return float(encoding.snap(distribution, np.array([number]))[0])
    return number


def fits(distribution: BaseDistribution, raw: Floats) -> NDArray[np.bool_]:
    """Which raw values (n,) a distribution allows; NaN never fits."""
    if isinstance(distribution, CategoricalDistribution):
        return np.asarray((raw >= 0) & (raw < len(distribution.choices)) & (raw == np.floor(raw)))
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    inside = (raw >= distribution.low) & (raw <= distribution.high)
    if distribution.step is not None:
        steps = (raw - distribution.low) / distribution.step
        with np.errstate(invalid="ignore"):  # infinite values have no place on a grid
            inside &= np.abs(steps - np.round(steps)) < ON_GRID
    return inside


def raw_value(distribution: BaseDistribution, value: Value) -> float:
    """A checked value -> its raw form: the number, or the index of the choice."""
    if isinstance(distribution, CategoricalDistribution):
        return float(next(i for i, c in enumerate(distribution.choices) if same(c, value)))
    assert isinstance(value, int | float)
    return float(value)


def plain_value(distribution: BaseDistribution, raw: float) -> Value:
    """The raw form of a value -> the value."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[int(raw)]
    return round(raw) if isinstance(distribution, IntDistribution) else raw


def same(a: Any, b: Any) -> bool:
    """Equality that keeps True apart from 1 and 1 apart from 1.0 nowhere else.

    An object that is no plain choice equals the text that stands for it, see `plain`.
    """
    if isinstance(a, bool | np.bool_) != isinstance(b, bool | np.bool_):
        return False
    try:
        if bool(a == b):
            return True
    except (TypeError, ValueError):
        pass
    if type(a) in PLAIN and type(b) in PLAIN:
        return False
    try:
        return bool(plain_choice(a) == plain_choice(b))
    except SpaceError:
        return False


def is_among(value: Any, values: Iterable[Any]) -> bool:
    """Whether a value is the `same` as one of some."""
    return any(same(value, other) for other in values)


_DUST = 1e-9  # of a number: rounding errors of a way through unit space and back


def is_part(part: Mapping[str, Any], whole: Mapping[str, Any]) -> bool:
    """Whether a config has all values of another one, rounding errors aside.

    >>> is_part({"C": 10.000000000000002}, {"C": 10.0, "kernel": "rbf"})
    True
    """
    return all(name in whole and _close(value, whole[name]) for name, value in part.items())


def _close(a: Any, b: Any) -> bool:
    return math.isclose(a, b, rel_tol=_DUST) if is_number(a) and is_number(b) else same(a, b)


def describe(distribution: BaseDistribution) -> str:
    """What a distribution allows, in words for messages."""
    if isinstance(distribution, CategoricalDistribution):
        return "one of " + listed(distribution.choices)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    kind = "an integer" if isinstance(distribution, IntDistribution) else "a number"
    step = f" in steps of {distribution.step:g}" if distribution.step not in (None, 1) else ""
    return f"{kind} from {distribution.low:g} to {distribution.high:g}{step}"


def listed(items: Iterable[object]) -> str:
    """The items for a message, the first dozen of many."""
    shown = [repr(i) for i in items]
    return ", ".join(shown[:12]) + (f", ... ({len(shown)} in all)" if len(shown) > 12 else "")
