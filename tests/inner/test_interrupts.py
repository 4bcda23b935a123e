"""Ctrl-C ends a meta-training between two updates, whatever torch is doing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from autometa.inner import MAML, Episodes, reptile, store
from autometa.inner.training import KIND, SCHEMA
from tests.inner.test_frozen import lines


@pytest.fixture(autouse=True)
def pythons_own_handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def pressing(at: int, times: int = 1) -> Callable[[np.random.Generator, int], Episodes]:
    calls = 0

    def tasks(rng: np.random.Generator, n: int) -> Episodes:
        nonlocal calls
        calls += 1
        if calls == at:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
        return lines(rng, n)

    return tasks


@pytest.mark.parametrize(("times", "kept"), [(1, 5), (2, 4)])
@pytest.mark.parametrize("iterations", [5, 9])
def test_an_update_is_ended_first_unless_it_is_pressed_again(
    tmp_path: Path, times: int, kept: int, iterations: int
) -> None:
    recipe = MAML(nn.Linear(3, 1))
    with pytest.raises(KeyboardInterrupt):
        recipe.fit(pressing(5, times), iterations=iterations, checkpoint=tmp_path)
    assert len(store.load(tmp_path, KIND, SCHEMA)[0]["losses"]) == kept
    resumed = recipe.fit(lines, iterations=iterations, checkpoint=tmp_path)
    unbroken = recipe.fit(lines, iterations=iterations)
    assert all(torch.equal(value, resumed.params[k]) for k, value in unbroken.params.items())


@pytest.mark.parametrize("at", [2, 5])
def test_reptile_is_ended_too(at: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        reptile.fit(MAML(nn.Linear(3, 1), rates="fixed"), pressing(at), iterations=5)


def test_a_handler_of_the_users_stays() -> None:
    seen: list[int] = []

    def own(number: int, _frame: Any) -> None:
        seen.append(number)

    signal.signal(signal.SIGINT, own)
    fitted = MAML(nn.Linear(3, 1)).fit(pressing(2), iterations=4)
    assert seen == [signal.SIGINT]
    assert fitted.info["iterations"] == 4
    assert signal.getsignal(signal.SIGINT) is own
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_threads_hold_nothing_back() -> None:
    done: list[Any] = []
    recipe = MAML(nn.Linear(3, 1))
    thread = threading.Thread(target=lambda: done.append(recipe.fit(lines, iterations=2)))
    thread.start()
    thread.join()
    assert done[0].info["iterations"] == 2


def test_an_error_is_not_hidden_by_what_was_held_back() -> None:
    def failing(rng: np.random.Generator, n: int) -> Episodes:
        signal.raise_signal(signal.SIGINT)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        MAML(nn.Linear(3, 1)).fit(failing, iterations=2)
