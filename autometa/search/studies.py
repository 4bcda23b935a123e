"""Open an Optuna study of `tune`: a new one, or an old one that is about the same search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import optuna

from autometa.errors import AutometaError, InputError, without_passwords
from autometa.search.storage import open_storage

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

SEARCH = "autometa:search"


def open_study(
    storage: str | BaseStorage | None, name: str, signature: Mapping[str, Any]
) -> optuna.Study:
    """The study of a name, made where there is none.

    Args:
        storage: A storage, its URL, or None for memory.
        name: Of the study.
        signature: What it is about, JSON-able; a study that is continued must agree.

    Raises:
        InputError: the storage cannot be opened, or the study is about something else.
    """
    with _opening(storage):
        study = optuna.create_study(
            study_name=name,
            storage=open_storage(storage),
            direction="maximize",
            load_if_exists=True,
        )
        known = study.user_attrs.get(SEARCH)
        upwards = study.directions == [optuna.study.StudyDirection.MAXIMIZE]
        if known is None and upwards and not study.get_trials(deepcopy=False):
            known = dict(signature)
            study.set_user_attr(SEARCH, known)
    if known is None or not upwards:
        raise InputError(
            f"study {name!r} was not made by autometa tune",
            do="Choose another --study-name",
        )
    for what, value in signature.items():
        if known.get(what) != value:
            raise InputError(
                f"study {name!r} is about {what} {known.get(what)!r}, not {value!r}",
                do="Choose another --study-name, or give the same options as before",
            )
    return study


def opened(storage: str | BaseStorage | None) -> BaseStorage | None:
    """As `storage.open_storage`, with one error for all that can go wrong.

    Raises:
        InputError: the storage cannot be opened.
    """
    with _opening(storage):
        return open_storage(storage)


@contextmanager
def _opening(storage: object) -> Iterator[None]:
    try:
        yield
    except AutometaError:
        raise
    except Exception as error:  # whatever a database driver raises
        raise InputError(
            f"storage {_without_password(storage)} cannot be opened "
            f"({type(error).__name__}: {_first_line(error)})",
            allowed="a URL as Optuna reads it, such as sqlite:///tuning.db, journal:///FILE, or "
            "grpc://HOST:PORT",
        ) from error


def _without_password(storage: object) -> str:
    if not isinstance(storage, str):
        return type(storage).__name__
    return repr(without_passwords(storage))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return without_passwords(lines[0])[:200] if lines else ""
