"""A torch module as a pure function of its parameters, whatever layers it has.

Batch normalisation keeps running statistics: hidden state that meta-training would mix over tasks
and `vmap` cannot write. Here it normalises by the batch at hand (the common choice in few-shot
learning; predictions then depend on which queries are asked together), except inside a part whose
parameters are all frozen and that is in evaluation mode: a backbone that was set up to stay as it
is stays so. Whatever else a forward pass writes into buffers is forgotten after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from autometa.errors import InputError
from autometa.inner.adapt import Batch, Loss, Params
from autometa.inner.copying import copied


def _mean_squared(outputs: Tensor, targets: Tensor) -> Tensor:
    """Torch spreads targets (n,) over outputs (n, 1), to n x n differences, and only warns."""
    if outputs.shape != targets.shape:
        raise InputError(
            f"outputs of shape {tuple(outputs.shape)} for targets of shape {tuple(targets.shape)}",
            allowed="the same shape",
            do="Give targets of the module's shape, such as targets[..., None]",
        )
    return nn.functional.mse_loss(outputs, targets)


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": _mean_squared,
    "cross_entropy": nn.functional.cross_entropy,
}


def frozen_copy(child: nn.Module, device: str = "cpu") -> nn.Module:
    """A copy of `child` on `device` in training mode, without running statistics.

    Parts whose parameters are all frozen keep their mode and, in evaluation mode, their statistics.
    Embeddings have dense gradients, which are the same ones: no sparse one can be clipped.
    """
    _check_values(child)
    with torch.no_grad():
        module = copied(child, "a child as").to(device)
    kept = {id(inner): inner.training for part in _frozen_parts(module) for inner in part.modules()}
    for part in module.modules():
        part.training = kept.get(id(part), True)
        if isinstance(part, nn.Embedding | nn.EmbeddingBag):
            part.sparse = False
        if isinstance(part, _NORMS) and part.training:
            part.running_mean = part.running_var = part.num_batches_tracked = None
            part.track_running_stats = False
    return module


_NORMS = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)


def _frozen_parts(module: nn.Module) -> Iterator[nn.Module]:
    """Submodules that have parameters of which none is trained."""
    for part in module.modules():
        flags = [value.requires_grad for value in part.parameters()]
        if flags and not any(flags):
            yield part


def parameters(module: nn.Module) -> dict[str, Tensor]:
    """Parameter name -> detached copy. Shared parameters appear once."""
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def trainable(module: nn.Module) -> tuple[str, ...]:
    """Names of the parameters that are not frozen (`requires_grad`); shared ones appear once.

    Raises:
        InputError: a lazy layer that has not seen an input yet, one on the meta device, complex
            parameters, or a module that is spread over devices.
    """
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        raise InputError(
            f"a {type(module).__name__}",
            allowed="a module on one device",
            do="Give what it holds: module.module",
        )
    for name, value in module.named_parameters():
        if isinstance(value, nn.parameter.UninitializedParameter):
            raise InputError(
                f"parameter {name!r} has no shape yet", do="Call the module on a batch first"
            )
        if value.is_complex() and value.requires_grad:
            raise InputError(
                f"parameter {name!r} of complex numbers",
                allowed="real ones",
                do="Keep its real and imaginary part as two, or freeze it",
            )
    _check_values(module)
    return tuple(name for name, value in module.named_parameters() if value.requires_grad)


def _check_values(module: nn.Module) -> None:
    """Refuse a module with parts on the meta device, which have shapes and no values."""
    named = [*module.named_parameters(), *module.named_buffers()]
    empty = [name for name, value in named if value.is_meta]
    if empty:
        raise InputError(
            f"{empty[0]!r} on the meta device, which holds no values",
            do="Put the module on a real device and load its weights first",
        )


def head(module: nn.Module) -> tuple[str, ...]:
    """Names of the parameters of the last layer that trains any: what ANIL adapts.

    A parameter that the layer shares with an earlier one has the earlier one's name.
    """
    names = {id(value): name for name, value in module.named_parameters() if value.requires_grad}
    layers = [
        [names[id(value)] for value in layer.parameters(recurse=False) if id(value) in names]
        for layer in module.modules()
    ]
    return tuple(next((layer for layer in reversed(layers) if layer), ()))


def predictions(module: nn.Module, params: Params, inputs: Tensor) -> Tensor:
    """Outputs of `module` with `params` in place of its own; `module` does not change."""
    buffers = {name: value.clone() for name, value in module.named_buffers()}
    out: Tensor = torch.func.functional_call(module, {**buffers, **params}, (inputs,))
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
