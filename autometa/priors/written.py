"""How a user writes the values of a family's own parameter: the same number, or in other units.

    svm: gamma                  a family's gamma is in units of 1 / width, the user's is plain
    linear: alpha               of a ridge, 1 / C
    forests: max_features       a share, a number or a word; the family has a power of the width
    max_depth of forests        None is no limit, as the family's largest is
    words                       "balanced" is True of LightGBM's is_unbalance, p = 1 "manhattan"

Shapes: n values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.encoding import Floats
from autometa.space.plain import is_number
from autometa.space.rules import alike
from autometa.space.values import Value, is_among, listed, same

_FORESTS = ("random_forest", "extra_trees")
_NONE = (None, "none", "None", False)
_CHOICES: Mapping[str, Mapping[Value, tuple[Value, ...]]] = {
    "class_weight": {"none": _NONE, "balanced": ("balanced", "Balanced", True)},
    "impurity": {"gini": ("gini",), "entropy": ("entropy", "log_loss")},
    "metric": {
        "manhattan": ("manhattan", "cityblock", "l1", 1),
        "euclidean": ("euclidean", "l2", "minkowski", 2),
    },
    "optimizer": {
        "adam": ("adam", "adamw", "Adam", "AdamW"),
        "sgd": ("sgd", "SGD"),
        "Adam": ("Adam", "adam"),
        "AdamW": ("AdamW", "adamw", "adamw_torch"),
        "SGD": ("SGD", "sgd"),
    },
    "scheduler": {
        "plateau": ("plateau", "ReduceLROnPlateau", "reduce_lr_on_plateau"),
        "cosine": ("cosine", "CosineAnnealingLR", "cosine_annealing"),
    },
}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of the user's data.

    Args:
        columns: Number of features; None where unknown.
        width: What scikit-learn's gamma="scale" divides by: features times their variance.
    """

    columns: int | None = None
    width: float | None = None


def _same(values: Floats) -> Floats:
    return values


@dataclass(frozen=True, kw_only=True)
class Written:
    """See the module.

    Args:
        forward: The family's own numbers (n,) -> the user's.
        backward: The user's numbers (n,) -> the family's own.
        how: In words; "" where they are the same numbers.
        words: What the user may write in the place of a number -> the family's own number.
        choices: The family's own choice -> what the user may write for it, the likeliest first.
    """

    forward: Callable[[Floats], Floats] = _same
    backward: Callable[[Floats], Floats] = _same
    how: str = ""
    words: Mapping[Value, float] = field(default_factory=dict)
    choices: Mapping[Value, tuple[Value, ...]] = field(default_factory=dict)

    def own_number(self, value: Any) -> float | None:
        """The family's own number for a value of the user's; None where it has none."""
        for word, number in self.words.items():
            if same(word, value):
                return number
        if not is_number(value):
            return None
        with np.errstate(all="ignore"):
            number = float(self.backward(np.array([float(value)]))[0])
        return number if math.isfinite(number) else None

    def own_choice(self, own: CategoricalDistribution, value: Any) -> Value | _Missing:
        """The family's own choice for a value of the user's; `MISSING` where it has none."""
        for choice in own.choices:
            if is_among(value, (choice, *self.choices.get(choice, ()))):
                return choice
        return MISSING


class _Missing:
    """No value, where None is one."""


MISSING = _Missing()


def written(
    family: str, own: str, form: str, old: BaseDistribution, facts: Facts, new: Any = None
) -> Written | str:
    """How a user writes a family's own parameter; a text says why that cannot be known.

    Args:
        family: Of the prior.
        own: Its own parameter.
        form: The user's name for it, without what stands before.
        old: The family's distribution.
        facts: What is known of the user's data.
        new: The user's distribution, or the value that is fixed.
    """
    if isinstance(old, CategoricalDistribution):
        return Written(choices=_CHOICES.get(own, {}))
    if family == "svm" and own == "gamma":
        return _by_width(facts, new)
    if family == "linear" and own == "C" and alike(form) == "alpha":
        return Written(forward=np.reciprocal, backward=np.reciprocal, how="1 / C")
    if family in _FORESTS and own in ("width_power", "max_features"):
        return _max_features(own, form, facts, new)
    if _is_share(new) and isinstance(old, IntDistribution):
        return "a share of the rows, where prior tasks count them"
    if _is_count(new) and isinstance(old, FloatDistribution) and old.high <= 1.0:
        return "a number, where prior tasks have a share"
    assert isinstance(old, FloatDistribution | IntDistribution)
    no_limit = own == "max_depth" and family in _FORESTS
    return Written(words={None: float(old.high)} if no_limit else {})


def _by_width(facts: Facts, new: Any) -> Written | str:
    """The gamma of a kernel, of which the family's is a multiple of 1 / width."""
    if facts.width is None:
        unknown = "in units of 1 / (number of features): give data=(X, y)"
        scale: dict[Value, float] = {"scale": 1.0}
        return _words_alone(scale, new) or unknown
    width = facts.width
    auto = width / facts.columns if facts.columns else 1.0
    return Written(
        forward=lambda own: own / width,
        backward=lambda value: value * width,
        how=f"in units of 1 / {width:.4g}",
        words={"scale": 1.0, "auto": auto},
    )


def _max_features(own: str, form: str, facts: Facts, new: Any) -> Written | str:
    """The number of columns that a split looks at: a share, a number, or a word of them."""
    columns = facts.columns
    if alike(form) == alike(own) == "widthpower":
        return Written()
    if columns is None or columns < 2:
        if own == "max_features" and not _is_count(new) and not _has_words(new):
            return Written()
        known: dict[Value, float] = {None: 1.0, "all": 1.0}
        if own == "width_power":
            known["sqrt"] = 0.5
        unknown = "a matter of the number of features: give data=(X, y)"
        return _words_alone(known, new) or unknown
    d = float(columns)
    words: dict[Value, float] = {
        None: d,
        "sqrt": math.sqrt(d),
        "log2": max(math.log2(d), 1.0),
        "all": d,
    }
    as_count = _is_count(new)

    def count_of(value: Floats) -> Floats:  # of the user's number
        return np.where(value > 1.0, value, value if as_count else value * d)

    def own_of(count: Floats) -> Floats:
        return np.log(np.maximum(count, 1.0)) / np.log(d) if own == "width_power" else count / d

    def forward(value: Floats) -> Floats:
        count = d**value if own == "width_power" else value * d
        return count if as_count else count / d

    found = {w: float(own_of(np.array([count]))[0]) for w, count in words.items()}
    return Written(
        forward=forward,
        backward=lambda value: own_of(count_of(value)),
        how=f"of {columns} features",
        words=found,
    )


def _words_alone(words: Mapping[Value, float], new: Any) -> Written | None:
    """Words that mean the same of any data, where some are searched and the rest cannot be read."""
    values = new.choices if isinstance(new, CategoricalDistribution) else (new,)
    read = [word for word in words if is_among(word, values)]
    if not read:
        return None
    rest = "" if len(read) == len(values) else "; give data=(X, y) to have the others read"
    return Written(
        backward=lambda value: np.full(len(value), np.nan),
        how=f"{listed(read)} of any data{rest}",
        words={word: words[word] for word in read},
    )


def _numbers_of(new: Any) -> list[float]:
    """Numbers that a distribution or a value holds."""
    if isinstance(new, FloatDistribution | IntDistribution):
        return [new.low, new.high]
    values = new.choices if isinstance(new, CategoricalDistribution) else [new]
    return [float(v) if isinstance(v, float) else v for v in values if is_number(v)]


def _is_share(new: Any) -> bool:
    """Whether it is of shares: numbers with a point, none above 1."""
    numbers = _numbers_of(new)
    whole = isinstance(new, IntDistribution) or all(isinstance(v, int) for v in numbers)
    return bool(numbers) and not whole and max(numbers) <= 1.0


def _is_count(new: Any) -> bool:
    """Whether it is of whole numbers, one of them above 1."""
    numbers = _numbers_of(new)
    whole = isinstance(new, IntDistribution) or all(isinstance(v, int) for v in numbers)
    return bool(numbers) and whole and max(numbers) > 1


def _has_words(new: Any) -> bool:
    values = new.choices if isinstance(new, CategoricalDistribution) else [new]
    return any(not is_number(v) for v in values) and not isinstance(
        new, FloatDistribution | IntDistribution
    )
