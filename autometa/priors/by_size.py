"""Prior runs of other sizes, as if they had been of the size in question: rates follow a law.

The best learning rate falls with the number of parameters, and pre-training runs of 30 million say
little of one of 700 million as they stand. So the rates of prior tasks that know their sizes are
multiplied by what the law of rates (`autometa.inner`) says of the new size against their own. Of
twenty groups of language models, each left out in turn, the rate of the others missed the group's
best by .12 in log10 at the median, by .21 as it stood, and lost a third as much on smoothed curves.
The law had seen these runs; one of size and tokens fitted without the group missed by .11.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.portfolio import Portfolio
from autometa.priors.near import near_names
from autometa.space import SearchSpace
from autometa.task import TaskHistory

if TYPE_CHECKING:
    from autometa.inner.rate_law import FamilyLaw

LAWS: Mapping[str, str] = {"pretrain_lm": "language"}
"""Prior -> the family of the law that its runs are of."""
SIZES = ("n_params", "n_tokens", "batch_size")
"""Meta-features that are sizes, as `suggest_lr` names them."""
TOKENS = 2048  # of an example of the law


def sizes_of(features: Mapping[str, Any] | None) -> dict[str, float]:
    """The sizes among meta-features, as far as they are finite numbers.

    That others are no numbers is said where meta-features are read (`known_features`).
    """
    given = features if isinstance(features, Mapping) else {}
    found = {name: given[name] for name in SIZES if isinstance(given.get(name), Real)}
    return {name: float(size) for name, size in found.items() if math.isfinite(size)}


def at_size(
    portfolio: Portfolio, family: str, features: Mapping[str, float]
) -> tuple[Portfolio, str]:
    """The tasks with their learning rates moved to a size, and what there is to say of it.

    Args:
        portfolio: Tasks of the family, in its own names.
        family: A prior's name; nothing is moved where its runs follow no law.
        features: Of the new task; those of `SIZES` count, what is missing is taken as usual.

    Raises:
        InputError: a size that is no positive number.
    """
    known = sizes_of(features)
    if family not in LAWS:
        return portfolio, ""
    wrong = [name for name, size in known.items() if size <= 0]
    if wrong:
        raise InputError(f"{wrong[0]} = {known[wrong[0]]}", allowed="a positive number")
    if not known.keys() & {"n_params", "n_tokens"}:
        return portfolio, (
            f"no size is known: meta_features={{'n_params': ..., 'n_tokens': ...}} moves the "
            f"learning rates of {family} to it"
        )
    from autometa.inner.rate_law import FAR, shipped

    law = next(f for f in shipped().families if f.name == LAWS[family])
    there = _sizes(known)
    histories = portfolio.histories
    steps = [_mode(law, there) - _mode(law, _sizes(h.task.meta_features)) for h in histories]
    if not steps:
        return portfolio, ""
    reach = min(steps), max(steps)
    moved = [_moved(h, step, reach) for h, step in zip(histories, steps, strict=True)]
    shown = ", ".join(f"{name} = {size:.3g}" for name, size in known.items())
    low, high = (10.0**step for step in reach)
    line = f"learning rates moved to {shown} by the law of rates, x {low:.2g} to x {high:.2g}"
    for name in features:
        if name not in SIZES and (near := near_names(name, SIZES)):
            line += f"; {name!r} is none of the sizes: did you mean {near[0]!r}?"
    if max(law.beyond(there)) > FAR:
        line += "; that is far beyond every run seen"
    return replace(portfolio, histories=tuple(moved)), line


def _sizes(features: Mapping[str, float]) -> Floats:
    """log10 of parameters, examples and batch, NaN where unknown."""
    found = [features.get(name, math.nan) for name in SIZES]
    found[1] /= TOKENS
    result: Floats = np.log10(np.array(found))
    return result


def _mode(law: FamilyLaw, sizes: Floats) -> float:
    return float(law.curve.mode(law.filled(sizes)[None])[0])


def _moved(history: TaskHistory, step: float, reach: tuple[float, float]) -> TaskHistory:
    """A history whose rates are 10^step as high; all are so in one range, which holds them all."""
    space = history.task.space
    name = space.inner_lr
    old = space.distributions[name] if name else None
    if not isinstance(old, FloatDistribution):
        return history
    assert name is not None
    wide: dict[str, BaseDistribution] = dict(space.distributions)
    wide[name] = FloatDistribution(old.low * 10 ** reach[0], old.high * 10 ** reach[1], log=True)
    new = SearchSpace(
        wide,
        conditions=space.conditions,
        defaults={n: v for n, v in space.defaults.items() if n != name},
        inner_lr=name,
        name=space.name,
    )
    raw, column = history.raw.copy(), space.names.index(name)
    raw[:, column] = np.clip(raw[:, column] * 10**step, wide[name].low, wide[name].high)  # type: ignore[attr-defined]
    return replace(history, task=replace(history.task, space=new), raw=raw)
