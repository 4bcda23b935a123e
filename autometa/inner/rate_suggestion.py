"""suggest_lr: which learning rate for this module, this much data, this batch; and how sure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.inner.optimizers import OPTIMIZERS, known, maker
from autometa.inner.range_test import SPREAD, Probe, range_test
from autometa.inner.rate_groups import RateGroup, rate_groups
from autometa.inner.rate_law import QUANTILE, SIZES, Prediction, shipped
from autometa.inner.run_sizes import a_module, run_sizes
from autometa.limits import flag, real
from autometa.showing import few

_HIGH_DECAY, _MOST_DECAY = 0.3, 1e6
_PEAK = "The peak of a warm-up and a fall to zero; to hold it constant, take a third of it."


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSuggestion:
    """A learning rate and what it rests on; `print` shows it as a card.

    Args:
        rate: Peak learning rate; where expected loss is least, which lies below the middle of
            the interval, since too high costs more than too low.
        interval: Where the best rate lies with 80 % probability.
        groups: A rate for each kind of parameter; one group named "all" without a module.
        basis: The families of runs it rests on, with their share in per cent.
        runs: How many runs these are.
        notes: What to know about it, in sentences; says where it is far from anything seen.
        far: Whether it is.
    """

    rate: float
    interval: tuple[float, float]
    groups: tuple[RateGroup, ...]
    basis: tuple[str, ...]
    runs: int
    notes: tuple[str, ...]
    far: bool

    @property
    def log10(self) -> float:
        """log10 of `rate`."""
        return math.log10(self.rate)

    def param_groups(self, module: nn.Module) -> list[dict[str, Any]]:
        """Parameter groups of `module` as torch's optimisers take them.

        Raises:
            InputError: `module` does not have the parameters that the rates were suggested for, or
                trains others, too.
        """
        named = dict(a_module(module).named_parameters())
        wanted = [name for group in self.groups for name in group.parameters]
        missing = [name for name in wanted if name not in named]
        if missing or not wanted:
            raise InputError(
                f"a {type(module).__name__} without {few(missing) or 'groups'}",
                do="Pass the module to suggest_lr",
            )
        others = [n for n, p in named.items() if p.requires_grad and n not in wanted]
        if others:
            raise InputError(
                f"a {type(module).__name__} that also trains {few(others)}, which have no rate",
                do="Pass the module to suggest_lr as it is trained",
            )
        return [
            {"params": [named[name] for name in group.parameters], "lr": group.rate}
            for group in self.groups
        ]

    def __repr__(self) -> str:
        return str(self)  # of a large module the groups alone would fill a screen

    def __str__(self) -> str:
        low, high = self.interval
        shown = self.groups if len(self.groups) > 1 else ()
        lines = [
            f"learning rate  {self.rate:.2g}",
            f"80 % interval  {low:.2g} to {high:.2g}",
            *(f"  {g.name:<12} {g.rate:.2g}  ({g.why})" for g in shown),
            f"rests on       {self.runs:,} runs: {'; '.join(self.basis)}",
            *self.notes,
        ]
        return "\n".join(lines)


def suggest_lr(
    module: nn.Module | None = None,
    *,
    n_params: float | None = None,
    n_tokens: float | None = None,
    samples: float | None = None,
    batch_size: float | None = None,
    optimizer: str | type[torch.optim.Optimizer] | torch.optim.Optimizer = "adamw",
    weight_decay: float | None = None,
    pretrained: bool = False,
    probe: Probe | None = None,
) -> RateSuggestion:
    """The peak learning rate for a training run, from a law of public runs.

    The peak of a schedule that warms up and falls to zero; a rate that is held constant is best at
    about a third of it.

    Args:
        module: What is trained; is looked at and, with a probe, copied, never changed. Frozen
            parameters do not count.
        n_params: Trainable parameters, where there is no module.
        n_tokens: Tokens of text that training sees in total: a language model.
        samples: Examples that training sees in total (rows x epochs), of anything else.
        batch_size: Examples (with `n_tokens`: sequences of 2,048 tokens) a step.
        optimizer: "adam", "adamw", "nadam", "sgd" or "sgd_momentum" (momentum .9), another usual
            spelling of these, torch's class, or an optimiser that was made.
        weight_decay: Of AdamW; only looked at where it is so large that it acts on the rate.
        pretrained: Whether the module was trained before, and is fine-tuned; not with `n_tokens`.
        probe: (loss, batch): with loss(module, batch) a scalar, a few rates are tried for some
            steps each on copies of the module.

    Returns:
        The rate, its interval, its groups, and what they rest on.

    Raises:
        InputError: neither a module nor a size; no trainable parameter; a size below 1 or above
            1e18; a batch that is larger than all samples; both `n_tokens` and `samples`; a language
            model that is fine-tuned; an unknown optimiser; a probe without a module, or that says
            nothing (see `range_test`).

    Example:
        >>> wide = suggest_lr(n_params=400e6, n_tokens=8e9, batch_size=64)
        >>> narrow = suggest_lr(n_params=40e6, n_tokens=8e9, batch_size=64)
        >>> wide.rate < narrow.rate
        True
    """
    name, pretrained = known(optimizer), flag(pretrained, "pretrained")
    if n_tokens is not None and pretrained:
        raise InputError(
            "pretrained=True with n_tokens: no run here fine-tunes a language model",
            do="Sweep the rate, or ask autometa.inner.extrapolate_lr with small runs of your own",
        )
    sizes = run_sizes(module, n_params, n_tokens, samples, batch_size)
    if weight_decay is not None:
        real(weight_decay, "weight_decay", low=0, high=_MOST_DECAY)
    kind, offset = OPTIMIZERS[name]
    kin = _kin(module, n_tokens is not None, pretrained, kind)
    said = shipped().predict(sizes, optimizer=kind, names=kin)
    log10, low, high = said.log10, said.low, said.high
    notes = _notes(said, sizes, name, weight_decay, pretrained) + _frozen(module, pretrained)
    if probe is not None:
        if module is None:
            raise InputError("a probe without a module", do="Pass the module as well")
        tried = range_test(module, probe, log10 + offset, maker(name)) - offset
        log10, low, high = _sharpened(said, tried)
        notes += (f"The probe alone says {10 ** (tried + offset):.2g}.",)
    rate = 10.0 ** (log10 + offset)
    groups: tuple[RateGroup, ...] = ()
    if module is not None:
        groups = rate_groups(module, rate, widths=kind == "adam" and not pretrained)
    else:
        groups = (RateGroup(name="all", rate=rate, parameters=(), why="one rate for all"),)
    basis, runs = _basis(said, kind)
    return RateSuggestion(
        rate=rate,
        interval=(10.0 ** (low + offset), 10.0 ** (high + offset)),
        groups=groups,
        basis=basis,
        runs=runs,
        notes=notes,
        far=bool(said.far),
    )


def _kin(module: nn.Module | None, text: bool, pretrained: bool, kind: str) -> tuple[str, ...]:
    """Families of runs that this one may belong to."""
    if pretrained:
        return ("fine-tuned-image", "fine-tuned-image-sgd")
    if text:
        return ("language",)
    layers = [] if module is None else [m for m in module.modules() if list(m.parameters(False))]
    plain = (nn.Linear, nn.modules.batchnorm._BatchNorm, nn.LayerNorm)
    names: tuple[str, ...] = ()
    if any(isinstance(layer, nn.RNNBase) for layer in layers):
        names = ("recurrent",)
    elif layers and all(isinstance(layer, plain) for layer in layers):
        names = ("perceptron", "perceptron-sgd")
    # Small modules are of all kinds.
    return ("small-modules", *names) if kind == "adam" else names


def _basis(said: Prediction, kind: str) -> tuple[tuple[str, ...], int]:
    law = shipped()
    named = [f"{f.about} ({100 * share:.0f} %)" for f, share in said.families]
    runs = sum(family.runs for family, _ in said.families)
    rest = 1.0 - sum(share for _, share in said.families)
    if rest > 1e-9:
        others = [f for f in law.families if f.optimizer == kind and not f.pretrained]
        named.append(f"{len(others)} families together ({100 * rest:.0f} %)")
        own = {family.name for family, _ in said.families}
        runs += sum(f.runs for f in others if f.name not in own)
    return tuple(named), runs


def _notes(
    said: Prediction,
    sizes: Floats,
    optimizer: str,
    weight_decay: float | None,
    pretrained: bool,
) -> tuple[str, ...]:
    notes = [_PEAK]
    if said.far:
        notes.append(f"Far from anything seen in {', '.join(said.far)}: beyond a factor of 30.")
    unknown = [
        name
        for name, size in zip(("samples or n_tokens", "batch_size"), sizes[1:], strict=True)
        if np.isnan(size)
    ]
    if unknown:
        notes.append(f"Not given: {', '.join(unknown)}; a typical value is assumed.")
    kin = [family.recorded for family, _ in said.families]
    untold = ~np.any(kin, axis=0) & ~np.isnan(sizes) if kin else np.zeros(len(sizes), dtype=bool)
    if untold.any():
        names = ", ".join(name for name, lacks in zip(SIZES, untold, strict=True) if lacks)
        notes.append(f"Its runs do not say their {names}, which count for nothing here.")
    if pretrained:
        notes.append("Fine-tuning runs here are of image networks of one size.")
    if weight_decay is not None and optimizer != "adamw":
        notes.append(f"A weight decay counts for adamw only, and for nothing with {optimizer}.")
    elif weight_decay is not None and weight_decay > _HIGH_DECAY:
        notes.append(f"A weight decay of {weight_decay:g} is larger than any seen (0.2).")
    return tuple(notes)


def _frozen(module: nn.Module | None, pretrained: bool) -> tuple[str, ...]:
    """A module most of which is frozen was hardly made for a training from nothing."""
    every = [] if module is None or pretrained else list(module.parameters())
    fixed = sum(p.numel() for p in every if not p.requires_grad)
    count = sum(p.numel() for p in every)
    if not fixed > 0.5 * count:
        return ()
    share = f"{100 * fixed / count:.0f} % of its parameters are frozen"
    return (f"{share}: if they were trained before, say pretrained=True.",)


def _sharpened(said: Prediction, tried: float) -> tuple[float, float, float]:
    """The law and the probe, weighed by their precision; rate and interval, log10."""
    precision = said.spread**-2.0 + SPREAD**-2.0
    moved = (tried - said.log10) * SPREAD**-2.0 / precision
    centre, half = (said.low + said.high) / 2.0 + moved, QUANTILE * precision**-0.5
    return said.log10 + moved, centre - half, centre + half
