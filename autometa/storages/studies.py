"""Optuna studies to search in: new ones, and old ones that are about the same search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import optuna

from autometa.errors import AutometaError, InputError, told, without_passwords
from autometa.storages.connect import HEARTBEAT, open_storage

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
        elif known is None:  # another process may have said it, and begun, between the two looks
            known = study.user_attrs.get(SEARCH)
    if known is None or not upwards:
        raise InputError(
            f"study {name!r} was not made by autometa tune",
            do="Choose another --study-name",
        )
    _agree(
        name, known, signature, do="Choose another --study-name, or give the same options as before"
    )
    return study


def continue_study(study: optuna.Study, signature: Mapping[str, Any]) -> None:
    """Make sure that a study, new or begun, is about this search, and may be continued.

    A study that has trials but says nothing of what it is about is taken at the user's word.

    Args:
        study: To be continued; remembers the signature where it has no trial yet.
        signature: What it is about, JSON-able.

    Raises:
        InputError: it minimises, has several objectives, or is about something else.
    """
    if study.directions != [optuna.study.StudyDirection.MAXIMIZE]:
        raise InputError(
            f"study {study.study_name!r} has the directions {[d.name for d in study.directions]}",
            allowed="one objective that is maximised, as scores are",
            do='Make it with optuna.create_study(direction="maximize")',
        )
    known = study.user_attrs.get(SEARCH)
    if known is not None:
        advice = "Start a new study, and give this one as the prior"
        _agree(study.study_name, known, signature, do=advice)
    elif not study.get_trials(deepcopy=False):
        study.set_user_attr(SEARCH, dict(signature))


def check_study(study: object) -> None:
    """Refuse what is no study, such as its name or URL.

    Raises:
        InputError: it is none.
    """
    if not isinstance(study, optuna.Study):
        raise InputError(
            f"a study of type {type(study).__name__}",
            allowed="an optuna Study",
            do="optuna.load_study opens one by its name and storage",
        )


def opened(
    storage: str | BaseStorage | None, *, heartbeat: int | None = HEARTBEAT
) -> BaseStorage | None:
    """As `open_storage`, with one error for all that can go wrong.

    Raises:
        InputError: the storage cannot be opened.
    """
    with _opening(storage):
        return open_storage(storage, heartbeat=heartbeat)


@contextmanager
def _opening(storage: object) -> Iterator[None]:
    try:
        yield
    except AutometaError:
        raise
    except Exception as error:  # whatever a database driver raises
        url = storage if isinstance(storage, str) else ""
        shown = repr(without_passwords(url)) if url else type(storage).__name__
        raise InputError(
            f"storage {shown} cannot be opened ({told(error, url)})",
            allowed="a URL as Optuna reads it, such as sqlite:///tuning.db, journal:///FILE, or "
            "grpc://HOST:PORT",
        ) from None


@contextmanager
def verbosity(level: int) -> Iterator[None]:
    """Optuna's log lines from this level on, and as before afterwards."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(level)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _agree(name: str, known: Mapping[str, Any], signature: Mapping[str, Any], *, do: str) -> None:
    for what, value in signature.items():
        if known.get(what) != value:
            raise InputError(
                f"study {name!r} is about {what} {known.get(what)!r}, not {value!r}", do=do
            )
