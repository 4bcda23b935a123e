"""Losses by name, and what a loss has to be: one real number that can be differentiated."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor, nn

from autometa.errors import InputError

LossFunction: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""(outputs, targets) -> scalar."""


def _mean_squared(outputs: Tensor, targets: Tensor) -> Tensor:
    """Torch spreads targets (n,) over outputs (n, 1), to n x n differences, and only warns."""
    if outputs.shape != targets.shape:
        raise InputError(
            f"outputs of shape {tuple(outputs.shape)} for targets of shape {tuple(targets.shape)}",
            allowed="the same shape",
            do="Give targets of the module's shape, such as targets[..., None]",
        )
    return nn.functional.mse_loss(outputs, targets)


LOSSES: dict[str, LossFunction] = {
    "mse": _mean_squared,
    "cross_entropy": nn.functional.cross_entropy,
}


def loss_function(loss: str | LossFunction, what: str = "loss") -> LossFunction:
    """The loss that is meant.

    Args:
        loss: Its name, or a function.
        what: It is, for the message.

    Raises:
        InputError: an unknown name, or no function; when it is called, outputs that are no tensor
            for a loss by name, or anything but one real number.
    """
    # A class, such as torch.nn.MSELoss without its brackets, can be called, too.
    function = callable(loss) and not isinstance(loss, type)
    if not (loss in LOSSES if isinstance(loss, str) else function):
        raise InputError(f"{what}={loss!r}", allowed=", ".join(LOSSES) + ", or a function")
    if not isinstance(loss, str):
        return lambda outputs, targets: scalar(loss(outputs, targets), f"a {what} that")

    def named(outputs: Tensor, targets: Tensor) -> Tensor:
        if not isinstance(outputs, Tensor):
            raise InputError(
                f"outputs of type {type(outputs).__name__} for {what}={loss!r}",
                allowed="a tensor",
                do="Give a function (outputs, targets) -> scalar that takes what it needs of them",
            )
        return LOSSES[loss](outputs, targets)

    return named


def scalar(value: object, what: str) -> Tensor:
    """A loss as a tensor without dimensions.

    Args:
        value: What the user's function returned.
        what: It is, as in "a loss that"; for the message.

    Raises:
        InputError: it is no tensor with one real number.
    """
    if not isinstance(value, Tensor):
        raise InputError(
            f"{what} returns {type(value).__name__}",
            allowed="a tensor with one number",
            do="Return the loss alone: of a dict its 'loss', of a module's output its .loss",
        )
    if value.numel() != 1:
        raise InputError(
            f"{what} returns a tensor of shape {tuple(value.shape)}",
            allowed="a tensor with one number",
            do="Take its mean",
        )
    if value.is_complex():
        raise InputError(f"{what} returns a complex number", allowed="a real number")
    return value.reshape(())
