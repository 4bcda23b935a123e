"""Every error autometa raises on purpose.

Each message answers three questions: what was given, what is allowed, what to do next.
All of them derive from `AutometaError`, so a caller can catch one type; each also derives from the
built-in error a Python user would expect.
"""

from __future__ import annotations

import re
from urllib.parse import unquote


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
        ended = (s if s.endswith("?") else s.rstrip(".") + "." for s in sentences if s)
        super().__init__(" ".join(ended))


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


class NothingFinishedError(InputError):
    """Of the studies that were named none has a trial that can be learned from."""


class MissingExtraError(AutometaError, ImportError):
    """An optional package is needed; the message names the extra that installs it."""


def without_passwords(text: str, url: str = "") -> str:
    """A text for a message or a record, the passwords of URLs in it replaced by three stars.

    Args:
        text: To show.
        url: What it is about: parts of its password are replaced wherever they stand, since a
            driver tears a password with an unescaped "@" and then tells its parts.
    """
    secret = re.search(r"://[^:/@\s]*:(\S*)@", url)
    for part in re.split(r"[@/:?#]", f"{secret[1]}/{unquote(secret[1])}") if secret else ():
        text = text.replace(part, "***") if len(part) > 2 else text
    # One slash where the URL was taken for a path, three or four before a file.
    text = re.sub(r"(:/{1,4})([^:/@\s]*):\S*@", r"\1\2:***@", text)
    return re.sub(r"(?i)([?&;](?:password|passwd|pwd|sslpassword)=)[^&;\s'\"]*", r"\1***", text)


def told(error: BaseException, url: str = "") -> str:
    """The innermost cause of another library's error in one line, without passwords.

    Do not chain such an error to the one that is raised (`from None`): its text may hold the URL.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    lines = without_passwords(str(error), url).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def reason(error: BaseException, limit: int = 2000) -> str:
    """Why something failed, in one text: an error and what led to it, the first cause last.

    >>> try:
    ...     try:
    ...         int("much")
    ...     except ValueError as first:
    ...         raise RuntimeError("no such size") from first
    ... except RuntimeError as last:
    ...     reason(last)
    "RuntimeError: no such size, because ValueError: invalid literal for int() with base 10: 'much'"
    """
    parts: list[str] = []
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        said = str(following).strip()
        part = f"{type(following).__name__}: {said}" if said else type(following).__name__
        if isinstance(following, AutometaError):
            part = said
        if not parts or said not in parts[-1]:
            parts.append(part)
        hidden = following.__suppress_context__
        following = following.__cause__ or (None if hidden else following.__context__)
    text = ", because ".join(parts)
    return text if len(text) <= limit else text[: limit - 1] + "\u2026"
