"""A torch module as a pure function of its parameters, whatever layers it has.

Batch normalisation keeps running statistics: hidden state that meta-training would mix over tasks
and `vmap` cannot write. Here it always normalises by the batch at hand (the common choice in
few-shot learning; predictions then depend on which queries are asked together).
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from autometa.errors import InputError
from autometa.inner.adapt import Batch, Loss, Params

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": nn.functional.mse_loss,
    "cross_entropy": nn.functional.cross_entropy,
}


def frozen_copy(child: nn.Module, device: str = "cpu") -> nn.Module:
    """A copy of `child` without running statistics, in training mode, on `device`."""
    with torch.no_grad():
        module = copy.deepcopy(child).to(device)
    torch.func.replace_all_batch_norm_modules_(module)
    return module.train().requires_grad_(False)


def parameters(module: nn.Module) -> dict[str, Tensor]:
    """Parameter name -> detached copy. Shared parameters appear once."""
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def head(module: nn.Module) -> tuple[str, ...]:
    """Names of the parameters of the last layer that has any: what ANIL adapts."""
    last = [n for n, layer in module.named_modules() if any(True for _ in layer.parameters(False))]
    prefix = last[-1] + "." if last and last[-1] else ""
    return tuple(name for name, _ in module.named_parameters() if name.startswith(prefix))


def predictions(module: nn.Module, params: Params, inputs: Tensor) -> Tensor:
    """Outputs of `module` with `params` in place of its own; `module` does not change."""
    out: Tensor = torch.func.functional_call(module, dict(params), (inputs,))
    return out


def bind(module: nn.Module, loss: str | Callable[[Tensor, Tensor], Tensor]) -> Loss:
    """The loss as `adapt` wants it: (params, batch) -> scalar.

    Raises:
        InputError: an unknown name of a loss.
    """
    if isinstance(loss, str) and loss not in LOSSES:
        raise InputError(f"loss={loss!r}", allowed=", ".join(LOSSES) + ", or a function")
    function = LOSSES[loss] if isinstance(loss, str) else loss

    def call(params: Params, batch: Batch) -> Tensor:
        return function(predictions(module, params, batch[0]), batch[1])

    return call
