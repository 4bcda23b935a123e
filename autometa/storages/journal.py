"""Optuna's journal file, with a lock that the system frees when its holder dies.

Optuna's own lock is a symbolic link: one that a killed process leaves behind stops every writer for
30 s, and half a line that it wrote makes the file unreadable with the next line. Here writers first
take the system's lock on `FILE.lock-autometa`. Whoever holds it removes the link of a dead one of
us, takes Optuna's link as well (so that programs which use Optuna alone wait their turn), and cuts
a torn last line: nobody can be writing it.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, suppress
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import (
    JournalFileBackend,
    JournalFileOpenLock,
    JournalFileSymlinkLock,
)

from autometa.errors import StoreError
from autometa.locking import held

TIMEOUT = 120.0  # seconds to wait for another writer


def open_journal(path: Path) -> JournalStorage:
    """The storage in a journal file, which is made where there is none.

    Raises:
        StoreError: the file cannot be made, read or written, or is damaged before its last line.
    """
    lock = JournalFileOpenLock(str(path)) if sys.platform == "win32" else JournalLock(path)
    try:
        backend = JournalFileBackend(str(path), lock_obj=lock)
        if isinstance(lock, JournalLock):  # cuts what a dead writer left
            lock.acquire()
            lock.release()
        return JournalStorage(backend)
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            f"the journal {path} cannot be used: {error.strerror or error}",
            allowed="a file in a folder that you may write to, with space left",
        ) from error
    except ValueError as error:
        raise StoreError(
            f"the journal {path} is damaged ({error})",
            allowed="one JSON document a line; only the last may be torn",
            do="Restore it from a copy, or name another file",
        ) from error


class JournalLock(JournalFileSymlinkLock):
    """Optuna's link inside the system's lock; see the module."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path
        self._mark = path.with_name(f"{path.name}.lock-autometa")
        self._link = path.with_name(f"{path.name}.lock")
        self._stack = ExitStack()

    def acquire(self) -> bool:
        """Wait until nobody else writes."""
        with ExitStack() as stack:
            stack.enter_context(held(self._mark, timeout=TIMEOUT))
            if self._mark.stat().st_size:  # its last holder died with Optuna's link in hand
                self._link.unlink(missing_ok=True)
            super().acquire()
            self._mark.write_bytes(b"1")
            self._cut_torn_tail()
            self._stack = stack.pop_all()
        return True

    def release(self) -> None:
        """Let the next one write."""
        with self._stack:
            self._mark.write_bytes(b"")
            with suppress(RuntimeError):  # a program that waited for longer than 30 s took it
                super().release()

    def _cut_torn_tail(self) -> None:
        with self._path.open("r+b") as file:
            end = file.seek(0, 2)
            if not end:
                return
            file.seek(end - 1)
            if file.read(1) == b"\n":
                return
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
