"""One network for tables of any width, so that a start can be learned over many tables.

A start can only be shared by networks of one shape. So prepared columns become `INPUTS` numbers:
principal axes of the rows at hand (all of the variance where a table has no more columns than
that), zero-padded, then turned by a random rotation. The rotation makes inputs exchangeable: what
is learned cannot depend on which column stood where, and each episode is a new task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.inner.episodes import Episodes

INPUTS, WIDTH = 32, 64


def network(classes: int, seed: int) -> nn.Module:
    """A perceptron 32-64-64-classes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Linear(INPUTS, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, classes),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """Prepared columns (n, d) -> (n, 32); fitted on training rows only.

    Args:
        centre: Mean of the training rows, (d,).
        axes: Principal axes, rotated, (d, 32).
        scale: One number: the training rows get mean square 1 an input.
    """

    centre: Floats
    axes: Floats
    scale: float

    @classmethod
    def fit(cls, X: Floats, rng: np.random.Generator) -> Embedding:
        """Fit on prepared rows (n, d), with a rotation drawn from `rng`.

        Raises:
            InputError: no rows or columns.
        """
        if X.ndim != 2 or not X.size:
            raise InputError(f"rows of shape {X.shape}", allowed="(n, d) with n, d >= 1")
        centre = X.mean(axis=0)
        _, _, axes = np.linalg.svd(X - centre, full_matrices=False)  # (min(n, d), d)
        kept = axes[:INPUTS].T  # (d, k)
        rotation, _ = np.linalg.qr(rng.normal(size=(INPUTS, INPUTS)))
        turned = kept @ rotation[: kept.shape[1]]
        size = float(np.sqrt(np.mean(((X - centre) @ turned) ** 2)))
        return cls(centre, turned, 1.0 / size if size > 0 else 1.0)

    def __call__(self, X: Floats) -> NDArray[np.float32]:
        """Rows (m, d) -> inputs (m, 32), clipped to +-10 so that an outlier cannot rule a step."""
        turned = (X - self.centre) @ self.axes * self.scale
        return np.clip(turned, -10, 10).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A prepared table of a classification to draw episodes from: X (n, d), y (n,) class indices.

    Args:
        X: Prepared rows.
        y: Class indices.
        name: Of the table.
    """

    X: Floats
    y: NDArray[Any]
    name: str = ""

    def episode(self, rng: np.random.Generator, shots: int, queries: int) -> list[NDArray[Any]]:
        """Support inputs and labels, query inputs and labels; no row is in both.

        Raises:
            InputError: the table has too few rows.
        """
        if len(self.y) < shots + queries:
            raise InputError(
                f"table {self.name!r} has {len(self.y)} rows", allowed=f">= {shots + queries}"
            )
        order = rng.permutation(len(self.y))
        support, query = order[:shots], order[shots : shots + queries]
        embed = Embedding.fit(self.X[support], rng)
        return [embed(self.X[support]), self.y[support], embed(self.X[query]), self.y[query]]


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """A source of episodes for `MAML.fit`: a random table each, labels in a random order.

    Args:
        tables: Prepared tables.
        classes: Outputs of the network; tables may have fewer classes.
        shots: Support rows.
        queries: Query rows.
    """

    tables: tuple[Rows, ...]
    classes: int
    shots: int = 100
    queries: int = 100

    def __call__(self, rng: np.random.Generator, n: int) -> Episodes:
        """`n` episodes."""
        picks = rng.integers(len(self.tables), size=n)
        return self.stack(rng, [self.tables[pick] for pick in picks])

    def stack(self, rng: np.random.Generator, tables: list[Rows]) -> Episodes:
        """One episode of each of `tables`."""
        drawn = []
        for table in tables:
            parts = table.episode(rng, self.shots, self.queries)
            names = rng.permutation(self.classes)
            drawn.append([parts[0], names[parts[1]], parts[2], names[parts[3]]])
        sx, sy, qx, qy = (torch.from_numpy(np.stack(part)) for part in zip(*drawn, strict=True))
        return Episodes(support_x=sx, support_y=sy, query_x=qx, query_y=qy)
