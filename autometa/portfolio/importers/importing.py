"""Trials in a CSV or Parquet file -> a data frame for `Portfolio.from_frame`.

CSV knows only text: a cell "1" may be the number, the text or, beside "True", nothing at all. So
every cell is read as text and understood by the space: a number where the parameter is one, else
the choice that is written so. Parquet has types and is taken as it is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from optuna.distributions import CategoricalDistribution

from autometa.errors import InputError, StoreError
from autometa.reading import csv_header, read_csv, read_parquet
from autometa.space import SearchSpace, Value

if TYPE_CHECKING:
    import pandas as pd

MISSING = ("", "NaN", "nan", "NA", "None", "null")
_KINDS = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet", ".pq": "parquet"}


def table_kind(path: str | Path) -> str | None:
    """What a file of rows is by its name, "csv" or "parquet"; None where neither."""
    name = Path(path).name.lower()
    return next((kind for end, kind in _KINDS.items() if name.endswith(end)), None)


def read_trials(path: str | Path, space: SearchSpace, *, kind: str | None = None) -> pd.DataFrame:
    """The data frame of a file of trials, whose kind is told by its name where None.

    Raises:
        InputError: neither CSV nor Parquet by its name.
        StoreError: it cannot be read.
    """
    import pandas as pd

    file = Path(path)
    kind = kind or table_kind(file)
    if kind is None:
        raise InputError(f"file {file.name!r}", allowed=".csv, .csv.gz, .parquet")
    try:
        if kind == "parquet":
            return read_parquet(file)
        frame = read_csv(file, dtype=str, keep_default_na=False)
        header = csv_header(file)
    except FileNotFoundError as error:
        raise StoreError(f"{file} does not exist", do="Name a file of trials") from error
    except pd.errors.EmptyDataError as error:
        raise StoreError(f"{file} is empty", do="Name a file of trials") from error
    frame = understood(frame, space)
    if len(header) == frame.shape[1]:
        frame.columns = header  # a name that comes twice does so again, and is refused if needed
    return frame


def understood(frame: pd.DataFrame, space: SearchSpace) -> pd.DataFrame:
    """A frame of text with the choices and missing cells that the text stands for."""
    result = frame.copy()
    for name in frame.columns:
        distribution = space.distributions.get(name)
        words: dict[str, Value] = dict.fromkeys(MISSING)
        if isinstance(distribution, CategoricalDistribution):
            words |= words_of(distribution.choices)
        column = frame[name].astype(object)
        result[name] = column.map(lambda cell, words=words: words.get(cell, cell)).astype(object)
    return result


def words_of(choices: tuple[Value, ...]) -> dict[str, Value]:
    """How choices may be written as text; text stands for itself first of all."""
    words: dict[str, Value] = {}
    for choice in choices:
        if not isinstance(choice, str) and choice is not None:
            forms = {str(choice), json.dumps(choice)}
            if isinstance(choice, int) and not isinstance(choice, bool):
                forms.add(f"{choice}.0")  # pandas writes integers so, beside missing cells
            words |= dict.fromkeys(forms, choice)
    return words | {c: c for c in choices if isinstance(c, str)}
