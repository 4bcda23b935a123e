"""adapt: a child's own training as a pure function, differentiable by its start and its rates.

    theta_0 = params;   theta_{k+1} = theta_k - rates_k * clip(grad loss(theta_k, batch))    # (1)

Nothing is mutated and no module is patched: parameters go in as a mapping and come out as one, so
`torch.func.vmap` adapts many tasks at once and a query loss of the result can be differentiated by
`params` and by `rates`.

Notation: S = number of steps that have rates of their own; past them the last ones are repeated.

References:
    Finn, Abbeel, Levine: Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks, 2017.
    Li, Zhou, Chen, Li: Meta-SGD: Learning to Learn Quickly for Few-Shot Learning, 2017.
    Antoniou, Edwards, Storkey: How to Train Your MAML, 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from autometa.errors import InputError
from autometa.inner.second_order import differentiable_twice
from autometa.limits import whole

Params: TypeAlias = Mapping[str, Tensor]
Batch: TypeAlias = tuple[Tensor, Tensor]
Loss: TypeAlias = Callable[[Params, Batch], Tensor]
Order: TypeAlias = Literal[1, 2]

# Largest magnitude of one gradient entry inside a step. Enough for cross entropy; a regression of
# targets that are not standardised wants more (sinusoids of amplitude 5: 100).
CLIP = 10.0


def adapt(
    params: Params,
    rates: Params,
    loss: Loss,
    batch: Batch,
    steps: int,
    *,
    order: Order = 2,
    clip: float = CLIP,
) -> dict[str, Tensor]:
    """Train from `params` on `batch` for `steps` gradient steps, eq. (1).

    Args:
        params: Parameter name -> tensor: the start.
        rates: Parameter name -> positive step sizes, shape (S, ...) where ... broadcasts to the
            parameter. A parameter without an entry is not adapted (this is how ANIL is written).
        loss: (params, batch) -> scalar tensor, lower is better.
        batch: Inputs and targets of the support set.
        steps: Number of steps, >= 0.
        order: 2 differentiates through the inner gradients; 1 takes them as constants.
        clip: Every gradient entry is clamped to [-clip, clip].

    Returns:
        Parameter name -> adapted tensor. Differentiable by `params` and `rates`.

    Raises:
        InputError: see `trajectory`.

    Example:
        >>> start = {"w": torch.tensor(1.0)}
        >>> def loss(p, batch):
        ...     return (p["w"] * batch[0] - batch[1]).square().mean()
        >>> pair = (torch.tensor([1.0]), torch.tensor([3.0]))
        >>> round(adapt(start, {"w": torch.tensor([0.25])}, loss, pair, 1)["w"].item(), 3)
        2.0
    """
    end = dict(params)
    for end in trajectory(params, rates, loss, batch, steps, order=order, clip=clip):  # noqa: B007
        pass
    return end


def trajectory(
    params: Params,
    rates: Params,
    loss: Loss,
    batch: Batch,
    steps: int,
    *,
    order: Order = 2,
    clip: float = CLIP,
    guard: bool = True,
) -> Iterator[dict[str, Tensor]]:
    """Yield the parameters before the first step and after each one: steps + 1 mappings.

    Args:
        params: See `adapt`.
        rates: See `adapt`.
        loss: See `adapt`.
        batch: See `adapt`.
        steps: See `adapt`.
        order: See `adapt`.
        clip: See `adapt`.
        guard: Take a gradient entry that is NaN as zero, so that a step never makes NaN. Training
            switches it off for speed, since it refuses updates that are not finite.

    Raises:
        InputError: a rate without a parameter, or that is no tensor (S, ...); steps or an order
            that cannot be.
    """
    steps = whole(steps, "steps", low=0)
    whole(order, "order", low=1, high=2)
    for name, rate in rates.items():
        if name not in params or not isinstance(rate, Tensor) or not rate.ndim or not len(rate):
            raise InputError(
                f"rate of {name!r}: {rate!r:.100}",
                allowed="a tensor (S, ...) for a name of params",
                do="One rate for all steps is torch.tensor([0.1])",
            )
    now = dict(params)
    yield now
    for k in range(steps):
        at = now if order == 2 else {name: value.detach() for name, value in now.items()}
        moving = {name: at[name] for name in rates}
        fixed = {name: value for name, value in at.items() if name not in rates}
        with differentiable_twice() if order == 2 else nullcontext():
            gradient = torch.func.grad(_moving_first(loss))(moving, fixed, batch)
        now = dict(now)
        for name, rate in rates.items():
            g = gradient[name]
            if guard:
                g = torch.nan_to_num(g, nan=0.0)
            now[name] = now[name] - rate[min(k, len(rate) - 1)] * g.clamp(-clip, clip)  # eq. (1)
        yield now


def _moving_first(loss: Loss) -> Callable[[Params, Params, Batch], Tensor]:
    """Only the first argument is differentiated: the parameters that have a rate."""

    def call(moving: Params, fixed: Params, batch: Batch) -> Tensor:
        return loss({**fixed, **moving}, batch)

    return call
