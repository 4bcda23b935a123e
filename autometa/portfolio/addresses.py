"""Addresses of Optuna storages beyond those that Optuna reads itself.

journal:///tuning.log       a journal file; three slashes: from the working directory, four:
from the root, as with sqlite
grpc://127.0.0.1:13000      Optuna's gRPC storage proxy
postgresql://u@host/db      through psycopg 3, whichever driver SQLAlchemy would take by itself
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from autometa.errors import InputError, without_passwords

_JOURNAL = "journal:///"
_POSTGRES = ("postgresql://", "postgres://")


def journal_path(url: str) -> Path | None:
    """The file of a journal's address, None for any other address.

    >>> journal_path("journal:///tuning.log").name
    'tuning.log'
    """
    if not url.startswith("journal:"):
        return None
    if not url.startswith(_JOURNAL) or url == _JOURNAL:
        raise InputError(f"storage {url!r}", allowed="journal:///FILE")
    return Path(url.removeprefix(_JOURNAL))


def grpc_address(url: str) -> tuple[str, int] | None:
    """Host and port of a gRPC proxy's address, None for any other address.

    >>> grpc_address("grpc://127.0.0.1:13000")
    ('127.0.0.1', 13000)
    """
    if not url.startswith("grpc:"):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.path.strip("/"):
        raise InputError(f"storage {without_passwords(url)!r}", allowed="grpc://HOST:PORT")
    return host, port


def database_url(url: str) -> str:
    """The address with the driver that the extra `distributed` installs.

    >>> database_url("postgresql://me@localhost/tuning")
    'postgresql+psycopg://me@localhost/tuning'
    """
    for start in _POSTGRES:
        if url.startswith(start):
            return "postgresql+psycopg://" + url.removeprefix(start)
    return url
