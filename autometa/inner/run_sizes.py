"""How large a training run is, as the law of rates counts it: parameters, examples, batch."""

from __future__ import annotations

import numpy as np
from torch import nn

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.inner.copying import check_shape
from autometa.limits import real

TOKENS = 2048  # of a sequence in the runs on language
MOST = 1e18  # of a size: beyond it the law would speak of nothing that can be trained
_OR_SIZES = "Give a number of parameters as n_params="


def run_sizes(
    module: nn.Module | None,
    n_params: float | None,
    n_tokens: float | None,
    samples: float | None,
    batch_size: float | None,
) -> Floats:
    """log10 of parameters, examples and batch, (3,); NaN where not given.

    Args:
        module: What is trained, or
        n_params: its trainable parameters.
        n_tokens: Tokens of text that training sees in total, or
        samples: examples of anything else.
        batch_size: Examples, or sequences of `TOKENS` tokens, a step.

    Raises:
        InputError: see `suggest_lr`.
    """
    count = _parameters(module, n_params)
    given = {"n_tokens": n_tokens, "samples": samples, "batch_size": batch_size}
    for name, value in {"n_params": count, **given}.items():
        if value is not None:
            real(value, name, low=1, high=MOST)
    if n_tokens is not None and samples is not None:
        raise InputError("n_tokens and samples", do="Give the one that your data are counted in")
    examples = _examples(n_tokens, samples, batch_size)
    known = [np.nan if v is None else v for v in (count, examples, batch_size)]
    return np.asarray(np.log10(np.array(known, dtype=float)))


def _examples(
    n_tokens: float | None, samples: float | None, batch_size: float | None
) -> float | None:
    """How many are seen in total.

    Raises:
        InputError: fewer than a batch.
    """
    examples = n_tokens / TOKENS if n_tokens is not None else samples
    if examples is None or batch_size is None or batch_size <= examples:
        return examples
    given, do = f"samples = {examples:g}", "rows x epochs"
    if n_tokens is not None:
        given = f"n_tokens = {n_tokens:g}, which are {examples:.2g} sequences of {TOKENS:,}"
        do = f"tokens x epochs; batch_size is the tokens of a step divided by {TOKENS:,}"
    raise InputError(
        f"batch_size = {batch_size:g} of {given}",
        allowed="at least one whole step",
        do=f"Count what training sees in total: {do}",
    )


def _parameters(module: nn.Module | None, n_params: float | None) -> float:
    if module is None:
        if n_params is None:
            raise InputError("neither a module nor n_params", do="Give one of them")
        return n_params
    if n_params is not None:
        raise InputError("a module and n_params", do="Give one of them")
    count = 0
    for name, value in a_module(module, do=_OR_SIZES).named_parameters():
        check_shape(name, value)
        count += value.numel() if value.requires_grad else 0
    if not count:
        raise InputError(
            f"a {type(module).__name__} without a trainable parameter",
            do="Set requires_grad on those that training may change",
        )
    return count


def a_module(module: object, *, do: str = "") -> nn.Module:
    """The module that was given.

    Args:
        module: Anything.
        do: What to give instead, for the message.

    Raises:
        InputError: it is none.
    """
    if not isinstance(module, nn.Module):
        raise InputError(
            f"a module of type {type(module).__name__}", allowed="a torch.nn.Module", do=do
        )
    return module
