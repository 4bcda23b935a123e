"""Studies that a command is asked to look at; nothing in their storage changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autometa.cli.loudness import hush_optuna
from autometa.cli.progress import note
from autometa.errors import InputError

if TYPE_CHECKING:
    import optuna

    from autometa.storages.sources import FoundStudy

SQLITE = "sqlite:///"
STORAGE = (
    "Optuna storage of the study: a URL, such as sqlite:///tuning.db or journal:///tuning.log "
    "(four slashes for a path from the root), or a sqlite or journal file; only read."
)
StorageOption = Annotated[str, typer.Option(help=STORAGE)]


@contextmanager
def studies_of(storage: str) -> Iterator[Mapping[str, FoundStudy]]:
    """The studies of a storage, by name, readable inside the `with`.

    Raises:
        InputError: an address of what is not there, or of no storage.
        StoreError: the storage cannot be read.
    """
    from autometa.storages.sources import opened

    hush_optuna()
    _check_file(storage)
    with opened(storage) as (found, notes):
        for sentence in notes:
            note(sentence)
        yield {study.name: study for study in found}


def load_study(name: str, studies: Mapping[str, FoundStudy]) -> optuna.Study:
    """A study by its name.

    Raises:
        InputError: there is none of this name.
    """
    found = studies.get(name)
    if found is None or found.load is None:
        raise InputError(
            f"there is no study {name!r} in this storage",
            allowed=", ".join([*studies][:10]) or "no study is in it yet",
        )
    return found.load()


def _check_file(storage: str) -> None:
    """Refuse the address of a file that is not there: opening it would make an empty one.

    Raises:
        InputError: it is not there.
    """
    from autometa.storages.addresses import journal_path

    file = journal_path(storage)
    if file is None and storage.startswith(SQLITE):
        file = Path(storage.removeprefix(SQLITE).partition("?")[0])
    if file is None or file.exists():
        return
    start = storage[: storage.index(":")]
    lost = not file.is_absolute() and Path("/", file).exists()
    meant = f"Four slashes for a path from the root: {start}:////{file}" if lost else ""
    raise InputError(
        f"there is no file {str(file)!r}" + ("" if file.is_absolute() else " in this folder"),
        allowed="the storage of a finished study; after three slashes a path from the working "
        "directory, after four one from the root",
        do=meant,
    )
