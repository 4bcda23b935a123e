"""Dates that are written as text: which columns hold them, and in which order."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from autometa.tables.numerals import MOST, is_mark
from autometa.tables.values import some_of

ISO = "ISO8601"
_SHAPES = {
    ISO: re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?)?)?( ?Z| ?[+-]\d\d:?\d\d)?"),
    "%Y/%m/%d": re.compile(r"\d{4}/\d\d?/\d\d?"),
    "%d.%m.%Y": re.compile(r"\d\d?\.\d\d?\.\d{4}"),
    "%d/%m/%Y": re.compile(r"\d\d?/\d\d?/\d{4}"),
    "%m/%d/%Y": re.compile(r"\d\d?/\d\d?/\d{4}"),
}


def date_formats(texts: pd.Series[Any]) -> list[str]:
    """Ways in which a text column (n,) can be read as dates: none, one, or two that differ."""
    words = [str(text).strip() for text in some_of(texts).unique() if not is_mark(str(text))]
    if not words:
        return []
    found = []
    for form, shape in _SHAPES.items():
        if sum(map(bool, map(shape.fullmatch, words))) < MOST * len(words):
            continue
        read = read_dates(pd.Series(words, dtype=object), form)
        if read.notna().mean() >= MOST:
            found.append(form)
    return found


def read_dates(texts: pd.Series[Any], form: str) -> pd.Series[Any]:
    """Cells (n,) as moments of UTC; NaT where one is none."""
    return pd.to_datetime(texts.astype(object), format=form, errors="coerce", utc=True)
