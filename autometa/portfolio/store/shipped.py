"""The portfolios that ship inside the package: families of children, and networks.

`portfolio/embedded/` is what autometa has run itself, on tables. `portfolio/networks/` is made from
public training runs of others (each task's info names source and licence); a name there is a prior
for people's own training code, and no child.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from autometa.errors import PortfolioError
from autometa.portfolio.histories import Histories
from autometa.portfolio.store import folder as store
from autometa.portfolio.store import manifest
from autometa.space import SearchSpace

FOLDER = Path(__file__).parents[1] / "embedded"
NETWORKS = Path(__file__).parents[1] / "networks"


def read_embedded(child: str) -> Histories:
    """Only the tasks of one child, or of one kind of networks; only its file is read.

    Raises:
        PortfolioError: autometa ships none of this name.
        StoreError: the shipped files are damaged.
    """
    for folder in (FOLDER, NETWORKS):
        if child in _names(folder):
            return store.read(folder, only=child, known=_manifest(folder))
    raise PortfolioError(
        f"no embedded portfolio for {child!r}",
        allowed=", ".join(shipped_names()) or "none ship with this build",
        do="Collect one with `autometa collect`, or go without a portfolio",
    )


def embedded_names() -> tuple[str, ...]:
    """Names of the children whose histories ship; empty where there are none."""
    return _names(FOLDER)


def network_names() -> tuple[str, ...]:
    """Names of the kinds of networks whose histories ship; empty where there are none."""
    return _names(NETWORKS)


def shipped_names() -> tuple[str, ...]:
    """Both of these: what `prior=` takes for a name."""
    return (*embedded_names(), *network_names())


def embedded_spaces() -> dict[str, SearchSpace]:
    """Name of each child whose histories ship -> its space; no trial is read."""
    return {entry["name"]: SearchSpace.from_json(entry) for entry in _spaces(FOLDER)}


def _names(folder: Path) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry["name"] for entry in _spaces(folder)))


def _spaces(folder: Path) -> list[dict[str, Any]]:
    if not store.exists(folder):
        return []
    return [entry["space"] for entry in _manifest(folder)["spaces"]]


def _manifest(folder: Path) -> dict[str, Any]:
    about = (folder / manifest.NAME).stat()
    return _read_manifest(folder, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=4)  # large, and asked for by every family of a search
def _read_manifest(folder: Path, *_state: int) -> dict[str, Any]:
    return store.read_manifest(folder)
