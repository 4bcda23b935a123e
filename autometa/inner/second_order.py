"""What torch needs told so that a gradient can be differentiated once more, under `vmap`, too.

Fused attention has no second derivative: it goes by its plain formula.

Layer, batch and instance normalisation with a gain have a wrong one under `vmap` (torch 2.13): the
gain's gradient takes the statistics of the batch as constants. Nothing fails; meta-gradients are
wrong by a few per cent, by most of their size for instance normalisation. Without a gain they are
right, so here the gain and the offset are applied after the normalisation.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import batch_norm, instance_norm, layer_norm
from torch.overrides import TorchFunctionMode

_NORMS: dict[Callable[..., Any], inspect.Signature] = {
    norm: inspect.signature(norm) for norm in (layer_norm, batch_norm, instance_norm)
}


@contextmanager
def differentiable_twice() -> Iterator[None]:
    """Gradients that are computed inside have right gradients themselves."""
    with sdpa_kernel(SDPBackend.MATH), _GainApart():
        yield


class _GainApart(TorchFunctionMode):
    """Normalises first and applies gain and offset after it."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Every function of torch passes here."""
        if func not in _NORMS:
            return func(*args, **(kwargs or {}))
        call = _NORMS[func].bind(*args, **(kwargs or {}))
        gain, offset = (call.arguments.get(name) for name in ("weight", "bias"))
        call.arguments |= {"weight": None, "bias": None}
        out = func(**call.arguments)
        # One a channel, (n, channels, ...); of a layer norm one a number.
        shape = (-1, *[1] * (out.ndim - 2))
        if gain is not None:
            out = out * (gain if func is layer_norm else gain.reshape(shape))
        if offset is not None:
            out = out + (offset if func is layer_norm else offset.reshape(shape))
        return out
