"""The methods by name: ours, Optuna's cold samplers, and those of other packages' collections.

A method of your own needs no name: `autometa.bench.run` takes it as it is (with one worker).
"""

from __future__ import annotations

from functools import lru_cache

from autometa.bench.collection import collections, methods_of, together
from autometa.bench.method import Method
from autometa.bench.methods.cold import COLD_GP, COLD_TPE, RANDOM
from autometa.bench.methods.greedy import ENQUEUE3_GP, ENQUEUE3_TPE, GREEDY_PORTFOLIO
from autometa.bench.methods.own import OWN
from autometa.bench.research import MORE, has_research
from autometa.errors import InputError

_OWN = {
    m.name: m
    for m in (*OWN, RANDOM, COLD_TPE, COLD_GP, GREEDY_PORTFOLIO, ENQUEUE3_TPE, ENQUEUE3_GP)
}


def names() -> tuple[str, ...]:
    """Names of all methods."""
    return tuple(_all())


def get(name: str) -> Method:
    """A method by name.

    Raises:
        InputError: an unknown name.
    """
    known = _OWN if name in _OWN else _all()
    if name not in known:
        raise InputError(
            f"method {name!r}", allowed=", ".join(known), do="" if has_research() else MORE
        )
    return known[name]


@lru_cache(maxsize=1)
def _all() -> dict[str, Method]:
    return together(_OWN, ((c.name, methods_of(c)) for c in collections()))
