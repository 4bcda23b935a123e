"""Where labels are cut: the class whose probability times its factor is largest.

A model's most probable class is not the label that balanced accuracy or F1 wants. For two classes
one threshold is learned, for more one exponent a with factors share^-a (a = 1 is what balanced
accuracy asks of perfect probabilities): one number either way, so that little can be overfitted.
It is learned on the held-out predictions of the model, and kept only where a nested check says so:
learned without a fold and scored on it, the mean gain over folds exceeds twice its standard error.

Shapes: n held-out rows, c classes, k folds.

References:
    Elkan, "The foundations of cost-sensitive learning" (2001).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autometa.children.ensemble import summing_to_one
from autometa.children.prediction import Prediction
from autometa.encoding import Floats
from autometa.tuning.held_out import HeldOut
from autometa.tuning.scoring import Scoring

_PARTS = 5  # of the held-out rows, where there are fewer than three folds
_ROWS = 10_000  # that are enough to learn it
_GRID = 60  # thresholds at most
_ERRORS = 2.0  # standard errors that the mean gain must exceed
_POWERS = np.linspace(0.0, 1.4, 15)


@dataclass(frozen=True, slots=True, eq=False)
class Threshold:
    """See the module.

    Args:
        factors: Of each class, (c,), the largest 1.
        plain: Mean score over the parts without it.
        nested: The same with it, each part's learned on the others.
    """

    factors: Floats
    plain: float
    nested: float

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        factors = [float(f) for f in self.factors]
        return {"factors": factors, "plain": self.plain, "nested": self.nested}

    @property
    def at(self) -> float:
        """Of two classes, the probability of the second from which on it is the label."""
        return float(self.factors[0] / self.factors.sum())

    def said(self, metric: str, labels: Sequence[Any]) -> str:
        """What a user should know of it, in a sentence."""
        if len(self.factors) == 2:
            what = f"{labels[1]!s} is the label from a probability of {self.at:.3g} on"
        else:
            what = "classes are weighed before the largest probability is the label"
        return (
            f"{what}: {metric} {self.nested:.4g} instead of {self.plain:.4g} on held-out rows "
            "that had no part in it"
        )


def learn_threshold(
    said: Prediction,
    held_out: HeldOut,
    scoring: Scoring,
    late: Callable[[], bool] = lambda: False,
) -> Threshold | None:
    """Where to cut; None where it does not help, time is up, or the metric looks at no labels."""
    if not scoring.of_labels or said.shares is None or not said.finite:
        return None
    truth = np.concatenate(held_out.truths)
    some = slice(None, None, -(-len(truth) // _ROWS))
    weights = None if held_out.weights is None else np.concatenate(held_out.weights)[some]
    said = Prediction(said.labels[some], said.shares[some])
    assert said.shares is not None
    rows = _Rows(said.shares, truth[some], weights, held_out.labels, scoring)
    number, pairs = _parts(held_out)[some], []
    for part in (number == k for k in range(number.max() + 1)):
        if late():
            return None
        learned = rows.best(~part)
        pairs.append((rows.score(part, learned), rows.plain(part, said)))
    gains = np.array([a - b for a, b in pairs])
    error = gains.std(ddof=1) / np.sqrt(len(gains))
    if not np.isfinite(gains).all() or gains.mean() <= _ERRORS * error:
        return None
    factors = rows.best(np.ones(len(said.labels), dtype=bool))
    if np.allclose(factors, factors[0]):
        return None
    nested, plain = np.mean(pairs, axis=0)
    return Threshold(factors / factors.max(), float(plain), float(nested))


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Held-out rows: shares (n, c), truth (n,), weights (n,)."""

    shares: Floats
    truth: NDArray[Any]
    weights: Floats | None
    labels: NDArray[Any]
    scoring: Scoring

    def best(self, rows: NDArray[np.bool_]) -> Floats:
        """Factors (c,) with the best score on some rows; in the middle of those as good."""
        tried = self._candidates(rows)
        scores = np.array([self.score(rows, factors) for factors in tried])
        if not np.isfinite(scores).all():
            return np.ones(self.shares.shape[1])
        good = np.flatnonzero(scores >= scores.max() - 1e-12)
        return tried[int(good[len(good) // 2])]

    def _candidates(self, rows: NDArray[np.bool_]) -> list[Floats]:
        if self.shares.shape[1] == 2:
            values = np.unique(np.append(self.shares[rows, 1], 0.5))
            if len(values) == 1:  # all say one half
                return [np.ones(2)]
            middles = (values[1:] + values[:-1]) / 2
            chosen = np.unique(np.quantile(middles, np.linspace(0.02, 0.98, _GRID)))
            return [np.array([t, 1.0 - t]) for t in chosen if 0.0 < t < 1.0] or [np.ones(2)]
        counts = np.bincount(
            self.truth[rows],
            weights=None if self.weights is None else self.weights[rows],
            minlength=self.shares.shape[1],
        )
        shares = np.maximum(counts, 0.5) / counts.sum()
        return [shares**-power for power in _POWERS]

    def score(self, rows: NDArray[np.bool_], factors: Floats) -> float:
        """Of some rows, cut by these factors."""
        return self._scored(rows, Prediction.of_shares(scaled(self.shares[rows], factors)))

    def plain(self, rows: NDArray[np.bool_], said: Prediction) -> float:
        """Of some rows, with the labels that the model says itself."""
        return self._scored(rows, Prediction(said.labels[rows], self.shares[rows]))

    def _scored(self, rows: NDArray[np.bool_], said: Prediction) -> float:
        weights = None if self.weights is None else self.weights[rows]
        try:
            return self.scoring.score(self.truth[rows], said, self.labels, weights)
        except Exception:  # a scorer may raise anything: nothing is learned then
            return math.nan


def scaled(shares: Floats, factors: Floats) -> Floats:
    """Shares (n, c) times the classes' factors (c,), rows summing to one again."""
    return summing_to_one(shares * factors)


def _parts(held_out: HeldOut) -> NDArray[np.int64]:
    """Part of each row, (n,): the folds, which divide no group; or parts alike in classes."""
    sizes = [len(truth) for truth in held_out.truths]
    if len(sizes) >= 3:
        return np.repeat(np.arange(len(sizes)), sizes)
    truth = np.concatenate(held_out.truths)
    number = np.empty(len(truth), dtype=np.int64)
    number[np.argsort(truth, kind="stable")] = np.arange(len(truth)) % _PARTS
    return number
