"""Putting a finished file where it belongs, in one step."""

from __future__ import annotations

import errno
import os
from pathlib import Path


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
