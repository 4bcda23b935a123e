"""The suites by name: the one that needs no data, and those of other packages' collections.

A suite of your own needs no name: `autometa.bench.run` takes it as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from autometa.bench.collection import Listed, collections, together
from autometa.bench.data import folder
from autometa.bench.research import MORE, has_research
from autometa.bench.suite import Suite
from autometa.errors import InputError

_OWN = {"synthetic": Listed(home=f"{__name__}.synthetic:Synthetic")}


def names() -> tuple[str, ...]:
    """Names of all suites."""
    return tuple(_all())


def load(name: str, data: Path | None = None) -> Suite:
    """A suite by name.

    Args:
        name: One of `names()`.
        data: Root of the public data; None = the environment variable AUTOMETA_DATA.

    Raises:
        InputError: an unknown name, a package that it needs, or data that are not there.
    """
    make: Callable[[Path | None], Suite] = _kind(name)
    part = _listed(name).data
    return make(folder(data, part) if part else data)


def about(name: str) -> str:
    """What a suite measures, in a sentence; or which package it lacks.

    Raises:
        InputError: an unknown name.
    """
    lacking = _listed(name).missing()
    return f"(needs {lacking})" if lacking else _kind(name).about


def _all() -> dict[str, Listed]:
    return together(_OWN, ((c.name, c.suites) for c in collections()))


def _listed(name: str) -> Listed:
    known = _OWN if name in _OWN else _all()
    if name not in known:
        raise InputError(
            f"suite {name!r}", allowed=", ".join(known), do="" if has_research() else MORE
        )
    return known[name]


def _kind(name: str) -> type[Suite]:
    listed = _listed(name)
    if lacking := listed.missing():
        raise InputError(
            f"suite {name!r} without the package {lacking}",
            do=f"Install it with `pip install {lacking}`",
        )
    module, _, kind = listed.home.partition(":")
    found: type[Suite] = getattr(import_module(module), kind)
    return found
