"""Where the public data lie. They are large and not shipped: a folder the user names."""

from __future__ import annotations

import os
from pathlib import Path

from autometa.errors import InputError

VARIABLE = "AUTOMETA_DATA"


def folder(data: Path | None, part: str) -> Path:
    """The folder of one data set, for example "yahpo/lcbench".

    Args:
        data: Root of the data; None = the environment variable AUTOMETA_DATA.
        part: Folder below the root.

    Raises:
        InputError: no root is named, or the data set is not there.
    """
    named = data if data is not None else os.environ.get(VARIABLE)
    advice = "benchmarks/README.md says where the data come from and how to lay them out"
    if not named:
        raise InputError(
            "no folder with benchmark data", allowed=f"--data DIR or {VARIABLE}", do=advice
        )
    found = Path(named) / part
    if not found.exists():
        raise InputError(
            f"{found} does not exist", allowed=f"a folder that holds {part}", do=advice
        )
    return found
