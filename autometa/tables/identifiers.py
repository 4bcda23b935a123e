"""Columns that only tell rows apart: row numbers, keys, names and codes of single rows.

A model that sees them learns the order of the file or nothing at all, and a table that was sorted
by its target gives itself away. Numbers count as an identifier where each row has its own, and

    they count the rows        0 to n-1 or 1 to n, in any order
    they rise with the rows    each larger than the one before, unless the name says that they
                               are times (`year`, `date`, `hour`, ...)
    the name says so           `id`, `key`, `index`, `Unnamed: 0`, ...

Text counts as one where nearly each row has its own. Fewer than 20 rows say nothing.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from autometa.tables.values import as_number, is_moment

FEW_ROWS = 20
OWN = 0.95
"""Share of different values from which on a text column tells rows apart."""
_UUID = re.compile(r"\{?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?|[0-9a-fA-F]{32,64}")
_KEY = re.compile(
    r"unnamed: \d+(_level_\d+)?|\.\.\.\d+|(.*[_\s.-])?(ids?|uuid|guid|key|pk|index|idx)|level_0"
    r"|row[_\s.-]?(names?|number|num|no|nr|id)?|rownames?|(record|case|sample)[_\s.-]?(no|nr|number)|",
    re.IGNORECASE,
)
_KEY_BY_CASE = re.compile(r".*[a-z](Id|ID|Key|Index)")
_TIME = re.compile(
    r"(?i).*(year|month|week|day|date|time|hour|minute|second|quarter|season|period|epoch|stamp|jahr"
    r"|ann[eé]e|a[nñ]o|age|rank|position|order|place)(?![a-z]).*|t|yr|ts"
)


def why_identifier(column: pd.Series[Any]) -> str:
    """Why a column is an identifier, in a few words; empty where it is none."""
    known = column.dropna()
    if len(column) < FEW_ROWS or not len(known):
        return ""
    if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(column):
        return ""
    if is_moment(column):
        return ""
    if not pd.api.types.is_numeric_dtype(column):
        return _why_text(known)
    return _why_number(column) if len(known) == len(column) else ""


def named_as_key(name: str) -> bool:
    """Whether a column's name says that it identifies rows."""
    return bool(_KEY.fullmatch(name.strip()) or _KEY_BY_CASE.fullmatch(name))


def _why_text(known: pd.Series[Any]) -> str:
    words = known.astype(str)
    different = words.nunique() / len(words)
    if different >= OWN and len(words) >= FEW_ROWS:
        return "nearly each row has a text of its own"
    if different > 0.5 and words.map(lambda w: bool(_UUID.fullmatch(w.strip()))).all():
        return "codes that identify rows"
    return ""


def _why_number(column: pd.Series[Any]) -> str:
    values = as_number(column).to_numpy()
    if not np.isfinite(values).all() or (values != np.floor(values)).any():
        return ""
    if len(np.unique(values)) < len(values):
        return ""
    name = str(column.name)
    if named_as_key(name):
        return "by its name it identifies rows, and each has its own value"
    if _TIME.fullmatch(name):
        return ""
    if values.min() in (0, 1) and values.max() - values.min() == len(values) - 1:
        return "it counts the rows"
    steps = np.diff(values)
    if (steps > 0).all() or (steps < 0).all():
        return "it rises or falls from row to row"
    return ""
