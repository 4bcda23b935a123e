"""One writer of a folder at a time, by a lock that the system frees when its holder dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autometa.errors import StoreError

NAME = ".lock"
POLL = 0.02  # seconds between two attempts


@contextmanager
def exclusive(folder: Path, *, timeout: float) -> Iterator[None]:
    """Hold the folder's lock.

    Args:
        folder: Must exist.
        timeout: Seconds to wait for another holder.

    Raises:
        StoreError: the lock was not free in time.
    """
    with held(folder / NAME, timeout=timeout, what=folder):
        yield


@contextmanager
def held(file: Path, *, timeout: float, what: Path | None = None) -> Iterator[None]:
    """Hold the lock of a file, which is made where there is none; `what` stands for it in errors.

    Raises:
        StoreError: the lock was not free in time.
    """
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + timeout
        while not _acquire(handle):
            if time.monotonic() > deadline:
                raise StoreError(
                    f"{what or file} was locked by another writer for {timeout:g} s",
                    do="Wait until it has finished, then try again",
                )
            time.sleep(POLL)
        yield
    finally:
        os.close(handle)  # closing frees the lock


if sys.platform == "win32":
    import msvcrt

    def _acquire(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _acquire(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
