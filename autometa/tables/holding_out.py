"""Rows that a search never sees, so that its model can be scored on them at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from autometa.errors import InputError
from autometa.tables.load import read_raw
from autometa.tables.table import Kind, Table


def read_parts(
    source: str | Path,
    target: str | None = None,
    *,
    share: float,
    seed: int = 0,
    kind: Kind | None = None,
    keep: Sequence[str] = (),
) -> tuple[Table, pd.DataFrame]:
    """A table of some rows, and the others as they stand in the file, for a model to be scored on.

    Rows are drawn by chance; of a classification each class gives its share, as far as it has the
    rows, and keeps one at least, as a model says no label that it has not seen. What is read into
    the columns is decided by the table's rows alone.

    Args:
        source: As of `load_table`, like all others but the next two.
        target: As of `load_table`.
        share: Of the rows with a target that are held out, above 0 and below 1.
        seed: Which ones.
        kind: As of `load_table`.
        keep: As of `load_table`.

    Raises:
        InputError, StoreError: as `load_table`; or not such a share.
    """
    if not 0 < share < 1:
        raise InputError(f"a share of {share:g} held out", allowed="one above 0 and below 1")
    whole = read_raw(source, target)
    kind = whole.table(kind=kind, keep=keep).kind  # which also checks the rows that are held out
    rows = whole.frame[whole.frame[whole.target].notna()].reset_index(drop=True)
    held = min(max(round(share * len(rows)), 1), len(rows) - 1)
    classes = kind == "classification"
    drawn = _drawn(rows[whole.target], held, seed, classes=classes)
    if classes:
        drawn = _without_last_rows(rows[whole.target], drawn)
    rest = replace(whole, frame=rows.drop(index=drawn).reset_index(drop=True))
    return rest.table(kind=kind, keep=keep), rows.loc[drawn].reset_index(drop=True)


def _drawn(y: pd.Series[Any], held: int, seed: int, *, classes: bool) -> list[int]:
    """Which rows are held out, in their order."""
    from sklearn.model_selection import train_test_split

    if classes:  # the only row of a class stays where it can be learned
        y = y[y.duplicated(keep=False)]
        held = min(held, len(y) - 1)
    by_class = classes and min(held, len(y) - held) >= y.nunique()
    _, drawn = train_test_split(
        y.index, test_size=held, random_state=seed, stratify=y if by_class else None
    )
    return sorted(drawn)


def _without_last_rows(y: pd.Series[Any], drawn: list[int]) -> list[int]:
    """The rows but the first of each class that would have no other row left."""
    gone = set(y) - set(y.drop(drawn))
    last = {int(y.index[y == label][0]) for label in gone}
    return [row for row in drawn if row not in last]
