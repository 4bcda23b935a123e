"""The portfolio that ships inside the package, in `portfolio/embedded/`."""

from __future__ import annotations

from pathlib import Path

from autometa.errors import PortfolioError
from autometa.portfolio.histories import Histories
from autometa.portfolio.store import folder as store
from autometa.space import SearchSpace

FOLDER = Path(__file__).parents[1] / "embedded"


def read_embedded(child: str) -> Histories:
    """Only the tasks of one child; only its file is read.

    Raises:
        PortfolioError: autometa ships none for this child.
        StoreError: the shipped files are damaged.
    """
    if store.exists(FOLDER):
        stored = store.read(FOLDER, only=child)
        if stored.histories:
            return stored
    raise PortfolioError(
        f"no embedded portfolio for {child!r}",
        allowed=", ".join(embedded_names()) or "none ship with this build",
        do="Collect one with `autometa collect`, or go without a portfolio",
    )


def embedded_names() -> tuple[str, ...]:
    """Names of the children whose histories ship; empty where there are none."""
    if not store.exists(FOLDER):
        return ()
    names = (entry["space"]["name"] for entry in store.read_manifest(FOLDER)["spaces"])
    return tuple(dict.fromkeys(names))


def embedded_spaces() -> dict[str, SearchSpace]:
    """Name of each child whose histories ship -> its space; no trial is read."""
    if not store.exists(FOLDER):
        return {}
    entries = (entry["space"] for entry in store.read_manifest(FOLDER)["spaces"])
    return {entry["name"]: SearchSpace.from_json(entry) for entry in entries}
