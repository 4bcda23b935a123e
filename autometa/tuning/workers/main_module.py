"""Whether worker processes import the program's main module, which they do only where they must.

Python's spawned processes import it always, to find what is defined in it: a script that calls
`tune` without a guard would then be run by each of its workers again, and each would start workers.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.reduction import ForkingPickler
from types import ModuleType
from typing import Any

from autometa.errors import InputError, reason

NAME = "autometa-worker"  # how the processes are called
GUARD = 'In a script, call tune below `if __name__ == "__main__":`'
_MAIN = "__main__"


def is_needed(sent: object) -> bool:
    """Whether what workers are sent holds anything that is defined there, such as a metric.

    Raises:
        InputError: it cannot be sent at all, or this is a worker that imports the module.
    """
    if multiprocessing.current_process().name.startswith(NAME):
        raise InputError("a call of tune while a worker imports the script", do=GUARD)
    look = _Look()
    try:
        look.dump(sent)
    except Exception as error:  # of pickling, which knows no end of them
        raise InputError(
            f"something that cannot be sent to workers ({reason(error)})",
            allowed="metrics, splits and families that a module defines, no lambda",
        ) from error
    if look.found and getattr(sys.modules[_MAIN], "__file__", None) is None:
        raise InputError(
            "a metric or family that a notebook or a prompt defines, for several workers",
            allowed="one that a module defines, which workers can import",
        )
    return look.found


class _Look(ForkingPickler):
    """Pickles into nothing, and sees what is defined in the main module: cells may say its name."""

    def __init__(self) -> None:
        super().__init__(_Nowhere())
        self.found = False

    def reducer_override(self, obj: Any) -> Any:
        """Look at a class, a function or an instance; all are pickled as ever."""
        self.found = self.found or getattr(obj, "__module__", None) == _MAIN
        return NotImplemented


class _Nowhere:
    def write(self, data: Any) -> int:
        """Keep nothing of it."""
        return len(data)


@contextmanager
def hidden() -> Iterator[None]:
    """While a process is started: it imports no main module then."""
    main = sys.modules[_MAIN]
    sys.modules[_MAIN] = ModuleType(_MAIN)
    try:
        yield
    finally:
        sys.modules[_MAIN] = main
