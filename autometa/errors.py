"""Every error autometa raises on purpose.

Each message answers three questions: what was given, what is allowed, what to do next.
All of them derive from `AutometaError`, so a caller can catch one type; each also derives from the
built-in error a Python user would expect.
"""

from __future__ import annotations

import re


class AutometaError(Exception):
    """Base of all deliberate errors; the command line prints it and exits with code 2.

    Args:
        given: What was received, in a few words.
        allowed: What would have been accepted.
        do: What the user can do next.
    """

    def __init__(self, given: str, *, allowed: str = "", do: str = "") -> None:
        self.given, self.allowed, self.do = given, allowed, do
        sentences = [given, f"allowed: {allowed}" if allowed else "", do]
        super().__init__(". ".join(s.rstrip(".") for s in sentences if s) + ".")


class SpaceError(AutometaError, ValueError):
    """A search space, or a config for it, is not valid."""


class RecordError(AutometaError, ValueError):
    """A task, a trial or a history is not valid."""


class PortfolioError(AutometaError, ValueError):
    """A portfolio cannot be built, combined or used as asked."""


class StoreError(AutometaError, OSError):
    """A file or folder cannot be read or written: damaged, too new, or not autometa's."""


class ModelError(AutometaError, ValueError):
    """A meta-model cannot be fitted, loaded or applied as asked."""


class InputError(AutometaError, ValueError):
    """A table, an option or another input of the user is not usable."""


class MissingExtraError(AutometaError, ImportError):
    """An optional package is needed; the message names the extra that installs it."""


def without_passwords(text: str) -> str:
    """A text for a message, the passwords of URLs in it replaced by three stars."""
    text = re.sub(r"://([^:/@\s]*):\S*@", r"://\1:***@", text)
    return re.sub(r"(?i)([?&;](?:password|passwd|pwd|sslpassword)=)[^&;\s'\"]*", r"\1***", text)
