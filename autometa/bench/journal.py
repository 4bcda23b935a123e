"""The journal of a suite: one JSON line for every finished cell, so that a run can be continued.

One process writes, a line at a time and flushed; what kill -9 leaves behind is at worst half a
line, which reading skips and the next write does not touch.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from autometa.bench.suite import Judged
from autometa.errors import StoreError
from autometa.reading import MAX_TEXT, parse_json, read_bytes


class Key(NamedTuple):
    """Which cell: `evaluations` a prior task, None for all, 0 for a method without a prior."""

    method: str
    task: str
    seed: int
    evaluations: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A finished cell: its key, what was measured, and against what.

    Args:
        method, task, seed, evaluations: The key.
        direction: Of the task.
        values: The objective, trial by trial; None where it failed.
        milliseconds: Time of each suggestion.
        best, middle: The task's reference values (see `suite.Reference`).
        note: From the method.
        judged: Number of trials -> what the best config until then is worth (`Suite.judge`).
        commit, versions: What produced it.
    """

    method: str
    task: str
    seed: int
    evaluations: int | None
    direction: str
    values: tuple[float | None, ...]
    milliseconds: tuple[float, ...]
    best: float
    middle: float
    note: str = ""
    judged: Mapping[str, Judged] = field(default_factory=dict)
    commit: str = "unknown"
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Which cell it is."""
        return Key(self.method, self.task, self.seed, self.evaluations)


def read(path: Path) -> dict[Key, Cell]:
    """Finished cells of a journal, the latest of each key; empty where there is none.

    Raises:
        StoreError: the file cannot be read.
    """
    try:
        text = read_bytes(path, MAX_TEXT).decode() if path.exists() else ""
    except UnicodeDecodeError as error:
        raise StoreError(f"{path} cannot be read: {error}") from error
    cells: dict[Key, Cell] = {}
    for line in text.splitlines():
        cell = _parse(line)
        if cell is not None:
            cells[cell.key] = cell
    return cells


def _parse(line: str) -> Cell | None:
    try:
        data = parse_json(line)
        cell = Cell(
            **{
                **data,
                "values": tuple(data["values"]),
                "milliseconds": tuple(data["milliseconds"]),
            }
        )
        hash(cell.key)
        return cell
    except (ValueError, TypeError, LookupError):
        return None  # half a line, or a line of another program


def append(path: Path, cells: Iterable[Cell]) -> None:
    """Add cells to a journal.

    Raises:
        StoreError: the file cannot be written.
    """
    lines = "".join(_line(cell) for cell in cells)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:  # one write: two runs may share a journal
            torn = file.tell() > 0 and not _ends_a_line(path)
            file.write(("\n" * torn + lines).encode())
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error}") from error


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _line(cell: Cell) -> str:
    data = asdict(cell)
    data["values"] = [None if v is None else _rounded(v, 8) for v in cell.values]
    data["milliseconds"] = [_rounded(m, 3) for m in cell.milliseconds]
    return json.dumps(data, allow_nan=False) + "\n"


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}") if math.isfinite(value) else value
