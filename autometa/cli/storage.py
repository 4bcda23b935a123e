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

    from autometa.search.storage import open_storage

    hush_optuna()
    file = storage.removeprefix(SQLITE)
    if file != storage and not Path(file.partition("?")[0]).exists():
        # SQLite would make an empty one.
        raise InputError(f"there is no file {file!r}", allowed="the storage of a finished study")
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
            allowed="an Optuna storage URL, such as sqlite:///tuning.db",
        ) from None
