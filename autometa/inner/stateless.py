"""A torch module as a pure function of its parameters, whatever layers it has.

Batch normalisation keeps running statistics: hidden state that meta-training would mix over tasks
and `vmap` cannot write. Here it normalises by the batch at hand (the common choice in few-shot
learning; predictions then depend on which queries are asked together), except inside a part whose
parameters are all frozen and that is in evaluation mode: a backbone that was set up to stay as it
is stays so. Whatever else a forward pass writes into buffers or attributes is forgotten after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from operator import is_

import torch
from torch import Tensor, nn

from autometa.errors import InputError
from autometa.inner.adapt import Batch, Loss, Params
from autometa.inner.copying import TURN, check_values, copied
from autometa.inner.losses import LossFunction, loss_function


def frozen_copy(child: nn.Module, device: str | torch.device = "cpu") -> nn.Module:
    """A copy of `child` on `device` in training mode, without running statistics.

    Parts whose parameters are all frozen keep their mode and, in evaluation mode, their statistics.
    Embeddings have dense gradients, which are the same ones: no sparse one can be clipped.

    Raises:
        InputError: a child without values, or that cannot be copied; no such device.
    """
    module = copied(child, "a child as")
    try:
        with torch.no_grad():
            module = module.to(device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device={str(device)!r}: {error}") from error
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
        InputError: no module; a lazy layer that has not seen an input yet, one on the meta device,
            complex, sparse, nested or quantised tensors, a scripted module, or one that is spread
            over devices.
    """
    if isinstance(module, torch.jit.ScriptModule):
        raise InputError(
            f"a {type(module).__name__}, whose parameters cannot be replaced",
            do="Give the module that it was made of, or wrap it: torch.nn.Sequential(scripted)",
        )
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        raise InputError(
            f"a {type(module).__name__}",
            allowed="a module on one device",
            do="Give what it holds: module.module",
        )
    check_values(module)
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        if value.layout != torch.strided or value.is_nested or value.is_quantized:
            raise InputError(
                f"{name!r} is sparse, nested or quantised, which no file of a start holds",
                allowed="dense parameters and buffers",
                do="Keep it as an ordinary attribute of the module",
            )
    for name, value in module.named_parameters():
        if value.is_complex() and value.requires_grad:
            raise InputError(
                f"parameter {name!r} of complex numbers",
                allowed="real ones",
                do="Keep its real and imaginary part as two, or freeze it",
            )
    return tuple(name for name, value in module.named_parameters() if value.requires_grad)


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
    """Outputs of `module` with `params` in place of its own; `module` does not change.

    Threads take turns: while it is called, the module holds what it is called with.
    """
    with TURN:
        parts = dict(module.named_modules())
        with _as_they_were(parts.values()):
            tensors = _everywhere(parts, params)
            out: Tensor = torch.func.functional_call(module, tensors, (inputs,), tie_weights=False)
            return out


@contextmanager
def _as_they_were(parts: Iterable[nn.Module]) -> Iterator[None]:
    """Takes back what a call leaves on parts of a module: a result, a cache, a state.

    It would reach from task to task, and out of the transforms in which it can be used.
    """
    kept = [(vars(part), vars(part).copy()) for part in parts]
    try:
        yield
    finally:
        for now, before in kept:
            if now.keys() != before.keys() or not all(map(is_, now.values(), before.values())):
                now.clear()
                now.update(before)


def _everywhere(parts: Mapping[str, nn.Module], params: Params) -> dict[str, Tensor]:
    """Parameters, and copies of the buffers, under the name of each place, each place once.

    Torch's own ties do so by every name of a place. A part that a module holds twice then keeps the
    last call's tensors, which no copy can be made of.
    """
    given: dict[int, Tensor] = {}  # by what stands there otherwise
    tensors: dict[str, Tensor] = {}
    for prefix, part in parts.items():
        for key, own in (*part._parameters.items(), *part._buffers.items()):
            if own is not None:
                name = f"{prefix}.{key}" if prefix else key
                if id(own) not in given:
                    given[id(own)] = params[name] if name in params else own.clone()
                tensors[name] = given[id(own)]
    return tensors


def bind(module: nn.Module, loss: str | LossFunction) -> Loss:
    """The loss as `adapt` wants it: (params, batch) -> scalar.

    Raises:
        InputError: as `losses.loss_function`.
    """
    function = loss_function(loss)

    def call(params: Params, batch: Batch) -> Tensor:
        return function(predictions(module, params, batch[0]), batch[1])

    return call
