"""Open an Optuna study of `tune`: a new one, or an old one that is about the same search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import optuna

from autometa.errors import InputError, told, without_passwords

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
    try:
        study = optuna.create_study(
            study_name=name, storage=storage, direction="maximize", load_if_exists=True
        )
        known = study.user_attrs.get(SEARCH)
        upwards = study.directions == [optuna.study.StudyDirection.MAXIMIZE]
        if known is None and upwards and not study.get_trials(deepcopy=False):
            known = dict(signature)
            study.set_user_attr(SEARCH, known)
    except Exception as error:  # whatever a database driver raises
        url = storage if isinstance(storage, str) else ""
        shown = repr(without_passwords(url)) if url else type(storage).__name__
        raise InputError(
            f"storage {shown} cannot be opened ({told(error, url)})",
            allowed="a URL as Optuna reads it, such as sqlite:///tuning.db",
        ) from None
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
