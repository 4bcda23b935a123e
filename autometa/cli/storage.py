"""Studies that a command is asked to read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autometa.cli.loudness import hush_optuna
from autometa.errors import AutometaError, InputError, told

if TYPE_CHECKING:
    import optuna

SQLITE = "sqlite:///"


def load_study(name: str, storage: str) -> optuna.Study:
    """A study of a storage.

    Raises:
        InputError: the storage cannot be read, or has no such study.
    """
    import optuna

    from autometa.storages.connect import open_storage

    hush_optuna()
    check_file(storage)
    try:
        opened = open_storage(storage)
        return optuna.load_study(study_name=name, storage=opened)
    except AutometaError:
        raise
    except KeyError as error:
        known = optuna.get_all_study_names(opened)
        raise InputError(
            f"there is no study {name!r} in this storage",
            allowed=", ".join(known[:10]) or "no study is in it yet",
        ) from error
    except Exception as error:  # whatever a database driver raises
        raise InputError(
            f"the storage cannot be read ({told(error, storage)})",
            allowed="an Optuna storage URL, such as sqlite:///tuning.db or journal:///tuning.log",
        ) from None


def check_file(storage: str) -> None:
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
