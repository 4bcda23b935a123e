"""One rate for each kind of parameter: muP's rules for Adam, where they apply.

Under Adam the best rate of a matrix between hidden layers falls with the width of its input, that
of what reads the data, of embeddings, biases and gains does not (Yang et al., "Tensor Programs V",
2022, table 3). The law's one rate is taken as that of the module's typical width; a matrix whose
input is twice as wide gets half of it. How far the others could go above it is not known for
networks that are not parametrised for it, so they keep the law's rate: a module of one width has
one rate. SGD and fine-tuning have one rate for all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

_MOST = 4.0  # a group differs from the law's rate by at most this factor
_GAIN = re.compile(r"(^|\.)(weight_g|parametrizations\.\w+\.original0)$")  # of a weight norm
_STEP = 1.2  # matrices whose rates differ by less share a group


@dataclass(frozen=True, slots=True, kw_only=True)
class RateGroup:
    """Parameters that share a rate.

    Args:
        name: "input", "hidden", "head", "embedding", "vectors", "own" (matrices that a module of
            the user's holds itself, such as positions) or "all".
        rate: Learning rate.
        parameters: Their names, as in `named_parameters`.
        why: The rule, in a few words.
    """

    name: str
    rate: float
    parameters: tuple[str, ...]
    why: str


def rate_groups(module: nn.Module, rate: float, *, widths: bool) -> tuple[RateGroup, ...]:
    """Every trainable parameter in one group.

    Args:
        module: Is only looked at.
        rate: The law's rate.
        widths: Whether muP's rules apply: Adam, from nothing.
    """
    found = list(_kinds(module))
    if not widths:
        names = tuple(name for name, *_ in found)
        return (RateGroup(name="all", rate=rate, parameters=names, why="one rate for all"),)
    matrices = [(inputs, value.numel()) for _, value, _, inputs in found if inputs]
    typical = _typical(matrices)
    groups: dict[tuple[str, float], list[str]] = {}
    for name, _value, kind, inputs in found:
        factor = float(np.clip(typical / inputs, 1 / _MOST, _MOST)) if inputs else 1.0
        factor = float(_STEP ** round(np.log(factor) / np.log(_STEP)))
        groups.setdefault((kind, factor), []).append(name)
    return tuple(
        RateGroup(
            name=kind,
            rate=rate * factor,
            parameters=tuple(names),
            why=f"{factor:.2g} x: by the width of its input" if factor != 1 else "the law's rate",
        )
        for (kind, factor), names in groups.items()
    )


def _typical(matrices: list[tuple[int, int]]) -> float:
    """Geometric mean of the widths, weighed by the number of weights."""
    if not matrices:
        return 1.0
    inputs, weights = np.array(matrices, dtype=float).T
    return float(np.exp(np.average(np.log(inputs), weights=weights)))


def _kinds(module: nn.Module) -> Iterator[tuple[str, Tensor, str, int]]:
    """Name, parameter, kind and width of the input (0: no rule for it) of what trains."""
    embedded = {
        id(layer.weight)
        for layer in module.modules()
        if isinstance(layer, nn.Embedding | nn.EmbeddingBag)
    }
    own = {
        id(p)
        for layer in module.modules()
        if not type(layer).__module__.startswith("torch.nn.")
        for p in layer.parameters(recurse=False)
    }
    trained = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    vectors = {id(p) for name, p in trained if p.ndim < 2 or _GAIN.search(name)}
    matrices = [id(p) for _, p in trained if id(p) not in embedded | own | vectors]
    for name, p in trained:
        if id(p) in embedded:
            yield name, p, "embedding", 0
        elif id(p) in vectors:
            yield name, p, "vectors", 0
        elif id(p) in own:
            yield name, p, "own", 0
        elif id(p) == matrices[0] and not embedded:
            yield name, p, "input", 0
        else:
            # Of a convolution, too: channels times the size of its kernel.
            inputs = math.prod(p.shape[1:]) if p.numel() else 0
            yield name, p, "head" if id(p) == matrices[-1] else "hidden", inputs
