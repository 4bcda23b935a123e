"""One thread for small matrices: several wait for one another, up to seven times slower.

A BLAS library has one number of threads for the whole process, and suggestions may overlap: two
threads of a search that each put back what they found would leave the limit of the other for good.
So the blocks that want the limit are counted, and the last one puts back what the first one found.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


class _Limit:
    """Limits the BLAS libraries and torch to one thread while at least one block is open.

    Blocks may nest, overlap in time, and end in any order, in any threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0
        self._before: dict[str, tuple[Any, int]] = {}  # file of a library -> library, its threads
        self._threads = 0  # open blocks that limit their threads too
        self._torch_before = 1
        self._here = threading.local()

    @contextmanager
    def of_blas(self, libraries: Callable[[], ThreadpoolController]) -> Iterator[None]:
        """Limit the BLAS libraries among those given."""
        with self._lock:
            self._open += 1
            for library in libraries().select(user_api="blas").lib_controllers:
                if library.filepath not in self._before:
                    self._before[library.filepath] = library, library.get_num_threads()
                    library.set_num_threads(1)
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1
                while self._before and not self._open:
                    _, (library, threads) = self._before.popitem()
                    library.set_num_threads(threads)

    @contextmanager
    def of_thread(self) -> Iterator[None]:
        """Limit torch and OpenMP in the calling thread.

        Their numbers are the thread's own, but a new thread takes from torch what was set last.
        """
        import torch

        here = self._here
        with self._lock:
            if not self._threads:
                self._torch_before = torch.get_num_threads()
            self._threads += 1
            here.open = getattr(here, "open", 0) + 1
            if here.open == 1:
                openmp = ThreadpoolController().select(user_api="openmp")
                here.openmp = openmp.limit(limits=1)
                torch.set_num_threads(1)
        try:
            yield
        finally:
            with self._lock:
                self._threads -= 1
                here.open -= 1
                if not here.open:
                    here.openmp.restore_original_limits()
                    torch.set_num_threads(self._torch_before)


_limit = _Limit()


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch, OpenMP and the BLAS libraries to one thread inside the block."""
    with _limit.of_thread(), _limit.of_blas(ThreadpoolController):
        yield


@contextmanager
def one_thread_of_loaded() -> Iterator[None]:
    """The same, of the libraries that are loaded by now: torch is not loaded for it."""
    if "torch" in sys.modules:
        with one_thread():
            yield
        return
    openmp = ThreadpoolController().select(user_api="openmp")
    with openmp.limit(limits=1), _limit.of_blas(ThreadpoolController):
        yield


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """The same for torch and OpenMP alone, in the calling thread."""
    with _limit.of_thread():
        yield


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """The same for numpy and scipy alone, without the milliseconds that finding libraries costs."""
    with _limit.of_blas(_loaded):
        yield


@cache
def _loaded() -> ThreadpoolController:
    """The libraries that are loaded now; numpy's and scipy's come with this package."""
    import scipy.linalg  # noqa: F401  (scipy brings a library of its own)

    return ThreadpoolController()
