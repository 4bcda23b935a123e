"""The meta-gradient is right: against finite differences, closed forms, and a loop."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from autometa.inner import adapt
from autometa.inner.adapt import Batch, Params, trajectory
from autometa.inner.stateless import bind


def network(seed: int = 0) -> tuple[nn.Module, dict[str, Tensor]]:
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1)).double()
    return module, {name: value.detach().clone() for name, value in module.named_parameters()}


def episode(seed: int, shots: int = 6) -> tuple[Batch, Batch]:
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(2 * shots, 2, generator=g, dtype=torch.float64)
    y = (x @ torch.randn(2, 1, generator=g, dtype=torch.float64)).sin()
    return (x[:shots], y[:shots]), (x[shots:], y[shots:])


def quadratic(params: Params, batch: Batch) -> Tensor:
    return 0.5 * (params["w"] - batch[0]).square().sum()


def test_one_step_on_a_quadratic_is_the_closed_form() -> None:
    start = {"w": torch.tensor([1.0, 2.0], requires_grad=True)}
    rates = {"w": torch.tensor([0.1], requires_grad=True)}
    batch = (torch.tensor([3.0, -1.0]), torch.zeros(1))
    end = adapt(start, rates, quadratic, batch, 1)["w"]
    assert torch.allclose(end, torch.tensor([1.2, 1.7]))
    by_start, by_rate = torch.autograd.grad(end.sum(), [start["w"], rates["w"]])
    assert torch.allclose(by_start, torch.full((2,), 0.9))  # 1 - rate * curvature
    assert torch.allclose(by_rate, torch.tensor([-1.0]))  # -sum of the gradients


def test_meta_gradient_equals_finite_differences() -> None:
    module, params = network()
    loss = bind(module, "mse")
    support, query = episode(1)
    rates = {name: torch.full((2, *v.shape), 0.1).double() for name, v in params.items()}

    def outer(*flat: Tensor) -> Tensor:
        start = dict(zip(params, flat[: len(params)], strict=True))
        speed = dict(zip(params, flat[len(params) :], strict=True))
        return loss(adapt(start, speed, loss, support, 3), query)

    inputs = [v.clone().requires_grad_() for v in (*params.values(), *rates.values())]
    assert torch.autograd.gradcheck(outer, inputs)


def test_order_1_takes_inner_gradients_as_constants() -> None:
    module, params = network()
    loss = bind(module, "mse")
    support, query = episode(2)
    rates = {name: torch.tensor([0.2], dtype=torch.float64) for name in params}

    def outer_gradient(order: int) -> Tensor:
        start = {name: v.clone().requires_grad_() for name, v in params.items()}
        end = adapt(start, rates, loss, support, 2, order=order)  # type: ignore[arg-type]
        value = loss(end, query)
        return torch.cat([g.flatten() for g in torch.autograd.grad(value, list(start.values()))])

    end = adapt(params, rates, loss, support, 2)
    at_end = torch.func.grad(loss)(end, query)
    first, second = outer_gradient(1), outer_gradient(2)
    assert torch.allclose(first, torch.cat([at_end[name].flatten() for name in params]))
    assert not torch.allclose(first, second)


@pytest.mark.parametrize("order", [1, 2])
def test_both_orders_adapt_to_the_same_place(order: int) -> None:
    module, params = network()
    loss = bind(module, "mse")
    support, _ = episode(3)
    rates = {name: torch.tensor([0.2], dtype=torch.float64) for name in params}
    end = adapt(params, rates, loss, support, 4, order=order)  # type: ignore[arg-type]
    reference = adapt(params, rates, loss, support, 4)
    assert all(torch.allclose(end[name], reference[name]) for name in params)


def test_vmap_equals_a_loop() -> None:
    module, params = network()
    loss = bind(module, "mse")
    rates = {name: torch.tensor([0.1, 0.3], dtype=torch.float64) for name in params}
    episodes = [episode(seed) for seed in range(4)]

    def one(sx: Tensor, sy: Tensor, qx: Tensor, qy: Tensor) -> Tensor:
        return loss(adapt(params, rates, loss, (sx, sy), 3), (qx, qy))

    stacks = [torch.stack(parts) for parts in zip(*(s + q for s, q in episodes), strict=True)]
    together = torch.func.vmap(one)(*stacks)
    alone = torch.stack([one(*s, *q) for s, q in episodes])
    assert torch.allclose(together, alone)


def test_parameters_without_a_rate_stay() -> None:
    module, params = network()
    support, _ = episode(4)
    rates = {"2.weight": torch.tensor([0.1], dtype=torch.float64)}
    end = adapt(params, rates, bind(module, "mse"), support, 2)
    assert [n for n in params if not torch.equal(end[n], params[n])] == ["2.weight"]


def test_each_step_has_its_rate_and_the_last_one_is_repeated() -> None:
    start = {"w": torch.tensor([0.0])}
    rates = {"w": torch.tensor([0.5, 0.0, 1.0])}
    path = trajectory(start, rates, quadratic, (torch.tensor([8.0]), torch.zeros(1)), 5)
    assert [p["w"].item() for p in path] == [0.0, 4.0, 4.0, 8.0, 8.0, 8.0]


def test_gradients_are_clipped_and_nan_does_not_move() -> None:
    rates = {"w": torch.tensor([1.0])}
    far = (torch.tensor([1e6, float("nan")]), torch.zeros(1))
    end = adapt({"w": torch.zeros(2)}, rates, quadratic, far, 1, clip=10.0)["w"]
    assert end.tolist() == [10.0, 0.0]
    unguarded = list(
        trajectory({"w": torch.zeros(2)}, rates, quadratic, far, 1, clip=10.0, guard=False)
    )
    assert torch.isnan(unguarded[-1]["w"][1])
