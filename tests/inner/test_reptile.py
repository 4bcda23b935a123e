"""Reptile finds a start from which a task is learned faster."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from autometa.errors import InputError
from autometa.inner import MAML, Episodes, Outer, RateRule, reptile


def shifted_lines(rng: np.random.Generator, n: int) -> Episodes:
    x = torch.from_numpy(rng.normal(size=(n, 8, 1)).astype(np.float32))
    y = 3 * x + 2 + 0.3 * torch.from_numpy(rng.normal(size=(n, 1, 1)).astype(np.float32))
    return Episodes(support_x=x[:, :4], support_y=y[:, :4], query_x=x[:, 4:], query_y=y[:, 4:])


def recipe() -> MAML:
    torch.manual_seed(0)
    rule = RateRule(kind="fixed", initial=0.1)
    return MAML(nn.Linear(1, 1), rates=rule, steps=3, outer=Outer(tasks=4))


def test_the_start_moves_to_where_tasks_are_near() -> None:
    fitted = reptile.fit(recipe(), shifted_lines, iterations=60)
    assert abs(fitted.params["weight"].item() - 3) < 0.3
    assert abs(fitted.params["bias"].item() - 2) < 0.3
    again = reptile.fit(recipe(), shifted_lines, iterations=60)
    assert torch.equal(fitted.params["weight"], again.params["weight"])


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match="rates='parameter'"):
        reptile.fit(MAML(nn.Linear(1, 1)), shifted_lines, iterations=1)
    with pytest.raises(InputError, match="rate = 0"):
        reptile.fit(recipe(), shifted_lines, iterations=1, rate=0)
    for bad in (0, 2.5, "2", True):
        with pytest.raises(InputError, match="iterations = "):
            reptile.fit(recipe(), shifted_lines, iterations=bad)  # type: ignore[arg-type]
