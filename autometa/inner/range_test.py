"""A short trial of learning rates on copies of a module, on one batch.

From the same start each of a few rates trains for some steps; the loss after them says where the
cliff is. The best rate for so few steps lies above that for a long training: `OFFSET` takes that
back. Deterministic; the module itself, its buffers and gradients, the batch (tensors, and dicts,
lists and tuples of them) and the random states of torch, numpy and Python stay as they are, also
where the loss asks the module that it closes over instead of the copy that it is given.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from autometa.errors import InputError
from autometa.inner.copying import copied

Probe: TypeAlias = tuple[Callable[[nn.Module, Any], Tensor], Any]
"""(loss, batch): `loss(module, batch)` is the scalar that training would minimise."""

STEPS, HALF_WIDTH, POINTS = 12, 2.0, 9
OFFSET, SPREAD = -0.4, 0.45  # of the best rate of a long training from that of this test, decades


def range_test(
    module: nn.Module, probe: Probe, centre: float, optimizer: Callable[..., torch.optim.Optimizer]
) -> float:
    """log10 of the rate that it speaks for.

    Args:
        module: Is copied.
        probe: See `Probe`.
        centre: log10 of the rate in the middle of those tried.
        optimizer: (parameters, lr=) -> optimiser.

    Raises:
        InputError: the probe is not (loss, batch), or its loss is no finite scalar of trainable
            parameters; the module is on the meta device, or cannot be copied or trained so.
    """
    if not (isinstance(probe, tuple) and len(probe) == 2 and callable(probe[0])):
        raise InputError(
            f"probe={type(probe).__name__}",
            allowed="(loss, batch), where loss(module, batch) is a scalar tensor",
        )
    if isinstance(probe[1], DataLoader):
        raise InputError(
            "a probe with a DataLoader", allowed="one batch", do="Pass next(iter(loader))"
        )
    empty = [name for name, value in module.named_parameters() if value.is_meta]
    if empty:
        raise InputError(
            f"a probe of a module whose {empty[0]!r} is on the meta device",
            do="Leave the probe out, or put the module on a real device",
        )
    rates = centre + np.linspace(-HALF_WIDTH, HALF_WIDTH, POINTS)
    devices = {p.device for p in module.parameters() if p.device.type == "cuda"}
    with (
        torch.random.fork_rng(devices=list(devices)),
        torch.inference_mode(False),
        torch.enable_grad(),
        _as_it_was(module),
    ):
        first = _loss_after(module, probe, 0.0, optimizer, 0)
        if not math.isfinite(first):
            raise InputError(f"probe with a loss of {first}", allowed="a finite loss")
        after = [_loss_after(module, probe, 10.0**r, optimizer, STEPS) for r in rates]
    losses = np.array([value if math.isfinite(value) else math.inf for value in after])
    if not losses.min() < first:
        raise InputError(
            f"probe whose loss falls at no rate from {10 ** rates[0]:.1e} to {10 ** rates[-1]:.1e}",
            do="Check that the loss depends on trainable parameters",
        )
    return float(rates[losses.argmin()]) + OFFSET


def _loss_after(
    module: nn.Module,
    probe: Probe,
    rate: float,
    optimizer: Callable[..., torch.optim.Optimizer],
    steps: int,
) -> float:
    """The batch's loss after `steps` steps on a copy of the module."""
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    twin = copied(module, "a probe of")
    loss, batch = probe
    trained = [p for p in twin.parameters() if p.requires_grad]
    step = _followed(lambda: optimizer(trained, lr=rate)) if steps else None
    for _ in range(steps):
        assert step is not None
        step.zero_grad()
        value = _scalar(loss(twin, _own(batch)))
        if not bool(torch.isfinite(value)):
            return math.inf
        if not value.requires_grad:
            raise InputError(
                "probe whose loss does not depend on trainable parameters of the module",
                do="Compute it from the module that it is given, without detach or no_grad",
            )
        slopes = torch.autograd.grad(value, trained, allow_unused=True)
        if all(slope is None for slope in slopes):
            raise InputError(
                "probe whose loss does not depend on the module that it is given",
                do="Use the first argument of loss(module, batch), not a module from outside",
            )
        for p, slope in zip(trained, slopes, strict=True):
            p.grad = slope
        _followed(step.step)
    with torch.no_grad():
        return float(_scalar(loss(twin, _own(batch))))


@contextmanager
def _as_it_was(module: nn.Module) -> Iterator[None]:
    """Give back buffers, modes and the random states of Python and numpy."""
    buffers = [(b, b.detach().clone()) for b in module.buffers()]
    modes = [(part, part.training) for part in module.modules()]
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        for part, training in modes:
            part.training = training
        with torch.no_grad():
            for buffer, was in buffers:
                if not torch.equal(buffer, was):
                    buffer.copy_(was)


def _own(batch: Any) -> Any:
    """A batch that a loss may change: take the labels out of it, mask or scale it in place."""
    if isinstance(batch, Tensor | np.ndarray):
        return batch.clone() if isinstance(batch, Tensor) else batch.copy()
    if isinstance(batch, MutableMapping | list):
        own = copy.copy(batch)
        for key in batch if isinstance(batch, MutableMapping) else range(len(batch)):
            own[key] = _own(batch[key])
        return own
    if isinstance(batch, tuple):
        parts = [_own(part) for part in batch]
        return type(batch)(*parts) if hasattr(batch, "_fields") else tuple(parts)
    return batch


def _followed(act: Callable[[], Any]) -> Any:
    """What an optimiser's act returns; it may know no sparse gradients, or no scripted modules."""
    try:
        return act()
    except (RuntimeError, ValueError) as error:
        raise InputError(f"a probe that the optimiser cannot follow: {error}") from error


def _scalar(value: Any) -> Tensor:
    if not isinstance(value, Tensor) or value.numel() != 1:
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise InputError(f"probe whose loss is {shape}", allowed="a tensor with one number")
    if value.is_complex():
        raise InputError("probe whose loss is a complex number", allowed="a real number")
    return value.squeeze()
