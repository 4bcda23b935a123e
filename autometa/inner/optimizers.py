"""Optimisers whose rates are known: their names, their kin among the runs, and how to make them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

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
# Others of the same rates, as transformers, bitsandbytes, apex and timm call them.
SPELLINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "adam": ("fusedadam", "adam8bit"),
        "adamw": (
            *("adamwtorch", "adamwtorchfused", "adamwhf", "fusedadamw"),
            *("adamw8bit", "pagedadamw", "pagedadamw8bit", "adamwbnb8bit", "adamw32bit"),
        ),
        "nadam": ("nadamw",),
        "sgd": (),
        "sgd_momentum": ("momentum", "momentumsgd", "sgdm", "sgdnesterov", "nesterov"),
    }
)


def known(optimizer: object) -> str:
    """The optimiser that is meant.

    Args:
        optimizer: Its name, in any case and with any marks between its words; its class, perhaps
            in a `functools.partial`; or one that was made, of which class and momentum are read.

    Raises:
        InputError: none that is known, or SGD with a momentum that is neither 0 nor .9.
    """
    options: Mapping[str, Any] = {}
    given: Any = optimizer
    if isinstance(given, functools.partial):
        given, options = given.func, given.keywords
    if isinstance(given, torch.optim.Optimizer):
        given, options = type(given), given.param_groups[0]
    shown = given.__name__ if isinstance(given, type) else repr(given)
    name = next(filter(None, map(_name, _names(given))), None)
    if name is None:
        raise InputError(f"optimizer={shown}", allowed=f"{', '.join(OPTIMIZERS)}, or its class")
    momentum = options.get("momentum", 0)
    if name != "sgd" or momentum == 0:
        return name
    if momentum != 0.9:
        raise InputError(
            f"SGD with momentum {momentum}",
            allowed="0 or 0.9",
            do="Ask for sgd_momentum (.9) and multiply its rate by 10 (1 - momentum)",
        )
    return "sgd_momentum"


def _names(given: object) -> Iterator[str]:
    """What it is called: a class also by those whose `step` it has."""
    if isinstance(given, str):
        yield given
    for kind in given.__mro__ if isinstance(given, type) else ():
        yield kind.__name__
        if "step" in vars(kind):
            return


def _name(spelling: str) -> str | None:
    plain = re.sub(r"[^a-z0-9]", "", spelling.lower().rpartition(".")[2])
    return next((n for n in OPTIMIZERS if plain in (n.replace("_", ""), *SPELLINGS[n])), None)


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
