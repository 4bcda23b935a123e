"""One network for tables of any width and any number of classes, so that a start can be shared.

A start can only be shared by networks of one shape. So prepared columns become `INPUTS` numbers:
principal axes of the rows at hand (all of the variance where a table has no more columns than
that), zero-padded, then turned by a random rotation. The rotation makes inputs exchangeable: what
is learned cannot depend on which column stood where, and each episode is a new task. A table's
classes take the first outputs in a random order, and the others are closed: what is left is exactly
a network with as many outputs as the table has classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.inner.episodes import Episodes

INPUTS, WIDTH = 32, 64
_CLOSED = -1e4  # added to the output of a class that the table does not have


class Perceptron(nn.Module):
    """A network 32-64-64-classes; its inputs (n, 32 + classes) end in what is added to its outputs.

    Args:
        classes: Most classes a table may have.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.layers = nn.Sequential(
            nn.Linear(INPUTS, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, classes),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs (n, classes)."""
        outputs: Tensor = self.layers(inputs[..., :INPUTS]) + inputs[..., INPUTS:]
        return outputs


def network(classes: int, seed: int) -> Perceptron:
    """The network as torch initialises it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Perceptron(classes)


def with_outputs(Z: NDArray[np.float32], own: int, classes: int) -> NDArray[np.float32]:
    """Inputs of a network of `classes` outputs: rows Z (n, 32), all outputs but `own` closed."""
    added = np.full((len(Z), classes), _CLOSED, dtype=np.float32)
    added[:, :own] = 0.0
    return np.concatenate([Z, added], axis=1)


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

    Raises:
        InputError: lengths differ, a value is not finite, or a class is no index.
    """

    X: Floats
    y: NDArray[Any]
    name: str = ""

    def __repr__(self) -> str:
        classes = len(np.unique(self.y))
        return f"Rows({self.name!r}: {len(self.X)} x {self.X.shape[1]}, {classes} classes)"

    def __post_init__(self) -> None:
        X, y = np.asarray(self.X), np.asarray(self.y)
        if X.ndim != 2 or y.shape != X.shape[:1] or not X.size:
            raise InputError(
                f"rows of shape {X.shape} and classes of shape {y.shape}", allowed="(n, d) and (n,)"
            )
        if X.dtype.kind not in "iuf" or not np.isfinite(X).all():
            raise InputError(
                f"rows of table {self.name!r} that are no finite numbers",
                do="Prepare them: numbers, standardised, nothing missing",
            )
        if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= len(y):
            raise InputError(
                f"classes of table {self.name!r} that are no indices ({y.dtype})",
                allowed="whole numbers from 0 on, below the number of rows",
                do="Number them: np.unique(y, return_inverse=True)[1]",
            )
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)

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
    """A source of episodes for `MAML.fit`: a random table each, its classes in a random order.

    Args:
        tables: Prepared tables.
        classes: Outputs of the network; no table has more classes.
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
            sx, sy, qx, qy = table.episode(rng, self.shots, self.queries)
            names = rng.permutation(int(table.y.max()) + 1)
            inputs = [with_outputs(Z, len(names), self.classes) for Z in (sx, qx)]
            drawn.append([inputs[0], names[sy], inputs[1], names[qy]])
        stacked = [torch.from_numpy(np.stack(part)) for part in zip(*drawn, strict=True)]
        support_x, support_y, query_x, query_y = stacked
        return Episodes(support_x=support_x, support_y=support_y, query_x=query_x, query_y=query_y)
