from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest
import torch
from threadpoolctl import ThreadpoolController, threadpool_limits

from autometa.threads import one_blas_thread, one_thread


def blas() -> set[int]:
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    return {library.get_num_threads() for library in libraries}


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    with threadpool_limits(limits=2):
        torch.set_num_threads(2)
        yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("first", [one_thread, one_blas_thread])
@pytest.mark.parametrize("second", [one_thread, one_blas_thread])
def test_overlapping_limits_end_in_any_order(
    first: Callable[[], AbstractContextManager[None]],
    second: Callable[[], AbstractContextManager[None]],
) -> None:
    assert blas() == {2}
    one, two = first(), second()
    one.__enter__()
    two.__enter__()
    assert blas() == {1}
    one.__exit__(None, None, None)
    assert blas() == {1}
    two.__exit__(None, None, None)
    assert blas() == {2}
    assert torch.get_num_threads() == 2


def test_nested_limits_hold_until_the_outer_one_ends() -> None:
    with one_thread():
        with one_thread(), one_blas_thread():
            pass
        assert blas() == {1}
        assert torch.get_num_threads() == 1
    assert blas() == {2}


def test_a_thread_that_starts_inside_anothers_limit_is_not_left_with_it() -> None:
    seen: list[int] = []

    def work() -> None:
        with one_thread():
            seen.append(torch.get_num_threads())
        seen.append(torch.get_num_threads())

    with ExitStack() as stack:
        stack.enter_context(one_thread())
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert blas() == {1}
        assert torch.get_num_threads() == 1
    assert seen == [1, 2]
    assert torch.get_num_threads() == 2


def test_an_error_inside_ends_the_limit() -> None:
    with pytest.raises(ZeroDivisionError), one_thread():
        _ = 1 / 0
    assert blas() == {2}
    assert torch.get_num_threads() == 2
