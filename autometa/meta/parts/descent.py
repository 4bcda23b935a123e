"""Gradient descent on one flat vector: AdamW (Loshchilov and Hutter, 2019) in a dozen lines.

Why not `torch.optim`: its first optimiser imports more than 800 modules, two seconds that a user
would wait before the first trial; and one flat vector costs six small operations a step whatever
the number of parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_DECAYS = (0.9, 0.99)
_EPSILON = 1e-8
_WARM_UP = 0.15


def minimise(
    loss: Callable[[list[torch.Tensor], int], torch.Tensor],
    start: Sequence[torch.Tensor],
    *,
    rate: float,
    steps: int,
    decay: Sequence[float] | None = None,
    constant: bool = False,
) -> list[torch.Tensor]:
    """Parameters after a number of steps, shaped as `start`.

    Args:
        loss: (parameters, step) -> scalar to minimise.
        start: Initial parameters, of one dtype.
        rate: Peak step size; rises over the first 15 % of the steps and falls as a half cosine.
        steps: How many.
        decay: Weight decay of each parameter; none by default.
        constant: Keep the step size.
    """
    import torch

    shapes = [p.shape for p in start]
    sizes = [p.numel() for p in start]

    def parts(vector: torch.Tensor) -> list[torch.Tensor]:
        return [
            piece.view(shape)
            for piece, shape in zip(torch.split(vector, sizes), shapes, strict=True)
        ]

    flat = torch.cat([p.detach().reshape(-1) for p in start]).requires_grad_()
    shrink = torch.cat(
        [torch.full((n,), d) for n, d in zip(sizes, decay or [0.0] * len(sizes), strict=True)]
    ).to(flat.dtype)
    first, second = torch.zeros_like(flat), torch.zeros_like(flat)
    for step in range(steps):
        (gradient,) = torch.autograd.grad(loss(parts(flat), step), flat)
        with torch.no_grad():
            first.lerp_(gradient, 1.0 - _DECAYS[0])
            second.lerp_(gradient * gradient, 1.0 - _DECAYS[1])
            mean = first / (1.0 - _DECAYS[0] ** (step + 1))
            size = (second / (1.0 - _DECAYS[1] ** (step + 1))).sqrt_().add_(_EPSILON)
            now = rate if constant else rate * _schedule(step, steps)
            flat -= now * (mean / size + shrink * flat)
    return parts(flat.detach())


def _schedule(step: int, steps: int) -> float:
    warm = max(1.0, _WARM_UP * steps)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1.0, steps - warm)))
