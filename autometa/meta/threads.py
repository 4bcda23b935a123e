"""One thread for small matrices: several wait for one another, up to seven times slower."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController, threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch and the BLAS libraries to one thread inside the block."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


def one_blas_thread() -> AbstractContextManager[Any]:
    """The same for numpy and scipy alone, without the milliseconds that finding libraries costs."""
    limit: AbstractContextManager[Any] = _loaded().limit(limits=1)
    return limit


@cache
def _loaded() -> ThreadpoolController:
    """The libraries that are loaded now; numpy's and scipy's come with this package."""
    import scipy.linalg  # noqa: F401  (scipy brings a library of its own)

    return ThreadpoolController()
