"""Where finished studies lie: any Optuna storage, opened so that nothing in it can change.

A sqlite file is copied first, with SQLite's own backup from a connection that may only read, and
the copy is opened. Opening the file itself with Optuna would create missing tables and stamp their
version, an older schema could not be read at all without upgrading it in place, and a study that
still runs would wait for us; the copy is one moment of all studies and may be upgraded freely.
A journal file is replayed from memory by a backend that cannot write, since Optuna's own creates
the file and stops at a damaged line without saying so. Other databases are opened by Optuna,
without creating tables. Nothing here unpickles: Optuna does so in Redis journals, so these are
only taken as a storage that the user has opened.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import FrozenTrial

from autometa.errors import AutometaError, InputError, StoreError, told, without_passwords
from autometa.reading import MAX_TEXT, parse_json, read_bytes
from autometa.storages.addresses import database_url, grpc_address, journal_path, sqlite_path
from autometa.storages.proxy import open_proxy

StudySource: TypeAlias = str | Path | BaseStorage | optuna.Study
StudyContents: TypeAlias = tuple[list[str], list[str], list[FrozenTrial]]

BUSY = 5.0  # seconds to wait for a database that another process has locked
ALLOWED = (
    "a URL as Optuna reads it (sqlite:///tuning.db), a sqlite or journal file, a storage, a study"
)
_SQLITE = b"SQLite format 3\0"
_OPERATION = 10_000  # bytes of a line that say that it is an operation


@dataclass(frozen=True, slots=True)
class FoundStudy:
    """A study of a source.

    Args:
        name: Of the study.
        handed: Whether the user gave this very study.
        source: Where it lies, for people: no path, no password.
        read: Reads its directions ("minimize" or "maximize"), the names that it gives to what it
            measures, if any, and all its trials; they belong to Optuna and must not be changed.
        load: The study itself, where there is one: only to be read.
    """

    name: str
    handed: bool
    source: str
    read: Callable[[], StudyContents]
    load: Callable[[], optuna.Study] | None = None


@contextmanager
def opened(source: StudySource) -> Iterator[tuple[list[FoundStudy], list[str]]]:
    """The studies of a source, readable inside the `with`, and notes about what was unreadable.

    Raises:
        InputError: not a source.
        StoreError: it cannot be opened or read, is damaged, locked, or holds no studies' tables.
    """
    if isinstance(source, optuna.Study):
        yield [_found(source.study_name, "a study in memory", lambda: source, handed=True)], []
        return
    with ExitStack() as stack:
        notes: list[str] = []
        if isinstance(source, BaseStorage):
            storage, label = source, type(source).__name__
        elif isinstance(source, str | Path):
            storage, label = _open(source, stack, notes)
        else:
            raise InputError(f"a source of type {type(source).__name__}", allowed=ALLOWED)
        with _reading(label):
            names = optuna.get_all_study_names(storage)
        yield [_found(n, label, _loader(n, storage)) for n in names], notes


def _loader(name: str, storage: BaseStorage) -> Callable[[], optuna.Study]:
    return lambda: optuna.load_study(study_name=name, storage=storage)


def _found(
    name: str, label: str, load: Callable[[], optuna.Study], *, handed: bool = False
) -> FoundStudy:
    def read() -> StudyContents:
        with _reading(f"study {name!r} of {label}"), warnings.catch_warnings():
            # Whoever made the study has been warned; here it would be said for each trial.
            warnings.filterwarnings("ignore", message="Choices for a categorical distribution")
            study = load()
            # One query a table and study: a call for each trial would cost a hundred times more.
            trials = study.get_trials(deepcopy=False)
            names = list(study.metric_names or ())
            return [d.name.lower() for d in study.directions], names, trials

    return FoundStudy(name, handed, label, read, load)


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Turn whatever a database driver raises into a StoreError without passwords."""
    try:
        yield
    except AutometaError:
        raise
    except Exception as error:
        # The cause is not chained: its text may hold the URL.
        raise StoreError(
            f"{what} cannot be read ({told(error)})",
            allowed="a storage that this version of Optuna can read",
            do="Check that it is whole and that you may read it",
        ) from None


def _open(source: str | Path, stack: ExitStack, notes: list[str]) -> tuple[BaseStorage, str]:
    if isinstance(source, str) and "://" in source:
        scheme = source.partition("://")[0].lower()
        if scheme.startswith("redis"):
            raise InputError(
                f"storage {without_passwords(source)!r}",
                allowed=ALLOWED,
                do="Optuna unpickles what it finds in Redis: if you trust it, open it with "
                "JournalRedisBackend yourself and give the storage",
            )
        if (address := grpc_address(source)) is not None:
            with _reading(f"the storage proxy at {address[0]}:{address[1]}"):
                return open_proxy(*address), "a gRPC storage proxy"
        journal = journal_path(source)
        if journal is None and scheme.partition("+")[0] != "sqlite":
            return _open_database(database_url(source)), f"a {scheme.partition('+')[0]} database"
        path = journal or sqlite_path(source)
    else:
        path = Path(source)
    if path.exists() and not path.is_file():  # a pipe cannot be read twice
        raise StoreError(
            f"{path} is {'a folder' if path.is_dir() else 'no ordinary file'}",
            allowed=ALLOWED,
            do="Names choose among studies: a portfolio is taken whole, and joined with others by "
            "`autometa portfolio merge`"
            if path.is_dir()
            else "Save what it gives in a file",
        )
    try:
        with path.open("rb") as stream:
            head = stream.read(len(_SQLITE))
    except OSError as error:
        raise StoreError(
            f"{path} cannot be opened: {error.strerror or error}", allowed=ALLOWED
        ) from error
    if head == _SQLITE:
        return _open_sqlite(path, stack), path.name
    if head.startswith(b"{") and _is_journal(path):
        return _open_journal(path, notes), path.name
    raise StoreError(
        f"{path} is neither a sqlite database nor a journal file of Optuna",
        allowed=ALLOWED,
        do="It is damaged or something else: restore it from a copy, or name another file",
    )


def _open_database(url: str) -> BaseStorage:
    try:
        return RDBStorage(url, skip_table_creation=True)
    except Exception as error:
        raise StoreError(
            f"storage {without_passwords(url)!r} cannot be opened ({told(error, url)})",
            allowed=ALLOWED,
            do="Check the address, the driver and the rights; a schema of another Optuna is "
            "upgraded with `optuna storage upgrade`",
        ) from None


# Sqlite ------------------------------------------------------------------------------------------


def _open_sqlite(path: Path, stack: ExitStack) -> BaseStorage:
    from sqlalchemy.pool import NullPool

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="autometa-")))
    copy = folder / "copy.db"
    try:
        try:
            _backup(path, copy)
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
                raise
            _recover(path, copy)
    except (sqlite3.Error, UnicodeError, OSError) as error:
        name = getattr(error, "sqlite_errorname", "")
        locked = name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
        copying = isinstance(error, OSError) or name == "SQLITE_FULL"
        raise StoreError(
            f"sqlite file {path} cannot be read: {error}",
            do="Another process holds it: try again when it has finished"
            if locked
            else f"It is copied to {folder.parent} first: see that there is space, or set TMPDIR"
            if copying
            else "It is damaged: restore it from a copy",
        ) from error
    with _reading(f"sqlite file {path}"):
        storage = RDBStorage(
            f"sqlite:///{copy}",
            # Closes each connection after its use, so that the copy can be removed at the end.
            engine_kwargs={"poolclass": NullPool},
            skip_compatibility_check=True,
            skip_table_creation=True,
        )
        stack.callback(storage.remove_session)
        version = storage.get_current_version()
        if version != storage.get_head_version():
            if version not in storage.get_all_versions():
                raise StoreError(
                    f"sqlite file {path} has schema {version}, of a newer Optuna",
                    allowed=f"up to {storage.get_head_version()}",
                    do="Upgrade Optuna to read it",
                )
            storage.upgrade()  # of the copy
    return storage


def _backup(path: Path, copy: Path) -> None:
    """Copy one consistent state of a database; the source is opened for reading only."""
    # A write-ahead log that was closed well leaves no file beside, and opening such a database
    # would put one there: nobody is connected, so it can be read as a file that does not change.
    with path.open("rb") as stream:
        ahead = stream.read(20)[18:19] == b"\2"
    if ahead and _beside(path, "-wal").exists() and not _beside(path, "-shm").exists():
        _recover(path, copy)  # its writer died, and reading the log would leave a file
        return
    quiet = ahead and not _beside(path, "-wal").exists()
    uri = path.resolve().as_uri() + ("?mode=ro&immutable=1" if quiet else "?mode=ro")
    with (
        closing(sqlite3.connect(uri, uri=True, timeout=BUSY, isolation_level=None)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # waits BUSY for the lock
        source.backup(target)
        _check_whole(target)


def _recover(path: Path, copy: Path) -> None:
    """Copy a database whose writer died in the middle: SQLite must write to read it, so there."""
    copy.unlink(missing_ok=True)
    for suffix in ("-wal", "-journal", ""):
        if _beside(path, suffix).exists():
            shutil.copyfile(_beside(path, suffix), _beside(copy, suffix))
    with closing(sqlite3.connect(copy)) as target:
        _check_whole(target)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _check_whole(database: sqlite3.Connection) -> None:
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict.replace("\n", " "))


# Journals ----------------------------------------------------------------------------------------


class _Journal(BaseJournalBackend):
    """Operations that were read; nothing is ever appended."""

    def __init__(self, logs: list[dict[str, Any]]) -> None:
        self._logs = logs

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        return self._logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        raise StoreError("an attempt to write to a storage that is only read")


def _is_journal(path: Path) -> bool:
    """Whether the first line is an operation: many other files begin with a brace."""
    with path.open("rb") as stream:
        return b'"op_code"' in stream.readline(_OPERATION)


def _open_journal(path: Path, notes: list[str]) -> BaseStorage:
    lines = read_bytes(path, MAX_TEXT).splitlines(keepends=True)
    logs = []
    for number, line in enumerate(lines, start=1):
        try:
            if not line.endswith(b"\n"):
                raise ValueError("no end of line")
            log = parse_json(line)
            if not isinstance(log, dict):
                raise ValueError("no operation")
        except ValueError as error:
            if number == len(lines):
                notes.append(f"{path.name}: the last line is torn and was skipped")
                break
            # Trials are numbered by their lines: without this one, values would change owners.
            raise StoreError(
                f"line {number} of journal {path} is damaged: {error}",
                allowed="one JSON document a line; only the last may be torn",
                do="Restore it from a copy, or cut it before this line",
            ) from error
        logs.append(log)
    with _reading(f"journal {path}"):
        return JournalStorage(_Journal(logs))
