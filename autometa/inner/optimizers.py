"""Optimisers whose rates are known: their names, their kin among the runs, and how to make them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch

from autometa.errors import InputError

# Optimiser -> its kin among the runs, and the log10 of its rates against theirs.
OPTIMIZERS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "adam": ("adam", 0.0),
        "adamw": ("adam", 0.0),
        "nadam": ("adam", 0.0),
        "sgd": ("sgd", 0.0),
        "sgd_momentum": ("sgd", -1.0),  # momentum .9 makes a step ten times as long
    }
)
# Others of the same rates, as torch, transformers, bitsandbytes and timm call them.
SPELLINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "adam": ("torchoptimadam", "fusedadam", "adam8bit"),
        "adamw": (
            *("torchoptimadamw", "adamwtorch", "adamwtorchfused", "adamwhf", "fusedadamw"),
            *("adamw8bit", "pagedadamw", "pagedadamw8bit", "adamwbnb8bit", "adamw32bit"),
        ),
        "nadam": ("torchoptimnadam", "nadamw"),
        "sgd": ("torchoptimsgd",),
        "sgd_momentum": ("momentum", "momentumsgd", "sgdm", "sgdnesterov", "nesterov"),
    }
)


def known(optimizer: object) -> str:
    """The optimiser that is meant, in any case and with any marks between its words.

    Raises:
        InputError: none that is known.
    """
    plain = re.sub(r"[^a-z0-9]", "", optimizer.lower()) if isinstance(optimizer, str) else ""
    for name in OPTIMIZERS:
        if plain in (name.replace("_", ""), *SPELLINGS.get(name, ())):
            return name
    raise InputError(f"optimizer={optimizer!r}", allowed=", ".join(OPTIMIZERS))


def maker(name: str) -> Callable[..., torch.optim.Optimizer]:
    """(parameters, lr=) -> the optimiser of a known name."""
    if name == "sgd_momentum":
        return lambda params, lr: torch.optim.SGD(params, lr=lr, momentum=0.9)
    kinds: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "nadam": torch.optim.NAdam,
        "sgd": torch.optim.SGD,
    }
    return kinds[name]
