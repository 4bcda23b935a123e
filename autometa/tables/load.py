"""Read a table from a file or from scikit-learn's built-in data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from autometa.errors import InputError
from autometa.reading import read_csv, read_parquet
from autometa.tables.table import Kind, Table

TARGET = "target"
BUILTIN: Mapping[str, str] = {
    # scikit-learn's name -> family of the same data in public collections
    "breast_cancer": "wisconsin",
    "diabetes": "diabetes",
    "digits": "optdigits",
    "iris": "iris",
    "wine": "wine",
}


def load_table(
    source: str | Path,
    target: str | None = None,
    *,
    kind: Kind | None = None,
    name: str | None = None,
    family: str | None = None,
) -> Table:
    """Read a table.

    Args:
        source: Path of a CSV or Parquet file, or `sklearn:NAME`.
        target: Column to predict; "target" where None.
        kind: Guessed from the target where None.
        name: The file's name without ending where None.
        family: See `Table`.

    Raises:
        InputError: no such file or data set, no such column, or a table that cannot be used.
        StoreError: the file is there and cannot be read.
    """
    text = str(source)
    if text.startswith("sklearn:"):
        builtin = text.removeprefix("sklearn:")
        frame = _from_sklearn(builtin)
        name, family = name or builtin, family or BUILTIN[builtin]
    else:
        path = Path(source)
        frame = _from_file(path)
        name = name or path.name.split(".")[0] or text
    target = TARGET if target is None else target
    if target not in frame.columns:
        raise InputError(
            f"table {name!r} has no column {target!r}",
            allowed=_shown(list(frame.columns)),
            do="Name the column to predict with --target (target=...)",
        )
    if list(frame.columns).count(target) > 1:
        raise InputError(f"table {name!r} has several columns named {target!r}", do="Rename them")
    return Table(
        name=name,
        X=frame.drop(columns=target),
        y=frame[target],
        kind=kind,
        family=family or "",
        info={"source": text if text.startswith("sklearn:") else Path(text).name},
    )


def _from_file(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(
            f"no file {str(path)!r}",
            allowed=f"a CSV or Parquet file, or sklearn:NAME with NAME one of {_shown(BUILTIN)}",
        )
    endings = {s.lower() for s in path.suffixes}
    try:
        if endings & {".parquet", ".pq"}:
            return read_parquet(path)
        if endings & {".csv", ".tsv", ".txt"}:
            return _read_csv(path)
    except pd.errors.EmptyDataError as error:
        raise InputError(f"{path.name!r} is empty", do="Give a table with data") from error
    raise InputError(f"file {path.name!r}", allowed="a name that ends in .csv, .tsv or .parquet")


def _read_csv(path: Path) -> pd.DataFrame:
    frame = read_csv(path, low_memory=False)
    for separator in (";", "\t"):
        if frame.shape[1] == 1 and separator in str(frame.columns[0]):
            frame = read_csv(path, sep=separator, low_memory=False)
    return frame


def _from_sklearn(name: str) -> pd.DataFrame:
    if name not in BUILTIN:
        raise InputError(f"scikit-learn data set {name!r}", allowed=_shown(BUILTIN))
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame: pd.DataFrame = bunch.frame.copy()
    if "target_names" in bunch and bunch.target_names is not None and name != "diabetes":
        frame[TARGET] = pd.Categorical.from_codes(
            frame[TARGET].to_numpy(dtype=np.int64), pd.Index([str(c) for c in bunch.target_names])
        )
    return frame


def _shown(names: Any) -> str:
    listed = [str(n) for n in names]
    return ", ".join(listed[:12]) + (f", ... ({len(listed)} in all)" if len(listed) > 12 else "")
