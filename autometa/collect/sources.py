"""Tables of a folder, with what an `index.csv` beside them says about family, kind and source."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from autometa.errors import AutometaError, InputError
from autometa.reading import read_csv
from autometa.space.values import listed
from autometa.tables import Kind, Table
from autometa.tables.endings import ALLOWED, ending, in_folder
from autometa.tables.load import check_kept, check_source, read_table

INDEX = "index.csv"
NOTED = ("source", "licence", "domain")  # index columns that become provenance


def load_tables(
    sources: Iterable[str | Path],
    *,
    target: str | None = "target",
    kind: Kind | None = None,
    keep: Sequence[str] = (),
    broken: Callable[[str, AutometaError], None] | None = None,
) -> list[Table]:
    """Every table of folders, files and `sklearn:NAME`s, in that order, folders by name.

    Args:
        sources: Folders of CSV and Parquet files, single files, or scikit-learn's data sets.
        target: The column to predict, in files.
        kind: Of all of them; what an index says, or else guessed, where None.
        keep: Columns that stay although they count the rows or identify them, where there are any.
        broken: Told the file's name and what is wrong with a table that cannot be used; it is then
            left out, as long as there are others. None where one such table is an error.

    Raises:
        InputError: nothing found, a table that cannot be used, or two of one name.
        StoreError: a file that is there and cannot be read.
    """
    tables: dict[str, Table] = {}
    lost: list[AutometaError] = []
    for place in [place for source in sources for place in _places(source)]:
        try:
            table = _load(place, target, kind, keep)
        except AutometaError as error:
            if broken is None:
                raise
            lost.append(error)
            broken(Path(place).name, error)
        else:
            if table.name in tables:
                raise InputError(
                    f"two tables are called {table.name!r}",
                    allowed="one table a name",
                    do="Rename one of the files",
                )
            tables[table.name] = table
    if len(lost) == 1 and not tables:
        raise lost[0]
    if lost and not tables:
        raise InputError(f"none of {len(lost)} tables can be used; the first: {lost[0]}")
    if not tables:
        raise InputError("no tables given", allowed=f"folders, or files with {ALLOWED}")
    check_kept(keep, list(tables.values()))
    for table in tables.values():
        table.warn(stacklevel=3)
    return list(tables.values())


def _places(source: str | Path) -> list[str | Path]:
    path = Path(source)
    if not path.is_dir():
        if not path.exists():  # a slip of the pen, and no broken table
            check_source(source)
        return [source]
    named = _index(path)  # if that is broken, it is no single table's fault
    files = sorted(p for p in path.iterdir() if in_folder(p) and p.name != INDEX and p.is_file())
    if not files:
        raise InputError(f"no tables in {source!s}", allowed=f"files with {ALLOWED}")
    names = [_name(file) for file in files]
    if unknown := sorted(named.keys() - names):
        # Its family would be lost without a word, and relatives taught a table of themselves.
        raise InputError(
            f"{INDEX} names {unknown[0]!r} ({len(unknown)} in all), and no table beside it",
            allowed=listed(names),
            do="Write names as they are here, without an ending, and take other rows out",
        )
    return list(files)


def _name(path: Path) -> str:
    found = ending(path)
    return found.name if found else path.stem


def _load(source: str | Path, target: str | None, kind: Any, keep: Sequence[str]) -> Table:
    if str(source).startswith("sklearn:"):
        return read_table(str(source), kind=kind, keep=keep)
    path = Path(source)
    noted = _index(path.parent).get(_name(path), {})
    kind = kind or noted.get("kind") or None
    table = read_table(path, target, kind=kind, family=noted.get("family"), keep=keep)
    return replace(table, info={**table.info, **{k: noted[k] for k in NOTED if noted.get(k)}})


@cache
def _index(folder: Path) -> Mapping[str, Mapping[str, str]]:
    """Rows of the folder's index by table name; empty where there is none.

    Raises:
        InputError: the index has no column `name`.
    """
    path = folder / INDEX
    if not path.exists():
        return {}
    frame = read_csv(path, dtype=str, keep_default_na=False)
    if "name" not in frame:
        raise InputError(
            f"{INDEX} has the columns {', '.join(map(str, frame.columns))}",
            allowed="name, family, kind, domain, source, licence; only name is needed",
        )
    rows = json.loads(frame.to_json(orient="records"))
    return {row["name"]: row for row in rows}
