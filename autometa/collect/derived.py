"""Regressions made of tables that are something else: another number column becomes the target.

Public collections hold few regressions. A number column that the others predict neither hardly nor
wholly is one, on real data; what was the target before is a feature like the others. A derived
table keeps its table's family, so that the two never stand on both sides of a split.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from autometa.errors import InputError, StoreError
from autometa.reading import parse_json, read_bytes
from autometa.tables import Table
from autometa.tables.columns import Reading
from autometa.writing import write_whole

DERIVED = "derived_from"  # key of a table's info
LIST = "derived.json"
SIGN = "~"  # between the table's name and the column's
FEWEST_ROWS, MOST_ROWS = 200, 1000
FEWEST_VALUES = 25  # distinct ones in the column
MOST_EQUAL = 0.3  # share of the most common one
LEAST, MOST = 0.2, 0.97  # of the variance that quick trees explain
COLUMNS = 8  # columns that are tried, evenly spread over the table
_AIM = 0.6  # the explained share that is preferred


def derive(table: Table, column: str) -> Table:
    """The regression of a column on all others, the old target among them.

    Raises:
        InputError: not a number column, or what it leaves cannot be used.
    """
    if column not in table.schema.numeric:
        raise InputError(
            f"column {column!r} of table {table.name!r} as a target",
            allowed=f"a number column: {', '.join(table.schema.numeric[:12])}",
        )
    old = "class" if "class" not in table.X.columns else "old target"
    return Table(
        name=f"{table.name}{SIGN}{column}",
        X=pd.concat([table.X.drop(columns=column), table.y.rename(old)], axis=1),
        y=table.X[column].astype(np.float64),
        kind="regression",
        family=table.family,
        reading=Reading.done(table.schema.dates),
        info={**table.info, DERIVED: table.name, "target": column},
    )


def choose(tables: Sequence[Table], n: int, seed: int) -> list[Table]:
    """At most n derived regressions, of n families, from the tables in their order.

    Args:
        tables: Classifications and regressions; derived ones are passed over.
        n: How many.
        seed: Of the quick trees.
    """
    found: list[Table] = []
    families: set[str] = set()
    for table in tables:
        if len(found) == n:
            break
        if table.family in families or DERIVED in table.info or len(table) < FEWEST_ROWS:
            continue
        explained = dict(_explained(table, seed))
        if explained:
            best = min(explained, key=lambda c: (abs(explained[c] - _AIM), c))
            found.append(derive(table, best))
            families.add(table.family)
    return found


def with_derived(tables: Sequence[Table], n: int, folder: Path, seed: int) -> list[Table]:
    """The tables and at most n derived ones; which, is kept in the folder and never chosen anew.

    Raises:
        StoreError: the folder's list is damaged, or cannot be written.
        InputError: n is negative, or a table or column of the list is gone.
    """
    if n < 0:
        raise InputError(f"{n} derived tables", allowed="0 or more")
    listed = folder / LIST
    if not n:
        return list(tables)
    if listed.exists():
        by_name = {table.name: table for table in tables}
        made = []
        for entry in _listed(listed)[:n]:
            if entry["table"] not in by_name:
                raise InputError(
                    f"no table {entry['table']!r}, of which a regression was derived",
                    allowed="the tables with which the folder was begun",
                    do="Give them again, or another folder",
                )
            made.append(derive(by_name[entry["table"]], entry["column"]))
        return [*tables, *made]
    made = choose(tables, n, seed)
    content = [{"table": t.info[DERIVED], "column": t.info["target"]} for t in made]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(listed, json.dumps(content, indent=1) + "\n")
    except OSError as error:
        raise StoreError(f"{listed} cannot be written: {error.strerror or error}") from error
    return [*tables, *made]


def _listed(path: Path) -> list[dict[str, str]]:
    try:
        entries = parse_json(read_bytes(path))
        return [{"table": str(e["table"]), "column": str(e["column"])} for e in entries]
    except (ValueError, LookupError, TypeError) as error:
        raise StoreError(
            f"{path.name} is damaged ({error})", do="Restore the file, or remove the folder"
        ) from error


def _explained(table: Table, seed: int) -> Iterator[tuple[str, float]]:
    """Columns that would make a regression, with the share of variance that trees explain."""
    from autometa import children

    child = children.get("extra_trees", "regression")
    quick = {**child.space.defaults, "n_estimators": 30, "min_samples_leaf": 2}
    rng = np.random.default_rng(seed)
    sample = table.subsample(MOST_ROWS, rng)
    fit = [c for c in table.schema.numeric if _spread(sample, c)]
    step = max(1, len(fit) // COLUMNS)
    for column in fit[::step][:COLUMNS]:
        trial = children.evaluate(child, quick, derive(sample, column), folds=3, seed=seed)
        if trial.value is not None and LEAST <= trial.value <= MOST:
            yield column, trial.value


def _spread(table: Table, column: str) -> bool:
    values = table.X[column]
    counts = values.value_counts()
    known = bool(values.notna().all())
    return known and len(counts) >= FEWEST_VALUES and counts.iloc[0] <= MOST_EQUAL * len(values)
