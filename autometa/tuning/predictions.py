"""Where the held-out predictions of a search are kept, and how many of them.

Beside the file that holds the study, where there is one, so that a search which goes on another
time still has them; in a temporary folder otherwise. Only those of the best trials are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from autometa.errors import InputError
from autometa.storages.addresses import file_of

MOST_FILES = 60
MOST_BYTES = 512 * 2**20


@contextmanager
def predictions_folder(storage: object, study_name: str) -> Iterator[Path]:
    """A folder for the held-out predictions of a study, whose storage is as the user gave it."""
    with TemporaryDirectory(prefix="autometa-") as temporary:
        yield _beside(storage, study_name) or Path(temporary)


def _beside(storage: object, study_name: str) -> Path | None:
    try:
        file = file_of(storage) if isinstance(storage, str) else None
    except InputError:  # a database in memory
        return None
    if file is None:
        return None
    name = hashlib.sha256(study_name.encode()).hexdigest()[:12]
    folder = file.with_name(f"{file.name}.predictions") / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # of somebody else's: the study can be read there, and this is not vital
        return None
    return folder


def keep_best(folder: Path, best_first: Sequence[str]) -> None:
    """Remove the files of the worst trials where there are many, of names with the best first."""
    left, files = MOST_BYTES, 0
    for name in best_first:
        try:
            size = (folder / name).stat().st_size
        except OSError:
            continue
        files += 1
        left -= size
        if files > MOST_FILES or left < 0:
            (folder / name).unlink(missing_ok=True)
