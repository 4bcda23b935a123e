"""Collections of suites and methods that other packages bring to `autometa bench`.

A package announces one with an entry point of the group "autometa.suites" that names a
`Collection`. autometa's own research (public data, other people's methods) is such a package too,
`autometa_benchmarks` in the folder `benchmarks` of the repository: a checkout that is installed
editable has it beside autometa, and then no entry point is needed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import TypeVar

from autometa.bench.method import Method
from autometa.bench.research import PACKAGE, has_research
from autometa.errors import InputError

GROUP = "autometa.suites"
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A suite that is not loaded yet.

    Args:
        home: "module:CLASS", a `Suite` that is made from the folder of its data.
        data: That folder below the root of the public data; empty where it needs none.
        needs: A package beyond what its collection needs; empty where there is none.
    """

    home: str
    data: str = ""
    needs: str = ""

    def missing(self) -> str:
        """What it needs and cannot be imported; empty where nothing is missing."""
        return self.needs if self.needs and find_spec(self.needs) is None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What a package brings.

    Args:
        name: Of the package, for messages.
        suites: Name -> where the suite is.
        methods: Makes the methods, when they are asked for.
    """

    name: str
    suites: Mapping[str, Listed] = field(default_factory=dict)
    methods: Callable[[], Iterable[Method]] = tuple


@lru_cache(maxsize=1)
def collections() -> tuple[Collection, ...]:
    """Those of other packages, in the order of their names; one that cannot be read is logged."""
    found = {c.name: c for c in _announced()}
    if has_research():
        research: Collection = import_module(f"{PACKAGE}.collection").COLLECTION
        found[research.name] = research
    return tuple(found[name] for name in sorted(found))


def methods_of(collection: Collection) -> dict[str, Method]:
    """Name -> method; none, with a line in the log, where they cannot be made."""
    try:
        return {m.name: m for m in collection.methods()}
    except Exception as error:  # another package's mistake must not take ours away
        _log.warning("methods of %s left out: %r", collection.name, error)
        return {}


def together(own: Mapping[str, _T], parts: Iterable[tuple[str, Mapping[str, _T]]]) -> dict[str, _T]:
    """What this package has by name, and what others add.

    Args:
        own: Name -> entry.
        parts: Package -> its entries.

    Raises:
        InputError: two packages have one name.
    """
    result, home = dict(own), dict.fromkeys(own, "autometa")
    for package, entries in parts:
        for name, entry in entries.items():
            if name in result:
                raise InputError(
                    f"{name!r} of {package}, which {home[name]} has too",
                    allowed="names that only one package uses",
                    do=f"Uninstall one of {package} and {home[name]}",
                )
            result[name], home[name] = entry, package
    return result


def _announced() -> Iterator[Collection]:
    for point in entry_points(group=GROUP):
        found = _loaded(point)
        if isinstance(found, Collection):
            yield found


def _loaded(point: EntryPoint) -> object:
    """What an entry point names; None with a line in the log where it is no collection."""
    problem = "it is no autometa.bench.collection.Collection"
    try:
        found = point.load()
        if isinstance(found, Collection):
            return found
    except Exception as error:  # as above
        problem = repr(error)
    _log.warning("suites of %s left out: %s", point.value, problem)
    return None
