"""Files that experiment trackers write, and what one of their cells says."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autometa.errors import InputError, StoreError
from autometa.portfolio.importers.durations import seconds_of
from autometa.portfolio.importers.importing import MISSING
from autometa.reading import check_size, csv_header, parse_json, read_bytes, read_csv

MOST_BYTES = 512 * 2**20  # of a file that is read as a whole
_NUMERAL = re.compile(r"\s*[-+]?[.,]?\d")
FLAGS = {"true": True, "false": False}


def read_records(path: Path) -> list[dict[str, Any]]:
    """The records of a JSON file: a list of them, one a line, {"runs": [...]}, or a data frame's.

    A frame's are as `DataFrame.to_json` writes them by default: column -> {row: cell}.

    Raises:
        StoreError: it cannot be read, is too large, or is no JSON.
        InputError: it holds something else.
    """
    try:
        content = read_bytes(path, MOST_BYTES)
    except OSError as error:
        raise StoreError(f"{path} holds no JSON document: {error}") from error
    try:
        data = parse_json(content)
    except ValueError as error:
        data = _lines(content)
        if data is None:
            raise StoreError(
                f"{path} holds no JSON document: {error}",
                allowed="a CSV file by its name, JSON, or one JSON document a line",
                do=f"Convert it: pandas.read_parquet({path.name!r}).to_csv('runs.csv')"
                if content[:4] == b"PAR1"
                else "Write it with frame.to_csv('runs.csv', index=False)",
            ) from error
    if isinstance(data, dict):
        rows = data.get("runs")
        data = _rows(data) if rows is None else rows
    if not isinstance(data, list) or not all(isinstance(r, dict) for r in data):
        raise InputError(
            f"{path.name} holds no list of runs",
            allowed='[...], {"runs": [...]} or one run a line',
            do=f"From a frame: frame.to_json({path.name!r}, orient='records')",
        )
    return data


def _lines(content: bytes) -> list[Any] | None:
    """JSON documents, one a line; None where a line is none."""
    try:
        return [parse_json(line) for line in content.splitlines() if line.strip()] or None
    except ValueError:
        return None


def _rows(columns: dict[str, Any]) -> Any:
    """The rows of a frame that was written by columns; a single record where it is none."""
    cells = list(columns.values())
    if not cells or not all(isinstance(c, dict) and c.keys() == cells[0].keys() for c in cells):
        return None
    return [{name: column[row] for name, column in columns.items()} for row in cells[0]]


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file of bounded size, as text.

    Raises:
        StoreError: it cannot be read, is too large, or is no CSV.
    """
    try:
        check_size(path, path.stat().st_size, MOST_BYTES)
        frame = read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} is not readable as CSV: {error}") from error
    twice = [name for name, n in Counter(csv_header(path)).items() if n > 1 and name]
    if twice:
        raise InputError(f"column {twice[0]!r} comes twice", allowed="one column a name")
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def time_of(cell: Any) -> datetime | None:
    """A moment as trackers write it: seconds since 1970 or thousandths to billionths, or ISO 8601.

    >>> time_of("1700000000000") == time_of("2023-11-14 22:13:20") == time_of(1700000000)
    True
    """
    number = number_of(cell)
    try:
        if number is not None:
            # As seconds, each of these would be a year beyond 5000.
            seconds = number / next((u for u in (1e9, 1e6, 1e3) if number > 1e8 * u), 1.0)
            return datetime.fromtimestamp(seconds, tz=UTC).replace(tzinfo=None)
        if isinstance(cell, str) and not is_missing(cell):
            moment = datetime.fromisoformat(cell.strip())
            return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError, OSError):
        pass
    return None


# Cells --------------------------------------------------------------------------------------------


def is_missing(cell: Any) -> bool:
    """Whether a cell is empty, NaN or a word for it."""
    return (
        cell is None
        or (isinstance(cell, str) and cell.strip() in MISSING)
        or (isinstance(cell, float) and math.isnan(cell))
    )


def number_of(cell: Any) -> float | None:
    """The finite number that a cell holds, also as text."""
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return None
    try:
        number = float(cell)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def quantity_of(cell: Any) -> float | None:
    """The number that a cell holds, of a duration its seconds.

    >>> quantity_of("1e-3"), quantity_of("0 days 00:01:30"), quantity_of("fast")
    (0.001, 90.0, None)
    """
    number = number_of(cell)
    return seconds_of(cell) if number is None else number


def value_of(cell: Any, metric: str) -> float | None:
    """What a run's metric is; None where it has none, or a word such as "diverged".

    Raises:
        InputError: text of a number in another notation, such as "93 %" or "0,93": without it the
            run would count as failed.

    >>> value_of("0.93", "auc"), value_of("inf", "auc"), value_of("diverged", "auc")
    (0.93, None, None)
    """
    number = quantity_of(cell)
    if number is None and isinstance(cell, str) and _NUMERAL.match(cell) and not _is_float(cell):
        raise InputError(
            f"a run whose {metric!r} is {cell[:60]!r}",
            allowed="a number as programs write it, such as 0.93",
            do="Make the column's text numbers first",
        )
    return number


def _is_float(text: str) -> bool:
    """Whether a text is a number, also one that is too large."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def name_of_task(cell: Any) -> str:
    """The text of a task's name; whole numbers are ids and become their digits."""
    return str(int(cell)) if isinstance(cell, float) and cell % 1 == 0 else str(cell)


def text_of(cell: Any) -> str:
    """A cell as the text that its file would hold: equal for equal values."""
    return cell if isinstance(cell, str) else json.dumps(cell, sort_keys=True, default=str)
