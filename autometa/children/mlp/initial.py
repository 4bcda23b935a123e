"""A learned start as the perceptron's training takes it: where weights begin, how fast each learns.

Layer i of a start moves `factors[i]` times as far as the optimiser would move it, so a start works
under either optimiser; with plain SGD on full batches and the rate `rate` training is exactly what
`inner.adapt` does with the rates that were learned (a test keeps the two equal).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """Where a perceptron starts. Without slots, since skops writes the `__dict__`.

    Args:
        weights: Weights (in, out) and biases (out,) in turn, layer after layer.
        factors: For each of these, (S, ...) that broadcasts to it: how far update k = 0 ... moves
            it, relative to the learning rate; past S the last ones hold. 0 = not adapted.
        rate: The learning rate with which the factors give the rates that were learned.
        clip: Largest magnitude of a gradient's entry.
    """

    weights: tuple[NDArray[np.float32], ...]
    factors: tuple[NDArray[np.float32], ...]
    rate: float
    clip: float

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, hidden units of each layer, outputs."""
        return (len(self.weights[0]), *(len(bias) for bias in self.weights[1::2]))

    def cut(self, classes: int) -> Start:
        """The start of a network with the first `classes` outputs only."""
        weights, factors = list(self.weights), list(self.factors)
        for i in (-2, -1):
            if factors[i].ndim > 1:
                factors[i] = factors[i][..., :classes]
            weights[i] = weights[i][..., :classes]
        return replace(self, weights=tuple(weights), factors=tuple(factors))


def begin(layers: Sequence[tuple[Tensor, Tensor]], start: Start) -> None:
    """Put the start into the parameters (k, in, out), (k, 1, out) of each layer, in every fold."""
    with torch.no_grad():
        for own, learned in zip(_flat(layers), start.weights, strict=True):
            own.copy_(torch.from_numpy(learned))


def paced(
    update: Callable[[], None],
    flat: Tensor,
    layers: Sequence[tuple[Tensor, Tensor]],
    start: Start,
) -> Callable[[], None]:
    """The update of the flat parameters, each layer moving as far as the start says."""
    gradient = flat.grad
    assert gradient is not None
    pairs = [(torch.from_numpy(f), p) for f, p in zip(start.factors, _flat(layers), strict=True)]
    last = max(map(len, start.factors)) - 1
    steps = count()

    @lru_cache(maxsize=1)
    def far(k: int) -> Tensor:
        return torch.cat([f[min(k, len(f) - 1)].expand(p.shape).flatten() for f, p in pairs])

    def step() -> None:
        gradient.clamp_(-start.clip, start.clip)
        before = flat.clone()
        update()
        torch.lerp(before, flat, far(min(next(steps), last)), out=flat)

    return step


def _flat(layers: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
    return [tensor for layer in layers for tensor in layer]
