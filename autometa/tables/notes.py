"""What reading a table changed or noticed, in sentences for its user."""

from __future__ import annotations

from collections.abc import Iterable

_SHOWN = 12


class TableWarning(UserWarning):
    """A table is not taken as it was given; the message says what was done."""


def shown(names: Iterable[object], *, quoted: bool = True) -> str:
    """Names for a message, the first twelve of them.

    >>> shown(["a", "b"])
    "'a', 'b'"
    """
    listed = [repr(str(name)) if quoted else str(name) for name in names]
    rest = f", ... ({len(listed)} in all)" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + rest


class Notes:
    """Sentences collected while a table is read: all of them, and those that are warnings."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.warned: list[str] = []

    def tell(self, sentence: str) -> None:
        """Worth knowing."""
        self.told.append(sentence)

    def warn(self, sentence: str) -> None:
        """Something that the user should look at."""
        self.warned.append(sentence)

    def __iadd__(self, other: Notes) -> Notes:
        self.told += other.told
        self.warned += other.warned
        return self
