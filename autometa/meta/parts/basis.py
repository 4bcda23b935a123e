"""A learned basis: one small network shared by all prior tasks, one linear head a task.

    f_i(x) = phi(x)' w_i,    phi(x) = [tanh trunk of the unit config, 1]

Trained on the trials of all tasks at once by mini-batches, so tasks need not share configs. The
recipe follows adaptive Bayesian linear regression (Perrone et al., 2018) with the heads' prior
learned too (see `prior`). Training is torch; the trained basis is plain numpy, since one suggestion
evaluates it on a few hundred rows many times and must not pay a framework's overhead.

Three such networks side by side, heads over all their features, cost three times as much and were
level on development tasks of lcbench (100 trials a prior task, eight draws): .039 (standard error
.012) more regret after one trial, -.015 (.016) after five, .001 (.008) after twenty; three of half
the width were level too.

Where prior tasks have values at a part of the budget, the budget is one more input (see `early`).

Shapes: T tasks, N trials in all, d unit columns, p basis functions (the constant included).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.meta.data.early import Shown, budget_column
from autometa.meta.parts.descent import minimise
from autometa.meta.parts.projection import Projection
from autometa.threads import one_thread

Singles = NDArray[np.float32]

_TRUNK_DECAY, _HEAD_DECAY = 1e-4, 1e-2
# Configs at once: the hidden layers of a million would take a gigabyte. Matrix products go over
# rows in groups of 4, 8, 12 or 16, so that blocks of this size change no bit of the result; a few
# rows would be multiplied in another way, so that they are no block of their own.
_BLOCK, _SHORT = 3 * 2**13, 2**8


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """phi: unit configs (n, d) -> features (n, p).

    Args:
        layers: Pairs of weight (in, out) and bias (out,), float32.
        budgeted: Whether the budget is the last input.
        projection: Where unit configs are of a study's own space: which configs of the prior's
            space stand for one, over which phi is averaged.
    """

    layers: tuple[tuple[Singles, Singles], ...]
    budgeted: bool = False
    projection: Projection | None = None

    @property
    def size(self) -> int:
        """Number of basis functions, p."""
        return len(self.layers[-1][1]) + 1

    @property
    def unprojected(self) -> Basis:
        """The basis of the prior's own unit configs."""
        return replace(self, projection=None)

    def __call__(self, unit: Floats, fidelity: Floats | None = None) -> Floats:
        """Features (n, p) of unit configs (n, d), at shares of the full budget (n,) if not at 1."""
        if self.projection is not None:
            own = self.unprojected
            total = np.zeros((len(unit), self.size))
            for stand_in in self.projection(unit):
                total += own(stand_in, fidelity)
            return total / len(self.projection.stand_ins)
        features = np.empty((len(unit), self.size))
        for block in _blocks(len(unit)):
            hidden = self._inputs(unit[block], None if fidelity is None else fidelity[block])
            for weight, bias in self.layers:
                hidden = hidden @ weight
                hidden += bias
                np.tanh(hidden, out=hidden)
            features[block, :-1] = hidden
        features[:, -1] = 1.0
        return features

    def vjp(self, unit: Floats, cotangent: Floats) -> Floats:
        """Gradient with respect to unit configs at the full budget of sum(cotangent * phi), (n, d).

        Args:
            unit: (n, d).
            cotangent: (n, p), the derivative of the caller's value by each feature.
        """
        if self.projection is not None:
            own = self.unprojected
            by_stand_in = [own.vjp(stand_in, cotangent) for stand_in in self.projection(unit)]
            return self.projection.pull_back(unit, np.mean(by_stand_in, axis=0))
        hidden = self._inputs(unit, None)
        outputs = []
        for weight, bias in self.layers:
            hidden = np.tanh(hidden @ weight + bias)
            outputs.append(hidden)
        grad = cotangent[:, :-1].astype(np.float32)
        for (weight, _), output in zip(reversed(self.layers), reversed(outputs), strict=True):
            grad = (grad * (1.0 - output**2)) @ weight.T
        result: Floats = 2.0 * grad[:, : unit.shape[1]].astype(np.float64)
        return result

    def _inputs(self, unit: Floats, fidelity: Floats | None) -> Singles:
        if not self.budgeted:
            return _centred(unit)
        return _centred(unit, np.ones(len(unit)) if fidelity is None else fidelity)


def _blocks(rows: int) -> Iterator[slice]:
    """Slices of a number of rows."""
    stops = [*range(_BLOCK, rows - _SHORT, _BLOCK), rows]
    yield from map(slice, [0, *stops[:-1]], stops)


def _centred(unit: Floats, fidelity: Floats | None = None) -> Singles:
    """What the network sees of unit configs (n, d) and, where it knows them, of budgets (n,)."""
    if fidelity is not None:
        unit = np.concatenate([unit, budget_column(fidelity)], axis=1)
    return np.asarray(2.0 * unit - 1.0, dtype=np.float32)


def fit_basis(
    shown: Sequence[Shown],
    *,
    rng: np.random.Generator,
    hidden: tuple[int, ...] = (128, 128),
    size: int = 48,
    steps: int | None = None,
    batch: int = 1024,
) -> Basis:
    """Train the shared network on all tasks at once.

    Args:
        shown: Per task, what it shows: n_i values.
        rng: Source of initial weights and batches.
        hidden: Widths of the hidden layers.
        size: Width of the last layer, p - 1.
        steps: Mini-batch steps; by default enough for about 40 passes, within [300, 1500].
        batch: Trials a step.
    """
    import torch  # here: torch costs more than a second to import

    budgeted = any((s.fidelity < 1.0).any() for s in shown)
    inputs = [_centred(s.unit, s.fidelity if budgeted else None) for s in shown]
    x = torch.as_tensor(np.concatenate(inputs))
    del inputs
    y = torch.as_tensor(np.concatenate([s.target for s in shown]), dtype=torch.float32)
    counts = [len(s.target) for s in shown]
    owner = torch.as_tensor(np.repeat(np.arange(len(shown)), counts))
    # Every task weighs the same on average, however many trials it has; the square root keeps
    # tasks of five trials from being memorised.
    weight = torch.as_tensor(np.repeat(1.0 / np.sqrt(counts), counts), dtype=torch.float32)
    weight = weight / weight.mean()
    total = len(y)
    batch = min(batch, max(64, total // 4))
    if steps is None:
        steps = int(np.clip(40 * total / batch, 300, 1500))

    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    widths = [x.shape[1], *hidden, size]
    start = [
        parameter
        for a, b in pairwise(widths)
        for parameter in (torch.randn(a, b, generator=generator) / a**0.5, torch.zeros(b))
    ]
    trunk = len(start)
    common = torch.randn(size, generator=generator) / size**0.5
    start += [common, torch.zeros(len(shown), size), torch.zeros(len(shown))]

    def loss(parameters: list[torch.Tensor], _: int) -> torch.Tensor:
        rows = torch.randint(total, (batch,), generator=generator)
        output = x[rows]
        for a, b in zip(parameters[:trunk:2], parameters[1:trunk:2], strict=True):
            output = torch.tanh(torch.addmm(b, output, a))
        shared, heads, offsets = parameters[trunk:]
        task = owner[rows]
        predicted = (output * (shared + heads[task])).sum(1) + offsets[task]
        return (weight[rows] * (predicted - y[rows]) ** 2).mean()

    with one_thread():
        trained = minimise(
            loss,
            start,
            rate=4e-3,
            steps=steps,
            decay=[*[_TRUNK_DECAY] * trunk, 0.0, _HEAD_DECAY, 0.0],
        )[:trunk]
    arrays = [p.numpy().copy() for p in trained]
    _forget_constants(arrays[0], arrays[1], x.numpy())
    layers = tuple(zip(arrays[::2], arrays[1::2], strict=True))
    return Basis(layers=layers, budgeted=budgeted)


def _forget_constants(weight: Singles, bias: Singles, x: Singles) -> None:
    """Make the network flat along columns that never vary: no trial says anything about them.

    Such are parameters that prior tasks did not tune and got one value for. Left alone, their
    initial weights would make up a response to every other value.
    """
    constant = np.flatnonzero(np.ptp(x, axis=0) == 0)
    bias += x[0, constant] @ weight[constant]
    weight[constant] = 0.0
