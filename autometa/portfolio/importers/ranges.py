"""The distribution of a parameter, from what a tracker has of it: values, or Optuna's own words.

Optuna's callbacks write the distribution of each parameter beside its value, as Python shows it:
"FloatDistribution(high=1.0, log=True, low=1e-05, step=None)". Where nothing of the kind is there,
values must do:

    all are numbers          a range from the smallest to the largest; whole numbers stay whole
    all are true or false    a category of the two
    most are draws           a range: few odd cells ("auto", inf) are none of it, and their runs are
                             left out and counted
    others                   a category

A range is logarithmic where its values say so: if they span a decade or more and are more likely as
draws from a log-uniform distribution than from a uniform one, both between the smallest and the
largest of them, by a factor of e^2. For n different values x in [a, b] that is

    -sum log x - n log log(b / a) + n log(b - a) > 2

Of uniform draws one set in forty is taken for logarithmic at most (3 to 50 values); of 50
log-uniform draws over two decades all are, of 10 over three decades 97 in a hundred. A learning
rate, by its name, is logarithmic whatever its values say.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.portfolio.importers.inferring import MOST_ODD
from autometa.portfolio.importers.tracker_values import FLAGS, quantity_of, text_of
from autometa.space.choices import plain_distribution
from autometa.space.literals import as_json
from autometa.space.plain import MOST_TEXT
from autometa.space.rates import is_rate_name
from autometa.space.values import check_distribution, read_distribution

LEAST_DRAWS = 5  # numbers that are told from choices
_DECADE = 10.0
_EVIDENCE = 2.0  # in nats
_WRITTEN = re.compile(r"(\w+Distribution)\((.*)\)", re.DOTALL)
_NUMBERS = re.compile(r"(^|, )(low|high|log|step|q)=")
_CHOICES = re.compile(r"^()(choices)=")
# Optuna's classes before version 3, as those after it: (class, log).
_OLD = {
    "UniformDistribution": ("FloatDistribution", False),
    "LogUniformDistribution": ("FloatDistribution", True),
    "DiscreteUniformDistribution": ("FloatDistribution", False),
    "IntUniformDistribution": ("IntDistribution", False),
    "IntLogUniformDistribution": ("IntDistribution", True),
}


def written_distribution(name: str, text: object) -> BaseDistribution | None:
    """The distribution that a text shows, as Python or as JSON; None where it shows none.

    >>> written_distribution("x", "FloatDistribution(high=1.0, log=True, low=0.1, step=None)")
    FloatDistribution(high=1.0, log=True, low=0.1, step=None)
    """
    if not isinstance(text, str) or len(text) > MOST_TEXT:
        return None
    found = _WRITTEN.fullmatch(text.strip())
    try:
        if found is None:
            data = as_json(text)
            kind, attributes = data["name"], dict(data["attributes"])
        else:
            kind = found[1]
            words = _CHOICES if kind == "CategoricalDistribution" else _NUMBERS
            attributes = as_json("{" + words.sub(r'\1"\2": ', found[2]) + "}")
        if kind in _OLD:
            kind, log = _OLD[kind]
            attributes = {"log": log, **attributes, "step": attributes.get("step")}
            attributes["step"] = attributes.pop("q", attributes["step"])
            if kind == "IntDistribution":
                attributes["step"] = attributes["step"] or 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whoever made the distribution has been warned
            given = read_distribution({"name": kind, "attributes": attributes})
        if isinstance(given, CategoricalDistribution):
            given = plain_distribution(given)
        check_distribution(name, given)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
        return None
    return given


def distribution_of(name: str, cells: Iterable[Any]) -> BaseDistribution:
    """The narrowest distribution that holds the values of a parameter; see the module."""
    listed = list(cells)
    numbers = [quantity_of(c) for c in listed]
    known = [n for n in numbers if n is not None]
    if _few_odd(known, len(listed)):
        listed = [c for c, n in zip(listed, numbers, strict=True) if n is not None]
    if len(known) == len(listed):
        low, high = min(known), max(known)
        whole = all(n % 1 == 0 and abs(n) < 2**53 for n in known)
        if whole and all(isinstance(c, int) or "." not in str(c) for c in listed):
            return IntDistribution(int(low), int(high), log=is_log(known))
        return FloatDistribution(low, high, log=is_log(known) or (low > 0 and is_rate_name(name)))
    texts = list(dict.fromkeys(text_of(c) for c in listed))
    if all(t.lower() in FLAGS for t in texts):
        return CategoricalDistribution([False, True])
    return CategoricalDistribution(sorted(texts))


def _few_odd(numbers: Sequence[float], cells: int) -> bool:
    """Whether few cells are odd among draws from a range, most of which come once.

    A number among choices, such as 0.5 beside "sqrt", comes again and again.
    """
    odd = cells - len(numbers)
    return odd * MOST_ODD <= cells and 2 * len(set(numbers)) > len(numbers) >= LEAST_DRAWS


def is_log(values: Sequence[float]) -> bool:
    """Whether values look like draws on a logarithmic scale; see the module."""
    known = np.unique(np.asarray(values, dtype=np.float64))
    if len(known) < 2 or known[0] <= 0 or known[-1] / known[0] < _DECADE:
        return False
    span = math.log(known[-1]) - math.log(known[0])
    gain = math.log(known[-1] - known[0]) - math.log(span) - np.log(known)
    return bool(gain.sum() > _EVIDENCE)
