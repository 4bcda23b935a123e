"""Putting a finished file where it belongs, in one step."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

TEMPORARY = ".tmp-"
"""How the names of files begin that are not finished; what a crash left may be removed."""


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file next to its place, flush it to the disk and put it in place.

    Whatever interrupts it, a reader sees the old content or the new, and when it returns the new
    one survives a power failure.

    Raises:
        OSError: it cannot be written, or something other than a file stands there; nothing is left
            behind then.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(TEMPORARY + secrets.token_hex(8))
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename a file to its own name; a reader sees the old content or the new.

    A rename takes the place of whatever stands there. A device or a pipe is not for us to remove:
    done by root to `/dev/null`, it would break every program of the machine.

    Raises:
        OSError: it cannot be renamed, or something other than a file stands there; the temporary
            file is then removed.
    """
    if path.exists() and not path.is_file():
        temporary.unlink(missing_ok=True)
        raise OSError(errno.EINVAL, "it is no ordinary file", str(path))
    os.replace(temporary, path)  # noqa: PTH105 - the atomic one on every platform


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows knows no handle of a folder; its renames are journalled
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
