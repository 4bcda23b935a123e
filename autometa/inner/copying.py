"""Copies of a module, and what to say where one cannot be made."""

from __future__ import annotations

import copy

from torch import nn

from autometa.errors import InputError


def copied(module: nn.Module, what: str) -> nn.Module:
    """A copy that shares nothing with the module.

    Args:
        module: Any.
        what: It is wanted for, as in "a probe of"; for the message.

    Raises:
        InputError: a part of it cannot be copied.
    """
    try:
        return copy.deepcopy(module)
    except (RuntimeError, TypeError) as error:
        raise InputError(
            f"{what} a {type(module).__name__} that cannot be copied: {error}",
            do="Keep no results of earlier calls, locks or files on the module, and use "
            "torch.nn.utils.parametrizations for norms of weights",
        ) from error


def judging(module: nn.Module) -> nn.Module:
    """The module in evaluation mode, with the same tensors; its own mode stays as it is."""
    shared = {id(tensor): tensor for tensor in [*module.parameters(), *module.buffers()]}
    return copy.deepcopy(module, shared).eval()
