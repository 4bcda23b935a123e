"""How a text file of a table is written: its encoding, its separator, the names of its columns."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autometa.errors import StoreError
from autometa.reading import read_head

HEAD = 2**18
"""Bytes from which a format is told."""
SEPARATORS = (",", ";", "\t", "|")
_LINES = 100
_BOMS = {  # the longer ones first: UTF-32's begins with UTF-16's
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
WINDOWS = "cp1252"
_REMEDY = "Save it as UTF-8, for instance with pandas.read_csv(..., encoding=...).to_csv(...)"


@dataclass(frozen=True, slots=True)
class TextFormat:
    """See the module.

    Args:
        encoding: As Python names it.
        separator: Between cells.
        names: Of the columns, as they stand in the first line.
        skip: Lines before it.
        more: What a cell more in each line than there are names is: "" where there is none,
            "row names" at the beginning, or "nothing" after a separator at the end.
    """

    encoding: str
    separator: str
    names: tuple[str, ...]
    skip: int = 0
    more: Literal["", "row names", "nothing"] = ""


def text_format(path: Path) -> TextFormat:
    """How a file is written, told from its beginning.

    Raises:
        FileNotFoundError: there is no such file.
        StoreError: it is no text, or cannot be read.
    """
    head = read_head(path, HEAD)
    whole = len(head) < HEAD
    encoding = _encoding(head, path)
    try:
        text = head.decode(encoding, errors="strict" if whole else "ignore")
    except UnicodeDecodeError as error:
        raise StoreError(f"{path} cannot be read as {encoding}: {error}", do=_REMEDY) from error
    lines = text.splitlines(keepends=True)
    if not whole:
        lines = lines[:-1] or lines  # the last one may be torn
    told = lines[0].strip().lower() if lines else ""
    if told.startswith("sep=") and len(told) == 5:  # what Excel writes and reads
        separator, skip = lines[0].strip()[4], 1
    else:
        separator, skip = _separator(lines), 0
    rows = _rows(lines[skip:], separator)
    names = tuple(rows[0]) if rows else ()
    return TextFormat(encoding, separator, names, skip, _more(len(names), rows[1:]))


def _encoding(head: bytes, path: Path) -> str:
    for mark, name in _BOMS.items():
        if head.startswith(mark):
            return name
    zeros = [head[k::2].count(0) for k in (0, 1)]
    if sum(zeros) > 0.2 * len(head):
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and len(head) == HEAD:
            return "utf-8"  # cut within a letter
        return windows(head, path)
    return "utf-8"


def windows(data: bytes, path: Path) -> str:
    """The encoding of text that is no UTF-8: Western European, as Windows writes it.

    Raises:
        StoreError: it is no text.
    """
    try:
        data.decode(WINDOWS)
    except UnicodeDecodeError as error:
        raise StoreError(f"{path} cannot be read as text: {error}", do=_REMEDY) from error
    if any(byte < 32 and byte not in b"\t\n\r\f" for byte in data):
        raise StoreError(f"{path} cannot be read as text: it has control characters", do=_REMEDY)
    return WINDOWS


def _separator(lines: Sequence[str]) -> str:
    """The separator that cuts most lines into as many cells as the first one, or one more."""

    def fit(separator: str) -> tuple[float, int]:
        rows = _rows(lines, separator)
        if not rows or len(rows[0]) < 2:
            return 0.0, 0
        width = len(rows[0])
        return sum(len(row) in (width, width + 1) for row in rows) / len(rows), width

    best = max(SEPARATORS, key=fit)
    return best if fit(best)[1] else ","


def _more(names: int, rows: list[list[str]]) -> Literal["", "row names", "nothing"]:
    longer = [row for row in rows if len(row) == names + 1]
    if not longer or len(longer) < len(rows) / 2:
        return ""
    return "row names" if any(row[-1].strip() for row in longer) else "nothing"


def _rows(lines: Sequence[str], separator: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(lines[:_LINES], delimiter=separator) if row]
    except csv.Error:  # a quote that is never closed, a cell beyond all bounds
        return []
