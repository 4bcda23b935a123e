"""Landmarks: how well four of the cheapest models do, each a hint at what kind of model fits.

Scores are chance-adjusted, so that 0 means "no better than guessing" and 1 perfect, for both
kinds: balanced accuracy (b - 1/k) / (1 - 1/k), and R2. Plain numpy on a small sample: a landmark
must cost less than the evaluation it is to save.

Source: Pfahringer, Bensusan and Giraud-Carrier, "Meta-Learning by Landmarking Various Learning
Algorithms" (2000).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.meta_features.columns import BINS, View

ROWS = 400
FOLDS = 2


def landmarks(view: View, rng: np.random.Generator) -> dict[str, float]:
    """Chance-adjusted scores in [-1, 1] of nearest neighbour, stump, naive Bayes and ridge."""
    small = view.take(np.sort(rng.permutation(len(view.labels))[:ROWS]))
    folds = _folds(small.labels, rng)
    models: dict[str, Callable[[View, View, NDArray[np.int64]], Floats]] = {
        "landmark_nearest": _nearest,
        "landmark_stump": _stump,
        "landmark_bayes": _bayes,
        "landmark_linear": _ridge,
    }
    return {name: _score(model, small, folds) for name, model in models.items()}


def _folds(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Fold of each row, (n,), classes spread evenly."""
    shuffled = rng.permutation(len(labels))
    folds = np.empty(len(labels), dtype=np.int64)
    folds[shuffled[labels[shuffled].argsort(kind="stable")]] = np.arange(len(labels)) % FOLDS
    return folds


def _score(
    model: Callable[[View, View, NDArray[np.int64]], Floats],
    view: View,
    folds: NDArray[np.int64],
) -> float:
    """Out-of-fold score of a model: (train, test, classes) -> (m, k) class scores or (m,)."""
    n = len(view.labels)
    classes = np.unique(view.labels)
    if n < 2 * FOLDS or (len(classes) < 2 and not view.regression) or not view.encoded.shape[1]:
        return 0.0
    predicted = np.zeros(n)
    for fold in range(FOLDS):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        output = model(view.take(train), view.take(test), classes)
        predicted[test] = output if view.regression else classes[output.argmax(axis=1)]
    if view.regression:
        total = float(((view.target - view.target.mean()) ** 2).sum())
        error = float(((view.target - predicted) ** 2).sum())
        return float(np.clip(1.0 - error / total, -1.0, 1.0)) if total > 0 else 0.0
    hits = np.mean([(predicted[view.labels == c] == c).mean() for c in classes])
    chance = 1.0 / len(classes)
    return float((hits - chance) / (1.0 - chance))


def _one_hot(labels: NDArray[np.int64], classes: NDArray[np.int64]) -> Floats:
    return np.asarray(labels[:, None] == classes, dtype=np.float64)


def _outputs(view: View, classes: NDArray[np.int64]) -> Floats:
    """What a regression on this view predicts: (n, k) class indicators, or the target (n, 1)."""
    return view.target[:, None] if view.regression else _one_hot(view.labels, classes)


def _shaped(outputs: Floats, view: View) -> Floats:
    return outputs[:, 0] if view.regression else outputs


def _nearest(train: View, test: View, classes: NDArray[np.int64]) -> Floats:
    nearest = distances(test.encoded, train.encoded).argmin(axis=1)
    return _shaped(_outputs(train, classes)[nearest], train)


def _stump(train: View, test: View, classes: NDArray[np.int64]) -> Floats:
    """One column in bins, the one that explains most of the training outputs' variance."""
    outputs = _outputs(train, classes)
    if not train.regression:
        outputs = outputs / np.maximum(outputs.sum(axis=0), 1.0)  # classes weigh the same
    best, chosen = -np.inf, np.repeat(outputs.mean(axis=0, keepdims=True), len(test.labels), 0)
    for j in range(train.bins.shape[1]):
        width = max(train.bins[:, j].max(), test.bins[:, j].max(), 0) + 2
        if width > BINS + 2:
            continue  # an identifier, or close to one
        cells = _one_hot(train.bins[:, j], np.arange(-1, width - 1))  # (n, bins)
        counts = cells.sum(axis=0)
        means = cells.T @ outputs / np.maximum(counts, 1.0)[:, None]
        explained = float((counts[:, None] * (means - outputs.mean(axis=0)) ** 2).sum())
        if explained > best:
            means[counts == 0] = outputs.mean(axis=0)
            best, chosen = explained, means[test.bins[:, j] + 1]
    return _shaped(chosen, train)


def _bayes(train: View, test: View, classes: NDArray[np.int64]) -> Floats:
    """Gaussian naive Bayes with equal priors; in a regression over the target's quantile bins."""
    groups = np.unique(train.labels)
    scores = np.full((len(test.labels), len(groups)), -np.inf)
    floor = 1e-2 * train.encoded.var(axis=0) + 1e-9
    for g, group in enumerate(groups):
        rows = train.encoded[train.labels == group]
        mean, variance = rows.mean(axis=0), rows.var(axis=0) + floor
        scores[:, g] = -0.5 * (
            ((test.encoded - mean) ** 2 / variance).sum(axis=1) + np.log(variance).sum()
        )
    scores -= scores.max(axis=1, keepdims=True)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    if train.regression:
        centres = np.array([train.target[train.labels == g].mean() for g in groups])
        return np.asarray(shares @ centres)
    result = np.zeros((len(test.labels), len(classes)))
    result[:, np.searchsorted(classes, groups)] = shares
    return result


def _ridge(train: View, test: View, classes: NDArray[np.int64]) -> Floats:
    """Ridge regression on the outputs, classes weighted to the same total."""
    outputs = _outputs(train, classes)
    weights = np.ones(len(outputs))
    if not train.regression:
        weights = (outputs / np.maximum(outputs.sum(axis=0), 1.0)).sum(axis=1) * len(outputs)
    X = np.column_stack([train.encoded, np.ones(len(train.labels))])
    penalty = np.diag([*np.full(train.encoded.shape[1], 0.05 * weights.sum()), 1e-6])
    solution = np.linalg.lstsq(X.T * weights @ X + penalty, X.T * weights @ outputs, rcond=None)[0]
    predicted: Floats = np.column_stack([test.encoded, np.ones(len(test.labels))]) @ solution
    return _shaped(predicted, train)


def distances(a: Floats, b: Floats) -> Floats:
    """Squared Euclidean distances, (n, e) and (m, e) -> (n, m)."""
    squares: Floats = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2.0 * a @ b.T
    return np.maximum(squares, 0.0)
