"""A learning rate from one batch, before any training: where one step would lower the loss most.

Along the direction u of an optimiser's first step, with gradient g and Hessian H of the loss,

    loss(theta - r u) = loss(theta) - r g'u + r^2/2 u'Hu + ...  is least at  r = g'u / u'Hu   # (1)

u = g for gradient descent; u = sign(g) for Adam, whose first step has the same length in every
coordinate (Kingma and Ba, "Adam: A method for stochastic optimization", 2015). One Hessian-vector
product, reverse over reverse; nothing is trained.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from autometa.inner.adapt import Batch, Loss, Params

_LEAST = 1e-12


def one_step_rate(
    loss: Loss, params: Params, batch: Batch, direction: Literal["gradient", "sign"] = "gradient"
) -> float:
    """The r of eq. (1), log10; negative curvature counts by its size.

    Args:
        loss: (params, batch) -> scalar.
        params: Parameter name -> tensor: where training would start.
        batch: Inputs and targets.
        direction: What the optimiser's first step follows.

    Example:
        >>> def loss(p, batch):
        ...     return 50.0 * (p["w"] - batch[0]).square().sum()
        >>> pair = torch.ones(3), torch.ones(3)
        >>> round(one_step_rate(loss, {"w": torch.zeros(3)}, pair), 3)
        -2.0
    """

    def gradient(at: Params) -> dict[str, Tensor]:
        result: dict[str, Tensor] = torch.func.grad(loss)(at, batch)
        return result

    start = {name: value.detach() for name, value in params.items()}
    g = gradient(start)
    u = {name: value.sign() if direction == "sign" else value for name, value in g.items()}
    bent: dict[str, Tensor] = torch.func.grad(lambda at: _dot(gradient(at), u))(start)
    slope, curvature = float(_dot(g, u)), abs(float(_dot(u, bent)))
    return math.log10(max(slope, _LEAST) / max(curvature, _LEAST))


def _dot(a: Params, b: Params) -> Tensor:
    return torch.stack([(a[name] * b[name]).sum() for name in a]).sum()
