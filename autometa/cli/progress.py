"""Progress on stderr: live bars with rate and time left on a terminal, lines in a log file.

Everything that can take more than two seconds uses one of the two: `progress` where steps can be
counted, `busy` where they cannot.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from autometa.cli.loudness import Loudness, loudness

if TYPE_CHECKING:
    from rich.progress import Progress, Task

LINE_EVERY = 30.0  # seconds between two lines of progress where there is no terminal


class Show(Protocol):
    """What `progress` hands out."""

    def __call__(self, row: str, done: int, total: int, note: str = "") -> None:
        """Steps of a row that are done, of how many, and what else to say."""


@contextmanager
def progress(unit: str) -> Iterator[Show]:
    """Bars or lines, one row for each name that is shown.

    Args:
        unit: What the steps are, in the plural.
    """
    loud = loudness()
    if loud is Loudness.QUIET:
        yield _nothing
    elif loud is Loudness.VERBOSE or not sys.stderr.isatty():
        yield _Lines(unit, every=0.0 if loud is Loudness.VERBOSE else LINE_EVERY)
    else:
        with _bars() as bars:
            yield _Bars(bars)


@contextmanager
def busy(doing: str) -> Iterator[None]:
    """A spinner with the time spent, for a step that cannot be counted."""
    loud = loudness()
    if loud is Loudness.VERBOSE:
        sys.stderr.write(f"{doing}\n")
    if loud is not Loudness.NORMAL or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as spinner:
        spinner.add_task(doing, total=None)
        yield


def note(text: str) -> None:
    """A line that is worth knowing but no result; not where only errors are wanted."""
    if loudness() is not Loudness.QUIET:
        sys.stderr.write(f"note: {text}\n")


def pace(rate: float | None, left: float | None) -> str:
    """A rate (steps a second) and the seconds left, in words.

    >>> pace(2.5, 90.0), pace(0.1, 7300.0), pace(None, None)
    ('2.5/s, 2 min left', '10 s each, 2 h left', '')
    """
    parts = []
    if rate:
        parts.append(f"{rate:.1f}/s" if rate >= 1.0 else f"{1.0 / rate:.2g} s each")
    if left is not None:
        amount, unit = next(
            (left / size, name) for name, size in _UNITS if left >= size or name == "s"
        )
        parts.append(f"{amount:.0f} {unit} left")
    return ", ".join(parts)


_UNITS = (("h", 3600.0), ("min", 60.0), ("s", 1.0))


def _nothing(row: str, done: int, total: int, note: str = "") -> None:
    """Quiet."""


def _bars() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn
    from rich.text import Text

    class Pace(ProgressColumn):
        """Rate and time left."""

        def render(self, task: Task) -> Text:
            """One cell."""
            speed = task.finished_speed or task.speed
            return Text(pace(speed, None if task.finished else task.time_remaining))

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Pace(),
        TextColumn("{task.fields[note]}", markup=False),
        console=Console(stderr=True),
    )


class _Bars:
    """One live bar a row."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._rows: dict[str, int] = {}

    def __call__(self, row: str, done: int, total: int, note: str = "") -> None:
        if row not in self._rows:
            self._rows[row] = self._bars.add_task(row, total=total, note="")
        name = self._rows[row]
        self._bars.update(name, completed=done, total=total, note=note)  # type: ignore[arg-type]


class _Lines:
    """Progress for a log file: a line now and then, and one at the end."""

    def __init__(self, unit: str, *, every: float) -> None:
        self._unit, self._every = unit, every
        self._started: dict[str, tuple[float, int]] = {}
        self._next = monotonic() + every

    def __call__(self, row: str, done: int, total: int, note: str = "") -> None:
        now = monotonic()
        began, before = self._started.setdefault(row, (now, done))
        if done == 0 or (now < self._next and done < total):
            return
        self._next = now + self._every
        rate = (done - before) / (now - began) if done > before and now > began else None
        left = (total - done) / rate if rate and done < total else None
        parts = [f"{row}: {done} of {total} {self._unit}", pace(rate, left), note]
        sys.stderr.write(", ".join(part for part in parts if part) + "\n")
        sys.stderr.flush()
