"""Reports: one self-contained HTML page, no scripts, no fonts or images from elsewhere.

A page is made of a `tune` result, of a study read back as one (`tuning.reading`), or of results
that `autometa bench` wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autometa.report import page, results, tuned
from autometa.tuning.result import TuneResult

__all__ = ["render", "write_report"]


def write_report(subject: TuneResult | Mapping[str, Any], path: str | Path) -> Path:
    """Write the page, atomically: a reader sees the old file or the whole new one.

    Args:
        subject: What `tune` or `tuning.reading.read_study` returned, or benchmark results.
        path: The file to write.

    Returns:
        The path.

    Raises:
        InputError: results that `autometa bench` did not write.
        StoreError: the file cannot be written.
    """
    return page.write(render(subject), Path(path))


def render(subject: TuneResult | Mapping[str, Any]) -> str:
    """The page as text; see `write_report`."""
    return results.render(subject) if isinstance(subject, Mapping) else tuned.render(subject)
