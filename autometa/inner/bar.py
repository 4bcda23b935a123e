"""The progress bar of meta-training."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(show: bool, total: int) -> Iterator[Callable[[int, float], None]]:
    """A progress bar on stderr that shows the running mean of the loss and the time left."""
    if not show:
        yield lambda _n, _loss: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    mean = math.nan
    columns = (
        TextColumn("meta-training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr)) as shown:
        line = shown.add_task("", total=total, note="")

        def advance(n: int, loss: float) -> None:
            nonlocal mean
            if math.isfinite(loss):
                mean = loss if math.isnan(mean) else 0.99 * mean + 0.01 * loss
            speed = shown.tasks[line].speed
            rate = "" if speed is None else f", {speed:.1f}/s"
            shown.update(line, advance=n, note=f"loss {mean:.4f}{rate}")

        yield advance
