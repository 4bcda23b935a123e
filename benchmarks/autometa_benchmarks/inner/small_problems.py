"""Twelve small modules that the suite on suggested rates is judged on, and eight to learn from.

No data set of the one list serves the other, but for drawn characters, of which each takes others
with another question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from autometa_benchmarks.inner.small_modules import (
    Data,
    Sequences,
    adding,
    characters,
    convolutions,
    perceptron,
    residual,
    reversing,
    table,
    text,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A module, its data and its budget.

    Args:
        name: Short.
        build: Makes the module, so many times as wide; the torch seed is set before.
        data: (data folder or None) -> data, always the same.
        steps: Updates.
        batch: Examples an update.
    """

    name: str
    build: Callable[[float], nn.Module]
    data: Callable[[Path | None], Data]
    steps: int = 300
    batch: int = 64


TEST = (
    Problem(
        name="perceptron-letters",
        build=lambda k: perceptron(16, _w(128, k), _w(128, k), 26),
        data=table("letter"),
    ),
    Problem(
        name="perceptron-wide-digits",
        build=lambda k: perceptron(64, _w(512, k), _w(512, k), 10),
        data=table("optdigits"),
    ),
    Problem(
        name="perceptron-deep-soil",
        build=lambda k: perceptron(36, *[_w(64, k)] * 4, 6, norm=True),
        data=table("satimage"),
    ),
    Problem(
        name="perceptron-prices",
        build=lambda k: perceptron(6, _w(64, k), _w(64, k), 1),
        data=table("diamonds"),
    ),
    Problem(
        name="convolutions-digits",
        build=lambda k: convolutions(_w(16, k), 10),
        data=table("optdigits", (1, 8, 8)),
    ),
    Problem(
        name="convolutions-characters",
        build=lambda k: convolutions(_w(32, k), 50, depth=3),
        data=characters("character", 14),
        batch=32,
        steps=200,
    ),
    Problem(
        name="residual-alphabets",
        build=lambda k: residual(_w(16, k), 50),
        data=characters("alphabet", 14),
        steps=200,
    ),
    Problem(
        name="gru-adding",
        build=lambda k: Sequences("gru", 2, _w(32, k), 1),
        data=adding(16),
    ),
    Problem(
        name="gru-text",
        build=lambda k: Sequences("gru", 27, _w(64, k), 27, symbols=True, each=True),
        data=text(27, 24, 4),
        batch=16,
    ),
    Problem(
        name="lstm-pen",
        build=lambda k: Sequences("lstm", 2, _w(64, k), 10),
        data=table("penbased", (8, 2)),
    ),
    Problem(
        name="transformer-text",
        build=lambda k: Sequences(
            "transformer", 27, _w(64, k), 27, symbols=True, each=True, causal=True
        ),
        data=text(27, 24, 5),
        batch=16,
    ),
    Problem(
        name="transformer-digits",
        build=lambda k: Sequences("transformer", 8, _w(32, k), 10),
        data=table("optdigits", (8, 8)),
    ),
)

DEVELOPMENT = (
    Problem(
        name="perceptron-waves",
        build=lambda k: perceptron(21, _w(64, k), 2),
        data=table("waveform"),
    ),
    Problem(
        name="perceptron-mail",
        build=lambda k: perceptron(57, _w(256, k), _w(256, k), 2),
        data=table("spambase"),
        batch=32,
    ),
    Problem(
        name="perceptron-grades",
        build=lambda k: perceptron(11, *[_w(128, k)] * 3, 1),
        data=table("gpa2"),
    ),
    Problem(
        name="convolutions-turns",
        build=lambda k: convolutions(_w(24, k), 4, depth=3),
        data=characters("turn", 14),
        steps=200,
    ),
    Problem(
        name="residual-turns",
        build=lambda k: residual(_w(12, k), 4),
        data=characters("turn", 10),
        batch=32,
        steps=200,
    ),
    Problem(
        name="lstm-text",
        build=lambda k: Sequences("lstm", 16, _w(48, k), 16, symbols=True, each=True),
        data=text(16, 16, 6),
        batch=32,
    ),
    Problem(
        name="gru-robot",
        build=lambda k: Sequences("gru", 2, _w(32, k), 2),
        data=table("wall-following", (12, 2)),
    ),
    Problem(
        name="transformer-backwards",
        build=lambda k: Sequences("transformer", 12, _w(48, k), 12, symbols=True, each=True),
        data=reversing(12, 12),
        batch=32,
    ),
)


def _w(width: int, times: float) -> int:
    """A width that four heads or groups divide."""
    return 4 * max(1, int(width * times / 4))
