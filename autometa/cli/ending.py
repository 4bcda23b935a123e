"""How a command ends: what it found is handed over whatever else goes wrong."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import typer

from autometa.errors import reason, without_passwords


@contextmanager
def stopped_alike() -> Iterator[None]:
    """SIGTERM, by which schedulers end a program, stops a command as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def or_told(lost: list[str], what: str) -> Iterator[None]:
    """Whatever goes wrong in writing one thing is kept as a sentence."""
    try:
        yield
    except Exception as error:  # also a mistake of ours: the results come first
        lost.append(f"{what} was not written: {without_passwords(reason(error))}")


def tell_lost(lost: Sequence[str]) -> None:
    """Say what was left out or not written, and end with the code of what is not all done."""
    for sentence in lost:
        sys.stderr.write(f"error: {sentence}\n")
    if lost:
        raise typer.Exit(3)


@contextmanager
def printed(lost: list[str]) -> Iterator[None]:
    """Print what others may not take: what comes after it is done all the same.

    A reader who has left, as `head` does, has what it wanted; a full disk is added to what is lost.
    """
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        full = error.errno == errno.ENOSPC and error.filename is None
        if not full and not isinstance(error, BrokenPipeError):
            raise
        with suppress(OSError):  # where stdout is no file of the system's
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if full:
            lost.append(f"what belongs on stdout was not written: {error.strerror}")
