"""Ctrl-C between two updates instead of within one.

Torch imports parts of itself when it first needs them, and its transforms keep a stack: an
interrupt within either is now and then lost, or leaves a session in which no child can be trained
any more.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def between_updates() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back until the function that this gives is called; a second one acts at once.

    Only where Python's own handler would raise KeyboardInterrupt here: in the main thread, and with
    no other handler of the user's.

    Raises:
        KeyboardInterrupt: from that function, or at the end.
    """
    pressed = False

    def hold(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            signal.default_int_handler(number, frame)
        pressed = True

    def check() -> None:
        if pressed:
            raise KeyboardInterrupt

    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield check
        return
    signal.signal(signal.SIGINT, hold)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    check()
