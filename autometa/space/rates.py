"""Which parameter of a space is the inner learning rate, by its name.

Nobody who imports a study says it, and nearly everybody calls it `lr`, `learning_rate`, `eta` or
what scikit-learn and the boosting libraries call it, perhaps behind the name of a step
("mlp__learning_rate_init", "optimizer.lr") or of what it belongs to ("adam_lr").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from optuna.distributions import BaseDistribution, FloatDistribution

from autometa.space.space import SearchSpace

_NAMES = frozenset(
    {"lr", "lr0", "eta", "eta0", "learningrate", "learningrateinit", "shrinkage", "shrinkagerate"}
    | {
        name
        for how in ("base", "init", "initial", "inner", "max", "peak")
        for what in ("lr", "learningrate")
        for name in (f"{how}{what}", f"{what}{how}")
    }
)
_ENDS = ("_lr", "_learning_rate", "_learning_rate_init")
_OTHERS = {"min", "end", "final", "warmup", "decay", "last"}  # rates of a schedule, not its height
_STEPS = re.compile(r"__|[./:\\]")


def is_rate_name(name: str) -> bool:
    """Whether a parameter of that name is a learning rate.

    >>> [n for n in ("LR", "learningRate", "net__opt.lr", "min_lr", "beta") if is_rate_name(n)]
    ['LR', 'learningRate', 'net__opt.lr']
    """
    return _rank(name) is not None


def inner_rate(distributions: Mapping[str, BaseDistribution]) -> str | None:
    """The name of the inner learning rate: a log-scaled float, and the only one that fits so well.

    A bare name goes before one behind a step's name, and that before a name of several words; of
    two that fit alike (`generator_lr`, `critic_lr`) neither is the one.
    """
    ranks = {
        name: rank
        for name, distribution in distributions.items()
        if isinstance(distribution, FloatDistribution)
        and distribution.log
        and (rank := _rank(name)) is not None
    }
    best = [name for name, rank in ranks.items() if rank == min(ranks.values())]
    return best[0] if len(best) == 1 else None


def as_space(given: SearchSpace | Mapping[str, BaseDistribution]) -> SearchSpace:
    """A space as it is; of distributions alone a space that knows its inner rate by its name.

    A `SearchSpace` says itself which one that is, or that it has none.

    Raises:
        SpaceError: the distributions make no space.

    >>> as_space({"lr": FloatDistribution(1e-5, 0.1, log=True)}).inner_lr
    'lr'
    """
    if isinstance(given, SearchSpace):
        return given
    space = SearchSpace(given)  # first: what is no mapping of distributions is refused there
    return replace(space, inner_lr=inner_rate(space.distributions))


def _rank(name: str) -> int | None:
    """How plainly a name is a learning rate's, 0 best; None where it is none."""
    *steps, last = _STEPS.split(name.strip())
    last = last.lower()
    if re.sub(r"[^a-z0-9]", "", last) in _NAMES:
        return 1 if steps else 0
    if last.endswith(_ENDS) and last.split("_")[0] not in _OTHERS:
        return 2
    return None
