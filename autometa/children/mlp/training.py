"""Train k perceptrons of one config at once, one a fold, in plain torch.

Notation: k folds, n training rows, b rows of a batch, d features, o outputs. Every tensor carries
the folds in front, so a layer is one batched product (k, b, d) @ (k, d, w). Folds never mix: the
loss is a sum over folds, and both optimisers work element by element.

Adam with decoupled weight decay: Loshchilov & Hutter, "Decoupled weight decay regularization"
(2019). Initial weights: He et al., "Delving deep into rectifiers" (2015).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from autometa.children.mlp.initial import Start, begin, paced
from autometa.encoding import Floats
from autometa.threads import one_torch_thread

Layer: TypeAlias = tuple[Tensor, Tensor]
"""Weights (k, in, out) and biases (k, 1, out)."""
Watch: TypeAlias = Callable[[list[NDArray[Any]]], bool]


def train(
    data: Sequence[tuple[Floats, NDArray[Any]]],
    tests: Sequence[Floats],
    config: Mapping[str, Any],
    *,
    classes: int,
    seed: int,
    watch: Watch | None = None,
    start: Start | None = None,
    weights: Sequence[Floats | None] = (),
) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Train one network a fold; the folds' row counts may differ by a few rows.

    Args:
        data: For each fold, X (n, d) and y (n,): class indices or standardised values.
        tests: For each fold, rows (m, d) to predict after each epoch.
        config: learning_rate, batch_size, epochs (passes over the data; folds larger than the
            smallest leave out a few random rows in each), depth, width, dropout, weight_decay,
            optimizer, momentum (sgd only), class_weight (classification only).
        classes: Number of classes; 0 for a regression.
        seed: Determines initial weights, order and dropout.
        watch: Called after each epoch with each fold's predictions: class probabilities (m, o) or
            values (m,), NaN where an output is not finite; True stops training.
        start: Where to start, and how far each layer moves; of the shape that the data and the
            config ask for, with at least as many outputs.
        weights: For each fold, what each row weighs (n,); None, or no folds, for all alike.

    Returns:
        Weights (k, in, out) and biases (k, 1, out) of each layer.
    """
    with one_torch_thread():
        return _train(data, tests, config, classes, seed, watch, start, weights)


def _train(
    data: Sequence[tuple[Floats, NDArray[Any]]],
    tests: Sequence[Floats],
    config: Mapping[str, Any],
    classes: int,
    seed: int,
    watch: Watch | None,
    start: Start | None,
    weights: Sequence[Floats | None],
) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    random = torch.Generator().manual_seed(seed)
    width = max(X.shape[1] for X, _ in data)
    n, batch = min(len(y) for _, y in data), config["batch_size"]
    X = _stacked([X for X, _ in data], width)
    y = _stacked_targets([y for _, y in data], classes)
    X_test = _stacked(tests, width)
    weight = row_weights([y for _, y in data], classes, config, weights)
    sizes = [width, *[config["width"]] * config["depth"], max(1, classes)]
    flat, layers = initial(len(data), sizes, random)
    pace = _Pace(config["epochs"] * math.ceil(n / batch), falls=start is None)
    update = _optimizer(flat, config, pace)
    if start is not None:
        start = start.cut(sizes[-1])
        begin(layers, start)
        update = paced(update, flat, layers, start)
    padding = torch.arange(X.shape[1])[None] >= torch.tensor([[len(y)] for _, y in data])
    fold = torch.arange(len(data))[:, None]
    for _ in range(config["epochs"]):
        # Padding rows sort behind all real ones.
        order = (torch.rand(X.shape[:2], generator=random) + 2.0 * padding).argsort(dim=1)[:, :n]
        X_epoch, y_epoch, w_epoch = X[fold, order], y[fold, order], weight[fold, order]
        kept = _kept(config, (len(data), n), random)
        for first in range(0, n, batch):
            part = slice(first, first + batch)
            out = forward(layers, X_epoch[:, part], [mask[:, part] for mask in kept])
            loss = batch_loss(out, y_epoch[:, part], w_epoch[:, part], classes)
            assert flat.grad is not None
            flat.grad.zero_()
            loss.backward()  # type: ignore[no-untyped-call]
            update()
        if watch is not None:
            with torch.no_grad():
                predicted = _predicted(forward(layers, X_test, []), classes)
            if watch([p[: len(t)] for p, t in zip(predicted, tests, strict=True)]):
                break
    return [(w.detach().numpy().copy(), b.detach().numpy().copy()) for w, b in layers]


def forward(layers: Sequence[Layer], X: Tensor, kept: Sequence[Tensor]) -> Tensor:
    """Outputs (k, b, o) for rows (k, b, d); `kept` has a dropout mask for each hidden layer."""
    hidden = X
    for i, (weights, bias) in enumerate(layers[:-1]):
        hidden = torch.baddbmm(bias, hidden, weights).relu()
        if kept:
            hidden = hidden * kept[i]
    weights, bias = layers[-1]
    return torch.baddbmm(bias, hidden, weights)


def _kept(
    config: Mapping[str, Any], shape: tuple[int, int], random: torch.Generator
) -> list[Tensor]:
    """One epoch's dropout masks, (k, n, w) for each hidden layer, with mean 1."""
    dropout = config["dropout"]
    if dropout == 0:
        return []
    size = (*shape, config["width"])
    return [
        (torch.rand(size, generator=random) >= dropout) / (1 - dropout)
        for _ in range(config["depth"])
    ]


def batch_loss(out: Tensor, y: Tensor, weight: Tensor, classes: int) -> Tensor:
    """Mean over a batch, summed over folds: cross entropy or half the squared error."""
    if classes:
        rows = cross_entropy(out.flatten(0, 1), y.flatten(), reduction="none")
    else:
        rows = 0.5 * (out.flatten() - y.flatten()) ** 2
    return (rows * weight.flatten()).sum() / y.shape[1]


def _predicted(out: Tensor, classes: int) -> list[NDArray[Any]]:
    values = out.double().softmax(dim=-1) if classes else out[..., 0].double()
    return list(values.numpy())


def initial(k: int, sizes: Sequence[int], random: torch.Generator) -> tuple[Tensor, list[Layer]]:
    """All parameters in one flat tensor, and the layers as views of it.

    The optimiser sees the flat tensor only: one update instead of one a layer, which for small
    networks is half of the time.
    """
    shapes = [s for i, o in pairwise(sizes) for s in ((k, i, o), (k, 1, o))]
    lengths = [math.prod(s) for s in shapes]
    flat = torch.zeros(sum(lengths))
    flat.grad = torch.zeros_like(flat)
    views: list[Tensor] = []
    for shape, value, gradient in zip(
        shapes, torch.split(flat, lengths), torch.split(flat.grad, lengths), strict=True
    ):
        view = value.view(shape)
        if len(views) % 2 == 0:  # weights; biases start at zero
            spread = (6.0 / max(shape[1], 1)) ** 0.5
            view.copy_((2 * torch.rand(shape, generator=random) - 1) * spread)
        leaf = view.detach().requires_grad_()
        leaf.grad = gradient.view(shape)
        views.append(leaf)
    return flat, list(zip(views[::2], views[1::2], strict=True))


class _Pace:
    """The share of the learning rate at each step: half a cosine from 1 to 0 where it falls.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017). A learned
    start was learned for a rate that stays.
    """

    def __init__(self, steps: int, *, falls: bool) -> None:
        self.steps, self.falls, self.step = steps, falls, 0

    def next(self) -> float:
        """The share at the next step."""
        share = 0.5 * (1 + math.cos(math.pi * self.step / self.steps)) if self.falls else 1.0
        self.step += 1
        return share


def _optimizer(flat: Tensor, config: Mapping[str, Any], pace: _Pace) -> Callable[[], None]:
    """One update of the flat parameters from their gradient.

    Written out because for one small tensor `torch.optim` spends most of its time on book-keeping;
    a test keeps both rules equal to torch's own.
    """
    gradient, full, decay = flat.grad, config["learning_rate"], config["weight_decay"]
    assert gradient is not None
    first = torch.zeros_like(flat)

    def sgd() -> None:
        rate = full * pace.next()
        flat.mul_(1 - rate * decay)
        flat.sub_(first.mul_(config["momentum"]).add_(gradient), alpha=rate)

    second = torch.zeros_like(flat)
    beta1, beta2 = 0.9, 0.999
    scale1 = scale2 = 1.0

    def adam() -> None:
        nonlocal scale1, scale2
        rate = full * pace.next()
        scale1, scale2 = scale1 * beta1, scale2 * beta2
        flat.mul_(1 - rate * decay)
        first.lerp_(gradient, 1 - beta1)
        second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        root = second.sqrt().mul_((1 - scale2) ** -0.5).add_(1e-8)
        flat.addcdiv_(first, root, value=-rate / (1 - scale1))

    return sgd if config["optimizer"] == "sgd" else adam


def row_weights(
    targets: Sequence[NDArray[Any]],
    classes: int,
    config: Mapping[str, Any],
    weights: Sequence[Floats | None] = (),
) -> Tensor:
    """Weight of each row in the loss, (k, n), averaging 1 in each fold."""
    weight = torch.ones(len(targets), max(map(len, targets)))
    if classes and config["class_weight"] == "balanced":
        for row, y in zip(weight, targets, strict=True):
            counts = np.bincount(y, minlength=classes)
            each = len(y) / (np.maximum(counts, 1) * (counts > 0).sum())
            row[: len(y)] = torch.from_numpy(each[y])
    for row, own in zip(weight, weights, strict=False):
        if own is not None:
            part = row[: len(own)] * torch.as_tensor(own, dtype=torch.float32)
            row[: len(own)] = part / part.mean()
    return weight


def _stacked(matrices: Sequence[Floats], width: int) -> Tensor:
    """Matrices (n_i, d_i) -> (k, max n_i, width), padded by zeros."""
    result = np.zeros((len(matrices), max(map(len, matrices)), width), dtype=np.float32)
    for i, matrix in enumerate(matrices):
        result[i, : len(matrix), : matrix.shape[1]] = matrix
    return torch.from_numpy(result)


def _stacked_targets(targets: Sequence[NDArray[Any]], classes: int) -> Tensor:
    kind = np.int64 if classes else np.float32
    result = np.zeros((len(targets), max(map(len, targets))), dtype=kind)
    for row, target in zip(result, targets, strict=True):
        row[: len(target)] = target
    return torch.from_numpy(result)
