"""One function for every task of a stack: all at once where `vmap` can, else one after the other.

`torch.func.vmap` cannot batch every module: recurrent layers, values that decide which way a
forward pass goes, writes into buffers. Whether it can shows only when it is tried. What fails is
tried again task by task; if that works, it stays so, and a warning names the part at fault.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

Output = TypeVar("Output", Tensor, dict[str, Tensor])


class PerTask:
    """(what all tasks share, the parts of B tasks) -> outputs of B tasks, stacked.

    Args:
        module: The child that the functions call; only to name what vmap cannot batch.
        vectorised: False never tries `vmap`.
    """

    def __init__(self, module: nn.Module, *, vectorised: bool = True) -> None:
        self._module, self._vectorised = module, vectorised

    def __call__(self, one: Callable[..., Output], *parts: Tensor) -> Output:
        """Apply `one` to each task.

        Args:
            one: (part of one task, ...) -> tensor, or name -> tensor.
            parts: Tensors (B, ...).

        Returns:
            Tensor (B, ...), or name -> tensor (B, ...).
        """
        if not self._vectorised:
            return _looped(one, parts)
        random = torch.get_rng_state()
        try:
            together: Output = torch.func.vmap(one, randomness="different")(*parts)
        except Exception as failed:  # torch raises many kinds, also for what it cannot batch
            at_fault = _part_at_fault(self._module, one, parts)
            torch.set_rng_state(random)  # attempts leave no trace: a resumed run makes them again
            each = _looped(one, parts)  # a mistake of the user's own raises here as itself
            self._vectorised = False
            warnings.warn(_message(failed, at_fault), stacklevel=2)
            return each
        return together


def _looped(one: Callable[..., Output], parts: tuple[Tensor, ...]) -> Output:
    outputs: Any = [one(*task) for task in zip(*parts, strict=True)]
    stacked: Any = (
        torch.stack(outputs)
        if isinstance(outputs[0], Tensor)
        else {name: torch.stack([output[name] for output in outputs]) for name in outputs[0]}
    )
    return cast(Output, stacked)


def _part_at_fault(
    module: nn.Module, one: Callable[..., Output], parts: tuple[Tensor, ...]
) -> str | None:
    """The innermost submodule that is being called when vmap fails; None where none is."""
    running: list[str] = []
    handles = []
    for name, part in module.named_modules():
        title: str = f"{type(part).__name__} {name!r}" if name else type(part).__name__

        def enter(_part: nn.Module, _inputs: Any, title: str = title) -> None:
            running.append(title)

        def leave(_part: nn.Module, _inputs: Any, _outputs: Any) -> None:
            running.pop()

        handles += [part.register_forward_pre_hook(enter), part.register_forward_hook(leave)]
    try:
        with contextlib.suppress(Exception):
            torch.func.vmap(one, randomness="different")(*parts)
    finally:
        for handle in handles:
            handle.remove()
    return running[-1] if running else None


def _message(error: Exception, part: str | None) -> str:
    """Which part cannot be batched, by which operation, and how to say so beforehand."""
    operation = re.search(r"aten::[\w.]+", str(error))
    why = operation[0] if operation else (str(error).strip().splitlines() or [""])[0][:200]
    return (
        f"vmap cannot batch {part or 'the loss or a gradient'} ({type(error).__name__}: {why}); "
        "tasks are adapted one after the other, which is slower. Say vectorised=False if you know."
    )
