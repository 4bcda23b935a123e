"""One column's cells as floats or as text, whatever pandas type they have."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
import pandas as pd

_Data = TypeVar("_Data", "pd.DataFrame", "pd.Series[Any]")

LOOKED_AT = 5000
"""Cells of a column from which it is told what they are."""
LARGEST = 1e30
"""Numbers beyond are cut to it: their squares are more than 64 bits hold, or they more than 32."""


def inferred(data: _Data) -> _Data:
    """A frame or column of the types that its cells have, rather than objects or Arrow's own."""
    if isinstance(data, pd.Series):
        held = isinstance(data.dtype, pd.ArrowDtype) and data.dtype.kind not in "biufmM"
        return (data.astype(object) if held else data).infer_objects()
    kept = [i for i, dtype in enumerate(data.dtypes) if isinstance(dtype, pd.ArrowDtype)]
    columns = {data.columns[i]: inferred(data.iloc[:, i]) for i in kept}
    return data.assign(**columns).infer_objects()


def are_plain(frame: pd.DataFrame) -> bool:
    """Whether all columns, none of them perhaps, are numpy's own integers and floats."""
    return all(isinstance(dtype, np.dtype) and dtype.kind in "iuf" for dtype in frame.dtypes)


def as_number(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as float64, missing as NaN; dates are days since 1970, durations days.

    A period is the date at which it begins.

    Anything else that is no number becomes NaN: at prediction time it is a missing value.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        stamps = pd.to_datetime(column, utc=True)
        return _days(stamps - pd.Timestamp("1970-01-01", tz="UTC"))
    if column.dtype.kind == "m":
        return _days(column)
    if isinstance(column.dtype, pd.PeriodDtype):
        return as_number(column.dt.to_timestamp())
    numbers = pd.to_numeric(column, errors="coerce")
    return pd.Series(
        numbers.to_numpy(dtype=np.float64, na_value=np.nan), index=column.index, name=column.name
    )


def as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as Python strings, missing as NaN: what a category is whatever its type was.

    A whole number is the same category as an integer and as a float, which one missing cell makes
    of it.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        words = as_text(pd.Series(column.cat.categories)).to_numpy(dtype=object)
        codes = column.cat.codes.to_numpy()
        found = np.append(words, np.nan)[codes]  # the code of a missing one is -1, the last
        return pd.Series(found, index=column.index, name=column.name, dtype=object)
    values: pd.Series[Any] = column.astype(object)
    if isinstance(column.dtype, pd.StringDtype):
        return values.where(column.notna(), np.nan)
    return values.where(column.isna(), values.map(word_of)).where(column.notna(), np.nan)


def exact_as_float(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column of decimals or fractions as floats, any other as it is.

    >>> from decimal import Decimal
    >>> exact_as_float(pd.Series([Decimal("0.1"), None])).tolist()
    [0.1, nan]
    """
    known = column.dropna() if column.dtype == object else column[:0]
    if not len(known) or not known.map(lambda value: isinstance(value, Decimal | Fraction)).all():
        return column
    return column.map(float, na_action="ignore").astype(np.float64)


def some_of(column: pd.Series[Any]) -> pd.Series[Any]:
    """Cells that are not missing, at most `LOOKED_AT` of them, evenly spread over the rows."""
    known = column.dropna()
    if len(known) <= LOOKED_AT:
        return known
    return known.iloc[np.linspace(0, len(known) - 1, LOOKED_AT).astype(np.int64)]


def is_text(column: pd.Series[Any]) -> bool:
    """Whether a column holds text, or objects that are shown as text; categories do not."""
    types = pd.api.types
    return types.is_object_dtype(column) or isinstance(column.dtype, pd.StringDtype)


def is_moment(column: pd.Series[Any]) -> bool:
    """Whether a column holds dates, periods or durations."""
    types = pd.api.types
    if isinstance(column.dtype, pd.PeriodDtype):
        return True
    return types.is_datetime64_any_dtype(column) or column.dtype.kind == "m"


def word_of(value: object) -> str:
    """One cell that is not missing, as `as_text` writes it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def _days(durations: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(durations.dtype, pd.ArrowDtype):  # which refuses many nanoseconds as floats
        unit = durations.dtype.pyarrow_dtype.unit
        cells = durations.to_numpy(dtype=f"timedelta64[{unit}]", na_value=np.timedelta64("NaT"))
        durations = pd.Series(cells, index=durations.index, name=durations.name)
    days = (durations.dt.total_seconds() / 86_400).to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.Series(days, index=durations.index, name=durations.name)
