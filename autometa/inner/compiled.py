"""The outer gradient as one compiled program, for small children that are ruled by call overhead.

`make_fx` writes the outer loss and its gradient, inner gradients and `vmap` included, as one flat
list of tensor operations; `torch.compile` makes machine code of it. A network of 1,800 weights
then takes a fifth of the time an iteration. Needs a C++ compiler on the CPU; the first iteration
takes a minute (later processes find it in torch's cache). The numbers are the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from autometa.inner.adapt import Params
from autometa.inner.episodes import Episodes

Objective: TypeAlias = Callable[[Params, Params, Episodes, float], Tensor]
"""(start, inner rates, episodes, progress in [0, 1]) -> what the outer loop minimises."""

_Flat: TypeAlias = tuple[Tensor, ...]


class Compiled:
    """An objective with the same values and gradients as the one it is made of, only faster.

    One program serves every kind of rates, and every child of the same architecture. It is made
    anew for each shape of the episodes. The objective must not depend on progress.

    Args:
        objective: What to compile.
        steps: Inner steps, to which the rates are expanded.
        machine_code: False only flattens: needs no compiler and gains little.
    """

    def __init__(self, objective: Objective, steps: int, machine_code: bool = True) -> None:
        self._objective, self._steps, self._machine_code = objective, steps, machine_code
        self._programs: dict[tuple[torch.Size, ...], Callable[..., _Flat]] = {}

    def __call__(
        self, params: Params, rates: Params, episodes: Episodes, progress: float
    ) -> Tensor:
        """The outer loss; `progress` is not used."""
        names, moved = tuple(params), tuple(rates)
        full = [
            rate.reshape(*rate.shape, *[1] * (params[name].ndim + 1 - rate.ndim)).expand(
                self._steps, *params[name].shape
            )
            for name, rate in rates.items()
        ]
        leaves = (*params.values(), *full)
        key = tuple(tensor.shape for tensor in (*leaves, *episodes.parts))
        if key not in self._programs:
            inputs = [tensor.detach().contiguous() for tensor in (*leaves, *episodes.parts)]
            self._programs[key] = self._program(names, moved, inputs)
        loss: Tensor = _Known.apply(  # type: ignore[no-untyped-call]
            self._programs[key], episodes.parts, *leaves
        )
        return loss

    def _program(
        self, names: tuple[str, ...], moved: tuple[str, ...], inputs: list[Tensor]
    ) -> Callable[..., _Flat]:
        """(leaves ..., episode parts ...) -> loss, gradient of each leaf."""
        count = len(names) + len(moved)

        def value(leaves: _Flat, parts: _Flat) -> Tensor:
            start = dict(zip(names, leaves[: len(names)], strict=True))
            speed = dict(zip(moved, leaves[len(names) :], strict=True))
            sx, sy, qx, qy = parts
            stack = Episodes(support_x=sx, support_y=sy, query_x=qx, query_y=qy)
            return self._objective(start, speed, stack, 0.0)

        def both(*tensors: Tensor) -> _Flat:
            gradients, loss = torch.func.grad_and_value(value)(tensors[:count], tensors[count:])
            return (loss, *gradients)

        graph = make_fx(both)(*inputs)
        graph.graph.eliminate_dead_code()
        graph.recompile()
        if not self._machine_code:
            return graph
        program: Callable[..., _Flat] = torch.compile(graph, dynamic=False)
        return program


class _Known(torch.autograd.Function):
    """A scalar whose gradients are already known when it is computed."""

    @staticmethod
    def forward(ctx: Any, program: Callable[..., _Flat], parts: _Flat, *leaves: Tensor) -> Tensor:
        with torch.no_grad():
            loss, *gradients = program(*(tensor.contiguous() for tensor in (*leaves, *parts)))
        ctx.save_for_backward(*gradients)
        return loss

    @staticmethod
    def backward(ctx: Any, *outputs: Any) -> Any:
        return (None, None, *(outputs[0] * gradient for gradient in ctx.saved_tensors))
