"""What reading a table changed or noticed, in sentences for its user."""

from __future__ import annotations

from collections.abc import Iterable

_SHOWN = 12


class TableWarning(UserWarning):
    """A table is not taken as it was given; the message says what was done."""


def shown(names: Iterable[object]) -> str:
    """Names for a message, the first twelve of them.

    >>> shown(["a", "b"])
    "'a', 'b'"
    """
    listed = [repr(str(name)) for name in names]
    rest = f", ... ({len(listed)} in all)" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + rest
