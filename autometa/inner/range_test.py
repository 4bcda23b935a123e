"""A short trial of learning rates on copies of a module, on one batch.

From the same start each of a few rates trains for some steps; the loss after them says where the
cliff is. The best rate for so few steps lies above that for a long training: `OFFSET` takes that
back. Deterministic; the module itself, its buffers and gradients, the batch (tensors, and dicts,
lists, tuples and dataclasses of them) and the random states of torch, numpy and Python stay as they
are, also where the loss asks the module that it closes over instead of the copy that it is given.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from autometa.encoding import Floats
from autometa.errors import InputError, told
from autometa.inner.copying import check_values, copied, own_batch
from autometa.inner.losses import scalar

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
            parameters; the module has no values, or cannot be copied or trained so.
    """
    _check(probe)
    check_values(module)
    rates = centre + np.linspace(-HALF_WIDTH, HALF_WIDTH, POINTS)
    devices = {p.device for p in module.parameters() if p.device.type == "cuda"}
    with (
        torch.random.fork_rng(devices=list(devices)),
        torch.inference_mode(False),
        torch.enable_grad(),
        _as_it_was(module),
    ):
        first = _untrained(module, probe)
        after = [_loss_after(module, probe, 10.0**r, optimizer) for r in rates]
    losses = np.array([value if math.isfinite(value) else math.inf for value in after])
    if not losses.min() < first:
        raise _no_fall(module, rates, losses)
    return float(rates[losses.argmin()]) + OFFSET


def _check(probe: object) -> None:
    if not (isinstance(probe, tuple) and len(probe) == 2 and callable(probe[0])):
        raise InputError(
            f"probe={type(probe).__name__}",
            allowed="(loss, batch), where loss(module, batch) is a scalar tensor",
        )
    if isinstance(probe[1], DataLoader | Iterator):
        raise InputError(
            f"a probe with a {type(probe[1]).__name__}",
            allowed="one batch, which is asked for many times",
            do="Pass next(iter(loader))",
        )


def _untrained(module: nn.Module, probe: Probe) -> float:
    """The batch's loss before the first step.

    Raises:
        InputError: there is none, or it is not finite.
    """
    try:
        first = float(_loss_of(_twin(module), probe).detach())
    except TypeError as error:
        raise InputError(
            f"a probe whose loss fails: {error}",
            allowed="(loss, batch), where loss(module, batch) is a scalar tensor",
        ) from error
    if not math.isfinite(first):
        raise InputError(f"probe with a loss of {first}", allowed="a finite loss")
    return first


def _no_fall(module: nn.Module, rates: Floats, losses: Floats) -> InputError:
    """Why no rate is better than none."""
    tried = f"from {10 ** rates[0]:.1e} to {10 ** rates[-1]:.1e}"
    if np.isfinite(losses).any():
        do = "Check that the loss depends on trainable parameters"
        return InputError(f"probe whose loss falls at no rate {tried}", do=do)
    half = any(p.dtype == torch.float16 for p in module.parameters())
    why = "Adam divides by zero in weights of torch.float16: keep them in torch.float32"
    return InputError(
        f"probe whose loss is finite at no rate {tried}",
        do=f"{why} and use torch.autocast" if half else "Check the loss for logs and roots of zero",
    )


def _twin(module: nn.Module) -> nn.Module:
    """A copy, and all random numbers from the start."""
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    return copied(module, "a probe of")


def _loss_of(twin: nn.Module, probe: Probe) -> Tensor:
    loss, batch = probe
    torch.clear_autocast_cache()  # of weights as they were before the last step
    return scalar(loss(twin, own_batch(batch)), "a probe whose loss")


def _loss_after(
    module: nn.Module, probe: Probe, rate: float, optimizer: Callable[..., torch.optim.Optimizer]
) -> float:
    """The batch's loss after `STEPS` steps on a copy of the module; infinite where it diverged."""
    twin = _twin(module)
    trained = [p for p in twin.parameters() if p.requires_grad]
    step = _followed(lambda: optimizer(trained, lr=rate))
    for k in range(STEPS + 1):
        try:
            value = _loss_of(twin, probe)
        except (ArithmeticError, RuntimeError, ValueError) as error:
            if k == 0 or isinstance(error, InputError | torch.OutOfMemoryError):
                raise
            return math.inf  # as a loss that checks its numbers does where they are out of bounds
        if k == STEPS or not bool(torch.isfinite(value)):
            break
        slopes = _slopes(value, trained)
        for p, slope in zip(trained, slopes, strict=True):
            p.grad = slope
        _followed(step.step)
    return float(value.detach())


def _slopes(value: Tensor, trained: list[nn.Parameter]) -> tuple[Tensor | None, ...]:
    """The gradient of each parameter, None where the loss does not depend on it.

    Raises:
        InputError: there is none at all.
    """
    if not value.requires_grad:
        raise InputError(
            "probe whose loss does not depend on trainable parameters of the module",
            do="Compute it from the module that it is given, without detach or no_grad",
        )
    slopes: tuple[Tensor | None, ...] = _followed(
        lambda: torch.autograd.grad(value, trained, allow_unused=True)
    )
    if all(slope is None for slope in slopes):
        raise InputError(
            "probe whose loss does not depend on the module that it is given",
            do="Use the first argument of loss(module, batch), not a module from outside, and "
            "use_reentrant=False in checkpoints",
        )
    return slopes


@contextmanager
def _as_it_was(module: nn.Module) -> Iterator[None]:
    """Give back buffers, modes and the random states of Python and numpy."""
    buffers = [
        (part, name, buffer, buffer.detach().clone() if _dense(buffer) else None)
        for part in module.modules()
        for name, buffer in part.named_buffers(recurse=False)
    ]
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
            for part, name, buffer, was in buffers:
                if was is not None and not torch.equal(buffer, was):
                    buffer.copy_(was)
                if getattr(part, name) is not buffer:
                    setattr(part, name, buffer)


def _dense(buffer: Tensor) -> bool:
    """Whether a call may write into it: sparse and nested ones are replaced as a whole."""
    return buffer.layout == torch.strided and not buffer.is_nested


def _followed(act: Callable[[], Any]) -> Any:
    """What an optimiser's act returns; it may know no sparse gradients, or a graph may be gone."""
    try:
        return act()
    except (RuntimeError, ValueError) as error:
        raise InputError(f"a probe that the optimiser cannot follow: {told(error)}") from error
