"""Small torch modules and data to train them on: what `small_problems` puts together.

Perceptrons, convolutions, recurrent networks and transformers; public tables and characters, and
made sequences. Data are the same every time they are read.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from autometa.bench.data import folder

Data: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor]
"""Inputs and targets to train on, inputs and targets held out."""

_MOST_TEST = 1000


def loss(module: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Cross entropy of whole-numbered targets, for each place of a sequence; squared error else."""
    inputs, targets = batch
    outputs = module(inputs)
    if targets.is_floating_point():
        return nn.functional.mse_loss(outputs.squeeze(-1), targets)
    return nn.functional.cross_entropy(outputs.flatten(0, targets.ndim - 1), targets.flatten())


# Data ---------------------------------------------------------------------------------------------


def _split(inputs: Tensor, targets: Tensor) -> Data:
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(inputs)))
    held = min(_MOST_TEST, len(inputs) // 4)
    test, train = order[:held], order[held:]
    return inputs[train], targets[train], inputs[test], targets[test]


def table(name: str, shape: tuple[int, ...] = ()) -> Callable[[Path | None], Data]:
    """The numeric columns of a table, standardised, perhaps as an image or a sequence."""

    def read(data: Path | None) -> Data:
        frame = pd.read_parquet(folder(data, "tables") / f"{name}.parquet").sample(
            frac=1.0, random_state=0
        )[:8000]
        x = frame.drop(columns="target").select_dtypes("number").to_numpy(np.float32)
        x = np.nan_to_num((x - np.nanmean(x, axis=0)) / (np.nanstd(x, axis=0) + 1e-6))
        if pd.api.types.is_numeric_dtype(frame.target) and frame.target.nunique() > 30:
            y = frame.target.to_numpy(np.float32)
            targets = torch.from_numpy((y - y.mean()) / y.std())
        else:
            targets = torch.from_numpy(pd.factorize(frame.target, sort=True)[0].astype(np.int64))
        return _split(torch.from_numpy(x).reshape(len(x), *(shape or (-1,))), targets)

    return read


def characters(what: str, side: int) -> Callable[[Path | None], Data]:
    """Drawings (1, side, side): which of 50 characters, which alphabet, or which way they turn."""

    def read(data: Path | None) -> Data:
        with np.load(folder(data, "omniglot") / "omniglot28.npz", allow_pickle=False) as file:
            images, alphabets = file["images"], file["alphabet"]
        some = np.random.default_rng(1).permutation(len(images))
        chosen = some[:50] if what == "character" else some[50:450]
        x = torch.from_numpy(1.0 - images[chosen] / np.float32(255))
        x = nn.functional.adaptive_avg_pool2d(x, side).flatten(0, 1)[:, None]
        if what == "turn":
            y = torch.arange(len(x)) % 4
            x = torch.stack([torch.rot90(one, int(k), (1, 2)) for one, k in zip(x, y, strict=True)])
        else:
            label = chosen if what == "character" else alphabets[chosen]
            y = torch.from_numpy(pd.factorize(label, sort=True)[0].astype(np.int64))
            y = y.repeat_interleave(images.shape[1])
        return _split(x, y)

    return read


def adding(length: int) -> Callable[[Path | None], Data]:
    """Sequences of numbers of which two are marked; the target is their sum."""

    def made(_: Path | None) -> Data:
        rng = np.random.default_rng(2)
        x = np.zeros((5000, length, 2), dtype=np.float32)
        x[:, :, 0] = rng.uniform(-1, 1, size=x.shape[:2])
        marked = np.stack([rng.permutation(length)[:2] for _ in range(len(x))])
        np.put_along_axis(x[:, :, 1], marked, 1.0, axis=1)
        return _split(torch.from_numpy(x), torch.from_numpy((x[:, :, 0] * x[:, :, 1]).sum(1)))

    return made


def text(symbols: int, length: int, seed: int) -> Callable[[Path | None], Data]:
    """Texts whose next symbol depends on the last two; the targets are the next symbols."""

    def made(_: Path | None) -> Data:
        rng = np.random.default_rng(seed)
        table = rng.dirichlet(np.full(symbols, 0.05), size=(symbols, symbols)).cumsum(-1)
        rows = np.zeros((3000, length + 1), dtype=np.int64)
        rows[:, :2] = rng.integers(symbols, size=(len(rows), 2))
        for t in range(2, length + 1):
            ends = table[rows[:, t - 2], rows[:, t - 1]]
            rows[:, t] = (rng.random((len(rows), 1)) > ends).sum(1).clip(max=symbols - 1)
        return _split(torch.from_numpy(rows[:, :-1]), torch.from_numpy(rows[:, 1:]))

    return made


def reversing(symbols: int, length: int) -> Callable[[Path | None], Data]:
    """Sequences and the same backwards."""

    def made(_: Path | None) -> Data:
        rows = np.random.default_rng(3).integers(symbols, size=(4000, length))
        x = torch.from_numpy(rows)
        return _split(x, x.flip(1))

    return made


# Modules ------------------------------------------------------------------------------------------


def perceptron(*widths: int, norm: bool = False) -> nn.Module:
    """Linear layers with ReLU between them, perhaps normalised."""
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths[:-1]):
        layers += [nn.Linear(a, b), *([nn.LayerNorm(b)] if norm else []), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))


def convolutions(filters: int, outputs: int, depth: int = 2) -> nn.Module:
    """Strided convolutions with batch normalisation from the second one on, a mean, a head."""
    layers: list[nn.Module] = [nn.Conv2d(1, filters, 3, padding=1), nn.ReLU()]
    for _ in range(depth - 1):
        conv = nn.Conv2d(filters, filters, 3, stride=2, padding=1)
        layers += [conv, nn.BatchNorm2d(filters), nn.ReLU()]
    pool = nn.AdaptiveAvgPool2d(2)
    return nn.Sequential(*layers, pool, nn.Flatten(), nn.Linear(4 * filters, outputs))


class Residual(nn.Module):
    """x plus two normalised convolutions of it."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.GroupNorm(4, filters),
            nn.ReLU(),
            nn.Conv2d(filters, filters, 3, padding=1),
            nn.GroupNorm(4, filters),
            nn.ReLU(),
            nn.Conv2d(filters, filters, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The sum."""
        return x + self.inner(x)  # type: ignore[no-any-return]


def residual(filters: int, outputs: int) -> nn.Module:
    """A strided convolution, two residual blocks, a mean and a head."""
    return nn.Sequential(
        nn.Conv2d(1, filters, 3, stride=2, padding=1),
        Residual(filters),
        Residual(filters),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(filters, outputs),
    )


class Sequences(nn.Module):
    """A recurrent network or a transformer over numbers or symbols.

    Args:
        kind: "gru", "lstm" or "transformer" (two layers, four heads).
        inputs: Numbers a place, or symbols.
        width: Hidden units.
        outputs: Of the head.
        symbols: Whether the inputs are symbols.
        each: Whether every place has an output; else the last state or the mean has one.
        causal: Whether the transformer sees earlier places only.
    """

    def __init__(
        self,
        kind: str,
        inputs: int,
        width: int,
        outputs: int,
        *,
        symbols: bool = False,
        each: bool = False,
        causal: bool = False,
    ) -> None:
        super().__init__()
        self.kind, self.each, self.causal = kind, each, causal
        self.embed = nn.Embedding(inputs, width) if symbols else nn.Linear(inputs, width)
        self.body: nn.Module
        if kind == "transformer":
            self.places = nn.Parameter(torch.randn(64, width) * 0.02)
            layer = nn.TransformerEncoderLayer(
                width, 4, 4 * width, dropout=0.0, batch_first=True, norm_first=True
            )
            self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        else:
            self.body = {"gru": nn.GRU, "lstm": nn.LSTM}[kind](width, width, batch_first=True)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(n, places, ...) -> (n, outputs), or (n, places, outputs)."""
        h: Tensor = self.embed(x)
        if self.kind == "transformer":
            h = h + self.places[: h.shape[1]]
            mask = nn.Transformer.generate_square_subsequent_mask(h.shape[1])
            h = self.body(h, mask=mask) if self.causal else self.body(h)
            h = h if self.each else h.mean(1)
        else:
            h, _ = self.body(h)
            h = h if self.each else h[:, -1]
        out: Tensor = self.head(h)
        return out
