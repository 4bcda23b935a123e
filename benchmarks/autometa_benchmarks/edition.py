"""An edition of the embedded portfolio: what a collection wrote, and earlier families beside it.

A family is shipped once its design has been evaluated on every table; until then the histories that
shipped before stay, so that no family is ever without any:

    autometa collect TABLES --into FOLDER --children FINISHED ... --finish-partial --licence MIT
    python -m autometa_benchmarks.edition FOLDER autometa/portfolio/embedded

A second folder with tables of its own, large ones for example, stands beside the first. Learning
curves and seconds ship with five digits: whole ones would be a tenth of the wheel, and say no more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from autometa.encoding import Floats
from autometa.errors import AutometaError, InputError
from autometa.portfolio import Portfolio

_DIGITS = 5  # of what nobody reads to the last one


def edition(new: Portfolio, old: Portfolio) -> Portfolio:
    """The new histories, and the old ones of families that have none among the new.

    Raises:
        InputError: nothing new.
    """
    if not len(new):
        raise InputError("an edition without histories", allowed="a collection that was written")
    fresh = {space.name for space in new.spaces}
    kept = Portfolio(
        (h for h in old.histories if h.task.space.name not in fresh),
        provenance=_of(old.provenance, {s.name for s in old.spaces} - fresh),
        licence=old.licence,
    )
    found = new.merge(kept) if len(kept) else new
    return Portfolio(
        (replace(h, seconds=_short(h.seconds), curves=_short(h.curves)) for h in found.histories),
        provenance=found.provenance,
        licence=found.licence,
    )


def _short(numbers: Floats) -> Floats:
    """Numbers with as many digits as ship."""
    cut = np.vectorize(lambda number: float(f"{number:.{_DIGITS - 1}e}"), otypes=[np.float64])
    found: Floats = cut(numbers)
    return found


def _of(provenance: Mapping[str, Any], families: Set[str]) -> dict[str, Any]:
    """What says how these families came to be: of each, the newest edition by each protocol."""
    found: list[Any] = []
    told: dict[str, set[str]] = {}
    for part in provenance.get("merged", [provenance]):  # the newest first
        left = told.setdefault(str(part.get("protocol")), set(families))
        made = set(part.get("children", families))
        if made & left:
            found.append(part)
            left -= made
    return {"merged": found} if len(found) > 1 else dict(found[0]) if found else {}


def main(arguments: Sequence[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m autometa_benchmarks.edition")
    parser.add_argument("folder", type=Path, nargs="+", help="where a collection was written")
    parser.add_argument("embedded", type=Path, help="the portfolio that ships")
    given = parser.parse_args(arguments)
    try:
        new = reduce(Portfolio.merge, map(Portfolio.load, given.folder))
        found = edition(new, Portfolio.load(given.embedded))
        found.save(given.embedded)
    except AutometaError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    families = ", ".join(dict.fromkeys(space.name for space in found.spaces))
    sys.stdout.write(f"{len(found)} tasks of {families}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
