"""Copies of modules and batches that share nothing with the user's, and where none can be made."""

from __future__ import annotations

import copy
import threading
from collections.abc import MutableMapping
from dataclasses import fields, is_dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from autometa.errors import InputError, told

TURN = threading.RLock()
"""Held by the thread that calls a module with other tensors in its places, or copies one."""


def copied(module: nn.Module, what: str) -> nn.Module:
    """A copy that shares nothing with the module.

    What earlier calls left on it, such as pruned and normed weights or hidden states, is copied by
    its value.

    Args:
        module: Any.
        what: It is wanted for, as in "a probe of"; for the message.

    Raises:
        InputError: a part of it has no values, or cannot be copied.
    """
    check_values(module)
    named = f"{what} a {type(module).__name__}"
    try:
        with TURN, torch.no_grad():
            twin = copy.deepcopy(module, _results(module))
    except (AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(
            f"{named} that cannot be copied: {told(error)}",
            do="Keep no locks, files or generators on the module",
        ) from error
    own_ids = {id(value) for value in module.parameters() if value.requires_grad}
    if not own_ids.isdisjoint(map(id, twin.parameters())):
        raise InputError(f"{named} whose copy has the same parameters", do="Have it copied whole")
    for own, value in zip(twin.parameters(), module.parameters(), strict=False):
        own.requires_grad_(value.requires_grad)  # which scripted modules forget
    return twin


def _results(module: nn.Module) -> dict[int, Tensor]:
    """What a copy takes for results of earlier calls that are kept as attributes, by `id`."""
    found: dict[int, Tensor] = {}
    waiting: list[Any] = [vars(part) for part in module.modules()]
    seen: set[int] = set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, Tensor) and not value.is_leaf:
            found[id(value)] = value.detach().clone()
        elif isinstance(value, dict | list | tuple | set) and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return found


def check_values(module: nn.Module) -> None:
    """Refuse a module with parts that have no values yet.

    Raises:
        InputError: on the meta device, or of a lazy layer that has not seen an input; or no module.
    """
    if not isinstance(module, nn.Module):
        raise InputError(f"a child of type {type(module).__name__}", allowed="a torch.nn.Module")
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        check_shape(name, value)
        if value.is_meta:
            raise InputError(
                f"{name!r} is on the meta device, which holds no values",
                do="Put the module on a real device and load its weights first",
            )


def check_shape(name: str, value: Tensor) -> None:
    """Refuse a parameter or buffer of a lazy layer that has not seen an input.

    Raises:
        InputError: it is one.
    """
    if isinstance(value, UninitializedParameter | UninitializedBuffer):
        raise InputError(f"{name!r} has no shape yet", do="Call the module on a batch first")


def judging(module: nn.Module) -> nn.Module:
    """The module in evaluation mode, with the same tensors; its own mode stays as it is."""
    with TURN:
        shared = {id(tensor): tensor for tensor in [*module.parameters(), *module.buffers()]}
        return copy.deepcopy(module, _results(module) | shared).eval()


def own_batch(batch: Any) -> Any:
    """A batch that a loss may change: take the labels out of it, mask or scale it in place."""
    if isinstance(batch, Tensor | np.ndarray):
        return batch.clone() if isinstance(batch, Tensor) else batch.copy()
    if isinstance(batch, MutableMapping | list):
        own = copy.copy(batch)
        for key in batch if isinstance(batch, MutableMapping) else range(len(batch)):
            own[key] = own_batch(batch[key])
        return own
    if isinstance(batch, tuple):
        parts = [own_batch(part) for part in batch]
        return type(batch)(*parts) if hasattr(batch, "_fields") else tuple(parts)
    if isinstance(batch, SimpleNamespace) or (is_dataclass(batch) and not isinstance(batch, type)):
        record = copy.copy(batch)
        names = [f.name for f in fields(batch)] if is_dataclass(batch) else list(vars(batch))
        for name in names:
            object.__setattr__(record, name, own_batch(getattr(batch, name)))  # frozen ones, too
        return record
    return batch
