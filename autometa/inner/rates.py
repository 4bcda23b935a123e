"""Inner learning rates as something to learn: their shapes, and why they cannot run away.

A rate is stored as its natural logarithm, so it stays positive, and projected back into
[lowest, highest] after every outer update. The projection is done on the stored value, not inside
the forward pass: a clamp there would have zero gradient at the bound and the rate would never
leave it.

Why: unconstrained rates per parameter reach NaN when a model is adapted for more steps than it was
trained for, and per-layer ones already while training (both reproduced on sinusoids).
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from autometa.errors import InputError
from autometa.inner.adapt import Params
from autometa.limits import real

LEAST, MOST = 1e-12, 1e6  # of rates, inner and outer
MOST_CLIP = 1e9  # of gradients
RateKind: TypeAlias = Literal[
    "fixed", "scalar", "tensor", "parameter", "layer_step", "parameter_step"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRule:
    """How many inner learning rates there are, where they start and how far they may go.

    Args:
        kind: "fixed": one rate, not learned (MAML). "scalar": one. "tensor": one a parameter
            tensor. "parameter": one a weight (Meta-SGD). "layer_step": one a tensor and step
            (MAML++). "parameter_step": one a weight and step.
        initial: Rate at the start of meta-training.
        lowest: Smallest rate allowed.
        highest: Largest rate allowed.

    Raises:
        InputError: an unknown kind, or bounds that are not 0 < lowest <= initial <= highest.
    """

    kind: RateKind = "parameter"
    initial: float = 0.01
    lowest: float = 1e-4
    highest: float = 0.3

    def __post_init__(self) -> None:
        if self.kind not in get_args(RateKind):
            raise InputError(f"rates={self.kind!r}", allowed=", ".join(get_args(RateKind)))
        for name in ("lowest", "initial", "highest"):
            value = real(getattr(self, name), f"{name} inner rate", low=LEAST, high=MOST)
            object.__setattr__(self, name, value)
        if not self.lowest <= self.initial <= self.highest:
            raise InputError(
                f"inner rates start at {self.initial} within [{self.lowest}, {self.highest}]",
                allowed="lowest <= initial <= highest",
            )

    @property
    def learned(self) -> bool:
        """Whether the outer loop moves the rates."""
        return self.kind != "fixed"

    def logs(self, params: Params, adapted: Collection[str], steps: int) -> dict[str, Tensor]:
        """Log rates at the start: stored name -> tensor of shape (S, ...), as `expand` reads them.

        Args:
            params: The child's parameters, for shapes, type and device.
            adapted: Names of the parameters that are adapted.
            steps: Inner steps of meta-training; S for the kinds with "_step", else S = 1.
        """
        first = params[next(iter(adapted))]
        own_steps = steps if self.kind.endswith("_step") else 1
        if self.kind in ("fixed", "scalar"):
            return {SHARED: torch.full_like(first.new_empty(1), math.log(self.initial))}
        whole = self.kind.startswith("parameter")
        return {
            name: torch.full_like(
                params[name].new_empty((own_steps, *(params[name].shape if whole else ()))),
                math.log(self.initial),
            )
            for name in adapted
        }

    def project_(self, logs: Params) -> None:
        """Put every log rate back between the bounds, in place (no gradient passes here)."""
        with torch.no_grad():
            for value in logs.values():
                value.clamp_(math.log(self.lowest), math.log(self.highest))


SHARED = "*"  # stored name of a rate that all parameters share


def expand(logs: Params, adapted: Collection[str]) -> dict[str, Tensor]:
    """Stored log rates -> the rates `adapt` takes: parameter name -> (S, ...), positive."""
    if SHARED in logs:
        shared = logs[SHARED].exp()
        return dict.fromkeys(adapted, shared)
    return {name: logs[name].exp() for name in adapted}
