"""A compiled objective has the values and gradients of the one it is made of."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from autometa.errors import InputError
from autometa.inner import MAML, Episodes, Outer
from autometa.inner.compiled import Compiled
from autometa.inner.rates import expand
from autometa.inner.stateless import frozen_copy


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))


def planes(rng: np.random.Generator, n: int) -> Episodes:
    x = torch.from_numpy(rng.normal(size=(n, 8, 2)).astype(np.float32))
    y = (x * torch.from_numpy(rng.normal(size=(n, 1, 2)).astype(np.float32))).sum(-1, True)
    return Episodes(support_x=x[:, :4], support_y=y[:, :4], query_x=x[:, 4:], query_y=y[:, 4:])


def gradients(recipe: MAML, objective: Any) -> tuple[Tensor, list[Tensor]]:
    learner = recipe.learner()
    rates = expand(learner.logs, learner.adapted)
    loss = objective(learner.params, rates, planes(np.random.default_rng(1), 3), 0.0)
    return loss, list(torch.autograd.grad(loss, learner.leaves, allow_unused=True))


@pytest.mark.parametrize("kind", ["fixed", "scalar", "tensor", "parameter", "layer_step"])
@pytest.mark.parametrize("order", [1, 2])
def test_same_value_and_gradients(kind: Any, order: Any) -> None:
    recipe = MAML(network(), rates=kind, steps=2, order=order)
    plain = recipe.objective(frozen_copy(recipe.child))
    flat = Compiled(plain, recipe.steps, machine_code=False)
    loss, expected = gradients(recipe, plain)
    value, found = gradients(recipe, flat)
    assert torch.allclose(loss, value)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(expected, found, strict=True))


def test_only_the_head_is_adapted() -> None:
    recipe = MAML(network(), adapted=("2.weight", "2.bias"), steps=2)
    plain = recipe.objective(frozen_copy(recipe.child))
    loss, expected = gradients(recipe, plain)
    value, found = gradients(recipe, Compiled(plain, 2, machine_code=False))
    assert torch.allclose(loss, value)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(expected, found, strict=True))


def test_what_cannot_be_compiled_is_refused() -> None:
    with pytest.raises(InputError, match="compiled=True"):
        MAML(network(), compiled=True, outer=Outer(multi_step=0.5))
    with pytest.raises(InputError, match="compiled=True"):
        MAML(network(), compiled=True, vectorised=False)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_training_compiled_equals_training(tmp_path: Path) -> None:
    if shutil.which("g++") is None:
        pytest.skip("no C++ compiler")
    plain = MAML(network(), steps=2).fit(planes, iterations=20)
    fast = MAML(network(), steps=2, compiled=True).fit(planes, iterations=20)
    for name, value in plain.params.items():
        assert torch.allclose(value, fast.params[name], atol=1e-4)
