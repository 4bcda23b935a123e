"""The standard metrics, all computed from one set of held-out predictions.

Notation: m test rows, c classes; truth y (m,) in 0..c-1 or numbers; labels (m,), shares (m, c);
weights w (m,) of the rows, None where all count alike.

Written out in numpy because a config's folds are scored by every metric at once: scikit-learn's own
functions, to which the tests compare these, check and convert their input anew each time and took
longer than fitting a small model. Names are those of scikit-learn's scorers without `neg_`; a loss
is minimised.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autometa.children.prediction import Prediction
from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.tables import Kind
from autometa.task import Direction

Truth: TypeAlias = NDArray[Any]
Weights: TypeAlias = Floats | None
"""What each row counts, (m,), or all alike."""
Measure: TypeAlias = Callable[[Truth, Prediction, Weights], float]
_LEAST = np.finfo(np.float64).eps  # the least probability that a logarithm is taken of


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One way to score predictions.

    Args:
        name: As in `METRICS`.
        kind: The kind of problem that it scores.
        direction: Whether more or less of it is better.
        score: (truth, prediction, weights of the rows) -> number; NaN where it is not defined.
        two_classes: Whether it is for two classes only.
        least_rows: Of how few rows it still says something.
    """

    name: str
    kind: Kind
    direction: Direction
    score: Measure
    two_classes: bool = False
    least_rows: int = 1


def balanced_accuracy(y: Truth, p: Prediction, w: Weights = None) -> float:
    """Mean recall of the classes that occur (Brodersen et al., 2010)."""
    hit = p.labels == y
    right, counts = np.bincount(y, weights=hit if w is None else hit * w), np.bincount(y, weights=w)
    return float((right[counts > 0] / counts[counts > 0]).mean())


def accuracy(y: Truth, p: Prediction, w: Weights = None) -> float:
    """Share of right labels."""
    return _mean(p.labels == y, w)


def f1_macro(y: Truth, p: Prediction, w: Weights = None) -> float:
    """Mean F1 of the classes that occur among truth or labels."""
    size, hit = int(max(y.max(), p.labels.max())) + 1, p.labels == y
    right = np.bincount(y, weights=hit if w is None else hit * w, minlength=size)
    both = np.bincount(y, weights=w, minlength=size)
    both = both + np.bincount(p.labels, weights=w, minlength=size)
    return float((2 * right[both > 0] / both[both > 0]).mean())


def roc_auc(y: Truth, p: Prediction, w: Weights = None) -> float:
    """Area under the ROC curve; of more than two classes the mean of each against the rest.

    A class that has no row, or all of them, is left out. Hand and Till (2001) for the idea.
    """
    shares = _shares(p)
    columns = [1] if shares.shape[1] == 2 else range(shares.shape[1])
    areas = []
    for k in columns:
        inside = y == k
        n = int(inside.sum())
        if 0 < n < len(y) and w is not None:
            area = _weighted_area(shares[:, k], inside, w)
            areas += [area] if math.isfinite(area) else []
        elif 0 < n < len(y):
            rank = _ranks(shares[:, k])[inside].sum()
            areas.append((rank - n * (n + 1) / 2) / (n * (len(y) - n)))
    return float(np.mean(areas)) if areas else math.nan


def log_loss(y: Truth, p: Prediction, w: Weights = None) -> float:
    """Mean cross entropy in nats; probabilities are kept off 0 and rows sum to 1."""
    shares = np.clip(_shares(p), _LEAST, 1.0)
    shares = shares / shares.sum(axis=1, keepdims=True)
    return -_mean(np.log(shares[np.arange(len(y)), y]), w)


def brier(y: Truth, p: Prediction, w: Weights = None) -> float:
    """Mean squared error of the probabilities (Brier, 1950); of two classes, of the second's."""
    shares = _shares(p)
    if shares.shape[1] == 2:
        return _mean((shares[:, 1] - (y == 1)) ** 2, w)
    truth = np.zeros_like(shares)
    truth[np.arange(len(y)), y] = 1.0
    return _mean(((shares - truth) ** 2).sum(axis=1), w)


def average_precision(y: Truth, p: Prediction, w: Weights = None) -> float:
    """Area under the steps of precision over recall, of the second of two classes."""
    value = _shares(p)[:, 1]
    order = np.argsort(-value, kind="stable")
    each = np.ones(len(y)) if w is None else w[order]
    hits, rows = ((y[order] == 1) * each).cumsum(), each.cumsum()
    if not hits[-1]:
        return math.nan
    last = np.flatnonzero(np.append(np.diff(value[order]) != 0, True))  # one step a distinct value
    last = last[rows[last] > 0]
    found = np.diff(hits[last], prepend=0) / hits[-1]
    return float((found * hits[last] / rows[last]).sum())


def r2(y: Truth, p: Prediction, w: Weights = None) -> float:
    """Share of the variance that is explained; can be any number below 1."""
    each = 1.0 if w is None else w
    spread = (each * (y - _mean(y, w)) ** 2).sum()
    wrong = (each * (y - p.labels) ** 2).sum()
    return float(1 - wrong / spread) if spread > 0 else float(wrong == 0)


def rmse(y: Truth, p: Prediction, w: Weights = None) -> float:
    """Root of the mean squared error, in the target's units."""
    return math.sqrt(_mean((y - p.labels) ** 2, w))


def mae(y: Truth, p: Prediction, w: Weights = None) -> float:
    """Mean absolute error, in the target's units."""
    return _mean(np.abs(y - p.labels), w)


def median_absolute_error(y: Truth, p: Prediction, w: Weights = None) -> float:
    """Median absolute error, in the target's units; the mean of two where half weighs as much."""
    wrong = np.abs(y - p.labels)
    if w is None:
        return float(np.median(wrong))
    order = np.argsort(wrong, kind="stable")
    order = order[w[order] > 0]
    total = w[order].cumsum()
    half = total[-1] / 2
    low, high = np.searchsorted(total, half, "left"), np.searchsorted(total, half, "right")
    return float((wrong[order[low]] + wrong[order[min(high, len(order) - 1)]]) / 2)


def rmsle(y: Truth, p: Prediction, w: Weights = None) -> float:
    """Root of the mean squared error of log(1 + value); NaN where a target is negative.

    A negative prediction counts as 0, the least that a target can be.
    """
    if y.min() < 0:
        return math.nan
    return math.sqrt(_mean((np.log1p(y) - np.log1p(np.maximum(p.labels, 0))) ** 2, w))


def _mean(values: NDArray[Any], w: Weights) -> float:
    return float(values.mean() if w is None else np.average(values, weights=w))


def _weighted_area(values: Floats, inside: NDArray[np.bool_], w: Floats) -> float:
    """Weight of the pairs in the right order, equal ones half, among all (inside, outside)."""
    _, place = np.unique(values, return_inverse=True)
    own, others = np.bincount(place, weights=inside * w), np.bincount(place, weights=~inside * w)
    below = others.cumsum() - others / 2
    whole = own.sum() * others.sum()
    return float((own * below).sum() / whole) if whole > 0 else math.nan


def _ranks(values: Floats) -> Floats:
    """Ranks from 1, (m,); equal values share their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return np.asarray((last - (counts - 1) / 2)[place])


def _shares(p: Prediction) -> Floats:
    assert p.shares is not None
    return p.shares


def _of(kind: Kind, *rows: tuple[Measure, Direction]) -> list[Metric]:
    return [
        Metric(name=getattr(f, "__name__", ""), kind=kind, direction=d, score=f) for f, d in rows
    ]


_LISTED = [
    *_of(
        "classification",
        (balanced_accuracy, "maximize"),
        (accuracy, "maximize"),
        (roc_auc, "maximize"),
        (log_loss, "minimize"),
        (f1_macro, "maximize"),
        (brier, "minimize"),
    ),
    Metric(
        name="average_precision",
        kind="classification",
        direction="maximize",
        score=average_precision,
        two_classes=True,
    ),
    Metric(name="r2", kind="regression", direction="maximize", score=r2, least_rows=2),
    *_of(
        "regression",
        (rmse, "minimize"),
        (mae, "minimize"),
        (median_absolute_error, "minimize"),
        (rmsle, "minimize"),
    ),
]

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _LISTED}
"""The standard metrics by name; the first of a kind is its default."""

OF_LABELS = ("balanced_accuracy", "accuracy", "f1_macro")
"""Metrics of a classification that look at labels only."""

DEFAULT: Mapping[Kind, str] = {"classification": "balanced_accuracy", "regression": "r2"}

ALIASES: Mapping[str, str] = {
    "auc": "roc_auc",
    "roc_auc_ovr": "roc_auc",
    "logloss": "log_loss",
    "binary_logloss": "log_loss",
    "multi_logloss": "log_loss",
    "mlogloss": "log_loss",
    "cross_entropy": "log_loss",
    "accuracy_score": "accuracy",
    "balanced_accuracy_score": "balanced_accuracy",
    "roc_auc_score": "roc_auc",
    "aucpr": "average_precision",
    "average_precision_score": "average_precision",
    "r2_score": "r2",
    "l1": "mae",
    "brier_score": "brier",
    "brier_score_loss": "brier",
    "root_mean_squared_error": "rmse",
    "mean_absolute_error": "mae",
    "root_mean_squared_log_error": "rmsle",
}
"""What else the metrics are called; scikit-learn's `neg_` in front is understood as well."""


def metric(name: str, kind: Kind) -> Metric:
    """A metric by name, for a kind of problem.

    Raises:
        InputError: there is none of this name, or it is for another kind of problem.

    >>> metric("neg_log_loss", "classification").name
    'log_loss'
    """
    plain = name.lower().removeprefix("neg_")
    found = METRICS.get(ALIASES.get(plain, plain))
    if found is None or found.kind != kind:
        raise InputError(f"metric {name!r} of a {kind}", allowed=", ".join(of_kind(kind)))
    return found


def of_kind(kind: Kind, classes: int = 2) -> tuple[str, ...]:
    """Names of the metrics of a kind of problem, the default first."""
    return tuple(m.name for m in _LISTED if m.kind == kind and (classes <= 2 or not m.two_classes))


def scores(
    truth: Truth, prediction: Prediction, kind: Kind, weights: Weights = None
) -> dict[str, float]:
    """Every metric of a kind; NaN for all where a prediction is not finite.

    A metric that is not defined for these rows is NaN, one that needs two classes is left out
    where there are more.
    """
    classes = 0 if prediction.shares is None else prediction.shares.shape[1]
    names = of_kind(kind, classes)
    if not prediction.finite:
        return dict.fromkeys(names, math.nan)
    return {name: METRICS[name].score(truth, prediction, weights) for name in names}
