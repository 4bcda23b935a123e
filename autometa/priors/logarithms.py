"""Parameters that are searched by their logarithm: `log10_learning_rate`, `log2_C`.

The name says of which base, or it is not known: `log_C` and `lr_exponent` may be of any.

Shapes: n values.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.encoding import Floats
from autometa.priors.written import Written
from autometa.space.plain import is_number

_WORDS = "log|ln|lg|exponent|exp|pow"
_BEFORE = re.compile(rf"^(?:log_?(10|2)_?|(?:{_WORDS})_|log(?=[A-Z]))")
_AFTER = re.compile(rf"_(?:log_?(10|2)|{_WORDS})$")
_HIGHEST = 300.0  # exponent of ten; numbers end a little above


def logarithm(name: str) -> tuple[str, float | None] | None:
    """What a name is the logarithm of, and the base, None where it may be any; or nothing.

    >>> logarithm("log10_lr"), logarithm("C_log2"), logarithm("lr_exp"), logarithm("logistic")
    (('lr', 10.0), ('C', 2.0), ('lr', None), None)
    """
    for pattern in (_BEFORE, _AFTER):
        found = pattern.search(name)
        rest = pattern.sub("", name) if found else ""
        if found and rest:
            return rest.strip("_"), float(found[1]) if found[1] else None
    return None


def plain(new: Any, base: float | None) -> Any:
    """The numbers themselves, of a distribution or a value of their logarithms."""
    if base is None:
        return new
    if isinstance(new, FloatDistribution | IntDistribution):
        low, high = (_power(base, end) for end in (new.low, new.high))
        whole = isinstance(new, IntDistribution) and new.low >= 0
        if whole and high < 2**53:
            return IntDistribution(int(low), int(high))
        return FloatDistribution(low, high)
    if isinstance(new, CategoricalDistribution):
        return CategoricalDistribution([plain(c, base) for c in new.choices])
    return _power(base, new) if is_number(new) else new


def of_logarithms(how: Written, base: float | None) -> Written:
    """How the logarithms of numbers are written, where these are written so."""
    if base is None:
        return how

    def forward(own: Floats) -> Floats:
        with np.errstate(all="ignore"):
            result: Floats = np.log(how.forward(own)) / np.log(base)
        return result

    def backward(value: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return how.backward(np.power(base, value))

    said = f"its logarithm to base {base:g}"
    return replace(
        how, forward=forward, backward=backward, how=f"{said}, {how.how}" if how.how else said
    )


def _power(base: float, exponent: float) -> float:
    most = _HIGHEST / float(np.log10(base))
    return float(base ** min(max(float(exponent), -most), most))
