"""A file of trials: which histories it holds, how it is read, and reading it late.

A space with ten million trials is opened by its manifest alone. Its histories then know their task
and their number of trials, and read the file that holds them when somebody looks at their arrays.
Nothing is kept but the file that was looked at last: whoever goes over all histories in order reads
each file once and never has more than one in memory.

The files are opened when the portfolio is, so that a writer who replaces it takes nothing away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from autometa import reading
from autometa.errors import AutometaError, StoreError
from autometa.portfolio.store import columns
from autometa.space import SearchSpace
from autometa.task import COLUMNS, Task, TaskHistory

MAX_BYTES = reading.MAX_FILE
MAX_ROWS = 10**8
ROWS, FILES = 100_000, 128
"""A space's file has about so many rows; but a space has no more files than about this."""
_DAMAGED = "It is damaged: restore the folder from a copy"


def parts(histories: Sequence[TaskHistory]) -> Iterator[list[TaskHistory]]:
    """The histories that each file holds: of one space, in order, no task in two files."""
    of_space: dict[SearchSpace, list[TaskHistory]] = {}
    for history in histories:
        of_space.setdefault(history.task.space, []).append(history)
    for own in of_space.values():
        most = max(ROWS, sum(map(len, own)) // FILES)
        part, rows = [own[0]], len(own[0])
        for history in own[1:]:
            if rows + len(history) > most:
                yield part
                part, rows = [], 0
            part.append(history)
            rows += len(history)
        yield part


@dataclass(frozen=True, kw_only=True, eq=False)
class TrialFile:
    """A Parquet file of trials, as its manifest describes it.

    Args:
        path: Where it is.
        sha256: Checksum of its content.
        size: Its bytes.
        rows: Its trials.
        space: Of all its trials.
        tasks: Whose trials they are, in order.
        counts: Trials of each task.
        metrics: Names of the other metrics by which trials in it are scored.
    """

    path: Path
    sha256: str
    size: int
    rows: int
    space: SearchSpace
    tasks: tuple[Task, ...]
    counts: tuple[int, ...]
    metrics: tuple[str, ...] = ()

    def read(self) -> list[TaskHistory]:
        """Its histories.

        Raises:
            FileNotFoundError: it is not there.
            StoreError: it is damaged, or its trials are not valid.
        """
        return self.decode(reading.read_bytes(self.path, MAX_BYTES))

    def decode(self, content: bytes) -> list[TaskHistory]:
        """The histories of the file's content.

        Raises:
            StoreError: it is damaged, or its trials are not valid.
        """
        table = self._table(content)
        self.check_counts()
        try:
            return columns.from_arrow(table, self.space, self.tasks, self.counts, self.metrics)
        except StoreError:
            raise
        except (AutometaError, TypeError, ValueError, OverflowError) as error:
            raise StoreError(
                f"{self.path.parent} holds a portfolio that is not valid: {error}"
            ) from error

    def check(self, size: int, rows: int) -> None:
        """Refuse another size or number of trials than the manifest's.

        Raises:
            StoreError: it is another.
        """
        if size != self.size:
            raise StoreError(f"{self.path} has {size} bytes", allowed=f"{self.size}", do=_DAMAGED)
        if rows != self.rows or rows > MAX_ROWS:
            raise StoreError(
                f"{self.path} has {rows} rows",
                allowed=f"{self.rows}, at most {MAX_ROWS}",
                do=_DAMAGED,
            )

    def check_counts(self) -> None:
        """Refuse tasks that have more or fewer trials than the file.

        Raises:
            StoreError: they have.
        """
        if self.rows != sum(self.counts):
            raise StoreError(
                f"{self.path.name} has {self.rows} trials", allowed=f"{sum(self.counts)}"
            )

    def _table(self, content: bytes) -> pa.Table:
        self.check(len(content), self.rows)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise StoreError(f"the checksum of {self.path} does not match", do=_DAMAGED)
        try:
            parquet = pq.ParquetFile(pa.BufferReader(content))
            self.check(len(content), parquet.metadata.num_rows)
            reading.check_cells(parquet, self.path)
            # Types before content: text that is not in a dictionary could unpack to anything.
            columns.check_types(parquet.schema_arrow, self.space, self.metrics)
            return parquet.read()
        except StoreError:
            raise
        except (pa.ArrowException, OSError, ValueError) as error:
            raise StoreError(
                f"{self.path} is not readable as Parquet: {error}", do=_DAMAGED
            ) from error


class Opened:
    """Files of one portfolio that are read late, the last one of them kept."""

    def __init__(self) -> None:
        self._last: tuple[TrialFile, list[TaskHistory]] | None = None

    def histories(self, file: TrialFile) -> list[TaskHistory]:
        """The histories of a file, none of them read yet.

        Raises:
            FileNotFoundError: it is not there.
            StoreError: it has another size or number of trials than it should have.
        """
        pinned = reading.PinnedFile(file.path, MAX_BYTES)
        file.check(pinned.size, file.rows)
        file.check_counts()
        return [
            LateHistory.of_file(task, _Place(self, file, pinned, number))
            for number, task in enumerate(file.tasks)
        ]

    def read(self, place: _Place) -> TaskHistory:
        """A history with its arrays.

        Raises:
            StoreError: its file is damaged, or trials in it are not valid.
        """
        last = self._last  # another thread may put its own there
        if last is None or last[0] is not place.file:
            last = place.file, place.file.decode(place.pinned.read())
            self._last = last
        return last[1][place.number]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a history is: the `number`-th of a file."""

    opened: Opened
    file: TrialFile
    pinned: reading.PinnedFile
    number: int


class LateHistory(TaskHistory):
    """A history whose arrays are read, and checked, when they are looked at. They are not kept.

    Looking at them raises StoreError where the file is damaged or a trial in it is not valid. What
    `dataclasses.replace` makes of it has arrays of its own.
    """

    __slots__ = ("_place",)
    _place: _Place

    @classmethod
    def of_file(cls, task: Task, place: _Place) -> LateHistory:
        """The history of a task, at its place in a file."""
        history = object.__new__(cls)
        object.__setattr__(history, "task", task)
        object.__setattr__(history, "_place", place)
        return history

    def __getattr__(self, name: str) -> Any:  # asked for what has no value of its own
        if name not in (*COLUMNS, "metrics"):
            raise AttributeError(name)
        return getattr(self._place.opened.read(self._place), name)

    def __len__(self) -> int:
        place = getattr(self, "_place", None)
        return super().__len__() if place is None else place.file.counts[place.number]

    def __reduce__(self) -> Any:
        return _itself, (in_memory(self),)


def _itself(history: TaskHistory) -> TaskHistory:
    """What a pickled history becomes: one in memory."""
    return history


def in_memory(history: TaskHistory) -> TaskHistory:
    """The history with its arrays, whatever it was before."""
    if isinstance(history, LateHistory):
        return history.take(np.arange(len(history)))  # no views, which would keep the whole file
    return history
