"""What somebody calls an export of a tracker: a file, or the data frame that would be one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, TypeAlias, runtime_checkable

from autometa.errors import InputError


@runtime_checkable
class Frame(Protocol):
    """A data frame of pandas, which is not imported for that."""

    def to_csv(self, path_or_buf: Any, *, index: bool) -> Any:
        """Write it."""


Export: TypeAlias = str | PathLike[str] | Frame


@contextmanager
def as_file(given: Export) -> Iterator[Path]:
    """The export as a file while it is read; a frame, such as `mlflow.search_runs` returns, as CSV.

    Raises:
        InputError: neither a path nor a data frame, or one whose columns have several levels.
    """
    if isinstance(given, str | PathLike):
        yield Path(given)
    elif isinstance(given, Frame):
        if getattr(getattr(given, "columns", None), "nlevels", 1) > 1:
            raise InputError(
                "a data frame whose columns have several levels",
                allowed="one name a column",
                do="Join them: frame.columns = frame.columns.map('_'.join), or of Optuna "
                "study.trials_dataframe(multi_index=False)",
            )
        with TemporaryDirectory() as folder:
            path = Path(folder) / "frame.csv"
            given.to_csv(path, index=False)
            yield path
    else:
        raise InputError(
            f"runs of type {type(given).__name__}",
            allowed="a CSV or JSON file, or a data frame of pandas",
        )
