"""Second derivatives are right whatever a child is made of, all tasks at once or one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from autometa.errors import InputError
from autometa.inner import MAML, Episodes, RateRule
from autometa.inner.compiled import Compiled
from autometa.inner.stateless import frozen_copy
from tests.inner.test_frozen import backbone, lines


class Functional(nn.Module):
    """Calls torch's function itself, with arguments by name."""

    def __init__(self) -> None:
        super().__init__()
        self.gain, self.last = nn.Parameter(torch.tensor([1.0, 2.0, 3.0])), nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(
            nn.functional.layer_norm(input=x, normalized_shape=(3,), weight=self.gain).tanh()
        )
        return out


def with_norm(*norm: nn.Module, shape: tuple[int, ...] = (4,)) -> Callable[[], nn.Module]:
    width = int(np.prod(shape))

    def make() -> nn.Module:
        layers = [nn.Linear(3, width), nn.Unflatten(1, shape), *norm, nn.Tanh(), nn.Flatten()]
        return nn.Sequential(*layers, nn.Linear(width, 1))

    return make


CHILDREN: dict[str, Callable[[], nn.Module]] = {
    "layer": with_norm(nn.LayerNorm(4)),
    "layer without offset": with_norm(nn.LayerNorm(4, bias=False)),
    "layer of two": with_norm(nn.LayerNorm((2, 3)), shape=(2, 2, 3)),
    "layer of one": with_norm(nn.LayerNorm(4), shape=(3, 4)),
    "batch": with_norm(nn.BatchNorm1d(4)),
    "batch of rows": with_norm(nn.BatchNorm1d(4), shape=(4, 2)),
    "batch of images": with_norm(nn.BatchNorm2d(4), shape=(4, 2, 2)),
    "frozen batch": backbone,
    "instance": with_norm(nn.InstanceNorm1d(4, affine=True), shape=(4, 3)),
    "instance of images": with_norm(nn.InstanceNorm2d(2, affine=True), shape=(2, 2, 2)),
    "group": with_norm(nn.GroupNorm(2, 4), shape=(4, 3)),
    "root mean square": with_norm(nn.RMSNorm(4)),
    "functional": Functional,
}


def child_of(name: str) -> nn.Module:
    torch.manual_seed(0)
    child = CHILDREN[name]().double()
    with torch.no_grad():
        for value in child.parameters():
            value.add_(torch.rand_like(value), alpha=0.3)  # gains are 1, offsets 0 otherwise
    return child


def by_hand(child: nn.Module, tasks: Episodes, steps: int) -> list[Tensor]:
    """Of two plain steps a task, by torch.autograd alone."""
    module = frozen_copy(child)
    start = {
        n: p.detach().clone().requires_grad_(p.requires_grad) for n, p in module.named_parameters()
    }
    losses: list[Tensor] = []
    for sx, sy, qx, qy in zip(*tasks.parts, strict=True):
        now: dict[str, Tensor] = dict(start)
        for _ in range(steps):
            moving = [name for name in now if start[name].requires_grad]
            loss = nn.functional.mse_loss(torch.func.functional_call(module, now, (sx,)), sy)
            slopes = torch.autograd.grad(loss, [now[n] for n in moving], create_graph=True)
            now |= {n: now[n] - 0.1 * s for n, s in zip(moving, slopes, strict=True)}
        after = torch.func.functional_call(module, now, (qx,))
        losses.append(nn.functional.mse_loss(after, qy))
    return list(
        torch.autograd.grad(
            torch.stack(losses).mean(), [p for p in start.values() if p.requires_grad]
        )
    )


@pytest.mark.parametrize(
    ("name", "how"),
    [
        *((name, how) for name in CHILDREN for how in ("at once", "one by one")),
        *((name, "compiled") for name in ("layer", "batch of images", "instance")),
    ],
)
def test_normalised_children_have_right_meta_gradients(name: str, how: str) -> None:
    """Torch's own are wrong under vmap, without a word: the reason for `second_order`."""
    child, drawn = child_of(name), lines(np.random.default_rng(0), 3)
    tasks = Episodes(**{n: part.double() for n, part in drawn.named().items()})
    rule = RateRule(kind="fixed", initial=0.1)
    recipe = MAML(child, rates=rule, steps=2, clip=1e6, vectorised=how != "one by one")
    learner = recipe.learner()
    if how == "compiled":
        learner.objective = Compiled(learner.objective, recipe.steps, machine_code=False)
    _, found = learner._gradient(tasks, 0.0)
    for own, right in zip(found, by_hand(child, tasks, 2), strict=True):
        assert own is not None
        assert torch.allclose(own, right, rtol=1e-6, atol=1e-9)


@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")
@pytest.mark.parametrize("kind", ["bag", "margin"])
def test_what_has_no_second_derivative_is_named_with_what_to_do(kind: str) -> None:
    rng = np.random.default_rng(0)
    tasks = lines(rng, 4)
    numbers = torch.from_numpy(rng.integers(7, size=(4, 4, 3)))
    labels = torch.from_numpy(rng.integers(2, size=(4, 4)))
    if kind == "bag":
        child: nn.Module = nn.Sequential(nn.EmbeddingBag(7, 4), nn.Linear(4, 1))
        parts, loss = {"support_x": numbers, "query_x": numbers}, "mse"
    else:
        child, loss = nn.Linear(3, 2), nn.MultiMarginLoss()  # type: ignore[assignment]
        parts = {"support_y": labels, "query_y": labels}
    given = Episodes(**{**tasks.named(), **parts})
    with pytest.raises(InputError, match=r"without second derivatives: .*order=1"):
        MAML(child, loss).fit(given, iterations=1)
    assert MAML(child, loss, order=1).fit(given, iterations=1).info["skipped"] == 0


def test_other_errors_of_torch_are_shown_as_themselves() -> None:
    class Odd(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x: Tensor) -> Tensor:
            return x.clone()

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            pass

        @staticmethod
        def backward(ctx: Any, slope: Tensor) -> Any:
            raise RuntimeError("a mistake of mine")

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        value: Tensor = Odd.apply((outputs - targets).square().mean())  # type: ignore[no-untyped-call]
        return value

    with pytest.raises(RuntimeError, match="a mistake of mine"):
        MAML(nn.Linear(3, 1), loss).fit(lines, iterations=1)
