"""Addresses of Optuna storages beyond those that Optuna reads itself.

journal:///tuning.log       a journal file; three slashes: from the working directory, four:
from the root, as with sqlite
grpc://127.0.0.1:13000      Optuna's gRPC storage proxy
postgresql://u@host/db      through psycopg 3, whichever driver SQLAlchemy would take by itself
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from autometa.errors import InputError, without_passwords

_JOURNAL = "journal:///"
_POSTGRES = ("postgresql://", "postgres://")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")  # two letters or more: "C:/" is a drive


def scheme_of(text: str) -> str | None:
    """The scheme of a URL, None for the name of a file; also where a Path has eaten a slash.

    >>> scheme_of("sqlite:///tuning.db"), scheme_of("sqlite:/tuning.db"), scheme_of("C:/tuning.db")
    ('sqlite', 'sqlite', None)
    """
    found = _SCHEME.match(text)
    return found[1].lower() if found else None


def file_of(url: str) -> Path | None:
    """The file that a URL of studies names; None where it names none, as a server's.

    Raises:
        InputError: a journal without a file, or a sqlite database in memory.
    """
    scheme = (scheme_of(url) or "").partition("+")[0]
    return sqlite_path(url) if scheme == "sqlite" else journal_path(url)


def sqlite_path(url: str) -> Path:
    """The file of a sqlite URL, with or without `file:` and options.

    Raises:
        InputError: a database in memory.
    """
    name = url.partition("://")[2].partition("?")[0].removeprefix("/")
    if name.startswith("file:"):
        name = urlsplit(name).path
    if name in ("", ":memory:"):
        raise InputError(
            f"storage {url!r} is a new, empty database",
            allowed="the URL of a database that holds studies",
            do="Give the storage or study that holds the trials",
        )
    return Path(name)


def check_folder(folder: str | Path) -> Path:
    """The folder of a portfolio that is going to be written.

    Raises:
        InputError: it is called like a URL.
    """
    text = without_passwords(str(folder))
    if scheme_of(str(folder)) is not None:
        raise InputError(
            f"{text!r} is a URL, not a folder",
            allowed="the folder of a portfolio, which may be new",
            do="A storage is read by Portfolio.from_studies or `autometa learn URL --into FOLDER`",
        )
    return Path(folder).expanduser()


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
