"""One parameter's raw values in another distribution; every value keeps its meaning, or is counted.

Numbers stay the same number: a log scale, a kind or a step only decides what is near what. Choices
have no order, so one that is gone has no nearest: its trials cannot be kept.

Shapes: n trials.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa import encoding
from autometa.encoding import Floats, Number
from autometa.space.matching import match_choices
from autometa.space.plain import is_number
from autometa.space.rules import Rules
from autometa.space.values import describe, listed

_NEAR = 1e-9  # of its size: rounding errors of a value, and of a bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A column in its new form.

    Args:
        raw: Values, (n,), NaN where there were none and where they are lost.
        clipped: Numbers that were moved into the new range, (n,).
        lost: Values that nothing in the new distribution stands for, (n,).
        renamed: Which choices have other names now; "" where none.
        rescaled: How scale, kind or step differ; "" where they do not.
        why: What the clipped and lost values are outside of.
    """

    raw: Floats
    clipped: NDArray[np.bool_]
    lost: NDArray[np.bool_]
    renamed: str = ""
    rescaled: str = ""
    why: str = ""


def convert(
    name: str, old: BaseDistribution, new: BaseDistribution, raw: Floats, rules: Rules
) -> Converted:
    """The column of a parameter, `name` in the new space, in its new form.

    Args:
        name: Of the parameter in the new space.
        old: What the values are of.
        new: What they shall be of; `matching` has found that some can be.
        raw: Raw values (n,), NaN where there are none.
        rules: What the user said.
    """
    if isinstance(old, CategoricalDistribution) and isinstance(new, CategoricalDistribution):
        return _choices(name, old, new, raw, rules)
    if isinstance(old, CategoricalDistribution):
        numbers = choices_as_numbers(name, old, raw, rules)
        lost = np.isnan(numbers) & ~np.isnan(raw)
        found = _numbers(new, numbers, rules, "category -> number")  # type: ignore[arg-type]
        return Converted(
            raw=found.raw,
            clipped=found.clipped,
            lost=lost | found.lost,
            rescaled=found.rescaled,
            why=f"outside of {describe(new)}" if lost.any() else found.why,
        )
    assert isinstance(old, FloatDistribution | IntDistribution)
    if isinstance(new, CategoricalDistribution):
        return _onto_choices(new, raw, rules)
    assert isinstance(new, FloatDistribution | IntDistribution)
    return _numbers(new, raw, rules, _differences(old, new))


def _choices(
    name: str,
    old: CategoricalDistribution,
    new: CategoricalDistribution,
    raw: Floats,
    rules: Rules,
) -> Converted:
    places = match_choices(name, old, new, rules)
    result = _coded(np.array([np.nan if i is None else i for i in places], dtype=np.float64), raw)
    renamed = [
        f"{o!r} -> {new.choices[i]!r}"
        for o, i in zip(old.choices, places, strict=True)
        if i is not None and o != new.choices[i]
    ]
    gone = [o for o, i in zip(old.choices, places, strict=True) if i is None]
    return Converted(
        raw=result,
        clipped=np.zeros(len(raw), dtype=bool),
        lost=np.isnan(result) & ~np.isnan(raw),
        renamed=", ".join(renamed),
        why=f"without the choice {listed(gone)}" if gone else "",
    )


def _onto_choices(new: CategoricalDistribution, raw: Floats, rules: Rules) -> Converted:
    """Numbers -> the choices that are numbers."""
    places = [i for i, c in enumerate(new.choices) if is_number(c)]
    worth = np.array([new.choices[i] for i in places], dtype=np.float64)
    known = ~np.isnan(raw)
    result = np.full(len(raw), np.nan)
    away = np.zeros(len(raw), dtype=bool)
    distance = np.abs(raw[known, None] - worth)
    nearest = distance.argmin(axis=1)
    result[known] = np.array(places, dtype=np.float64)[nearest]
    away[known] = distance.min(axis=1) > _NEAR * np.maximum(np.abs(raw[known]), 1.0)
    return _outside(result, away, rules, "number -> category", describe(new))


def _numbers(new: Number, raw: Floats, rules: Rules, rescaled: str) -> Converted:
    known = ~np.isnan(raw)
    low, high = (
        bound + sign * _NEAR * max(abs(bound), 1e-300)
        for bound, sign in ((new.low, -1.0), (new.high, 1.0))
    )
    away = known & ((raw < low) | (raw > high))
    result = np.where(known, encoding.snap(new, np.where(known, raw, new.low)), np.nan)
    if new.step is not None:
        moved = known & ~away & (np.abs(result - raw) > _NEAR * np.maximum(np.abs(raw), 1.0))
        if moved.any():
            note = f"{int(moved.sum())} of {int(known.sum())} rounded"
            rescaled = f"{rescaled}, {note}" if rescaled else note
    return _outside(result, away, rules, rescaled, describe(new))


def _outside(
    raw: Floats, away: NDArray[np.bool_], rules: Rules, rescaled: str, allowed: str
) -> Converted:
    """Clip or drop what lies outside, as the user wants it."""
    drop = rules.outside == "drop"
    nobody = np.zeros(len(raw), dtype=bool)
    return Converted(
        raw=np.where(away, np.nan, raw) if drop else raw,
        clipped=nobody if drop else away,
        lost=away if drop else nobody,
        rescaled=rescaled,
        why=f"outside of {allowed}" if away.any() else "",
    )


def choices_as_numbers(
    name: str, old: CategoricalDistribution, raw: Floats, rules: Rules
) -> Floats:
    """Choices (n,) that are numbers, or mean some, as these numbers; NaN for others and for NaN.

    Args:
        name: Of the parameter in the new space.
        old: What the values are of.
        raw: Codes (n,), NaN where there are none.
        rules: What the user said.
    """
    named = [rules.choice(name, c) for c in old.choices]
    return _coded(np.array([float(c) if is_number(c) else np.nan for c in named]), raw)


def _coded(worth: Floats, raw: Floats) -> Floats:
    """Category codes (n,) -> what each code is worth, NaN for NaN."""
    known = ~np.isnan(raw)
    result = np.full(len(raw), np.nan)
    result[known] = worth[raw[known].astype(np.int64)]
    return result


def _differences(old: Number, new: Number) -> str:
    parts = []
    if old.log != new.log:
        parts.append("log -> linear" if old.log else "linear -> log")
    if isinstance(old, IntDistribution) != isinstance(new, IntDistribution):
        parts.append("int -> float" if isinstance(old, IntDistribution) else "float -> int")
    elif old.step != new.step:
        parts.append(f"step {old.step or 'none'} -> {new.step or 'none'}")
    return ", ".join(parts)
