"""The methods by name. A new method is one `Method` in a file here and one entry in `_ALL`."""

from __future__ import annotations

from autometa.bench.method import Method
from autometa.bench.methods.cold import CMA_ES, COLD_GP, COLD_TPE, RANDOM
from autometa.bench.methods.greedy import ENQUEUE3_GP, ENQUEUE3_TPE, GREEDY_PORTFOLIO
from autometa.bench.methods.own import OWN
from autometa.bench.methods.rgpe import RGPE
from autometa.bench.methods.syne_tune import SYNE_TUNE
from autometa.bench.methods.ws_cma_es import WS_CMA_ES
from autometa.errors import InputError

_ALL = {
    m.name: m
    for m in (
        *OWN,
        RANDOM,
        COLD_TPE,
        COLD_GP,
        CMA_ES,
        WS_CMA_ES,
        GREEDY_PORTFOLIO,
        ENQUEUE3_TPE,
        ENQUEUE3_GP,
        RGPE,
        *SYNE_TUNE,
    )
}


def names() -> tuple[str, ...]:
    """Names of all methods."""
    return tuple(_ALL)


def get(name: str) -> Method:
    """A method by name.

    Raises:
        InputError: an unknown name.
    """
    if name not in _ALL:
        raise InputError(f"method {name!r}", allowed=", ".join(_ALL))
    return _ALL[name]
