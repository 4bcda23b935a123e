"""A weighted ensemble of the children that a search has found: O(x) = sum_i w_i f_i(x).

f_i(x) is what child i says of x: probabilities of the classes, or a number. The weights, at least 0
and summing to one, come from greedy selection with replacement on held-out predictions: begin with
the best child, add again and again the one that helps the sum most, keep the best prefix. Where
there are many candidates, greed finds what fits the held-out rows by chance: the weights are then
the mean of several selections, each among a random half of the candidates. The held-out score is
never below that of the best child; as it chose the weights, it is optimistic.
The one implementation: `tune` and `MetaSearchCV` both end with it.

On eleven development tables (searches of 30 s and random parts of them) eight halves left the score
on rows apart .0063 above the best untuned default in the mean, one selection .0049; more than .01
below it were 9 % of the models instead of 18 %, the worst by .029 instead of .043.

Shapes: m candidates, n held-out rows, c classes; outputs (n, c), or (n,) in a regression.

References:
    Caruana, Niculescu-Mizil, Crew, Ksikes, "Ensemble selection from libraries of models" (2004).
    Caruana, Munson, Niculescu-Mizil, "Getting the most out of ensemble selection" (2006).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from autometa.encoding import Floats

ROUNDS = 25
_MANY = 8  # candidates, beyond which weights are the mean over random halves of them
_HALVES, _SHORT = 8, 8  # selections among halves, and the rounds of each
_PATIENCE = 5  # rounds without a gain after which nothing more is added
_GAIN = 1e-12


def select(
    outputs: Sequence[Floats],
    score: Callable[[Floats], float],
    rounds: int = ROUNDS,
    late: Callable[[], bool] = lambda: False,
    seed: int = 0,
) -> tuple[Floats, float]:
    """Weights of the candidates and the held-out score of their sum.

    Args:
        outputs: Held-out outputs of each candidate, m of them, (n, c) or (n,).
        score: Of outputs; higher is better.
        rounds: At most so many additions.
        late: Whether time is up: nothing more is added then.
        seed: Of the halves.

    Returns:
        (weights (m,), at least 0 and summing to one; the score of the weighted sum).
    """
    alone = np.array([score(o) for o in outputs])
    if len(outputs) <= _MANY:
        return _greedy(outputs, alone, score, rounds, late)
    rng, every = np.random.default_rng(seed), np.arange(len(outputs))
    weights = np.zeros(len(outputs))
    for _ in range(_HALVES):
        half = np.sort(rng.permutation(every)[: max(_MANY, len(every) // 2)])
        if np.isfinite(alone[half]).any():
            some = [outputs[i] for i in half]
            weights[half] += _greedy(some, alone[half], score, min(rounds, _SHORT), late)[0]
        if late():
            break
    best = int(alone.argmax())
    if weights.any():
        weights /= weights.sum()
        reached = score(weighted_sum(outputs, weights))
        if reached > alone[best]:
            return weights, reached
    return np.eye(len(outputs))[best], float(alone[best])


def _greedy(
    outputs: Sequence[Floats],
    alone: Floats,
    score: Callable[[Floats], float],
    rounds: int,
    late: Callable[[], bool],
) -> tuple[Floats, float]:
    """One selection; `alone` (m,) are the candidates' own scores."""
    counts = np.zeros(len(outputs))
    counts[int(np.argmax(alone))] = 1
    best, kept = float(alone.max()), counts.copy()
    total, since = outputs[int(np.argmax(alone))].astype(np.float64), 0
    for size in range(2, rounds + 1):
        if late():
            break
        with_each = [score((total + o) / size) for o in outputs]
        added = int(np.argmax(with_each))
        counts[added] += 1
        total = total + outputs[added]
        since += 1
        if with_each[added] > best + _GAIN:
            best, kept, since = with_each[added], counts.copy(), 0
        if since >= _PATIENCE:
            break
    return kept / kept.sum(), best


def weighted_sum(outputs: Sequence[Floats], weights: Sequence[float] | Floats) -> Floats:
    """sum_i w_i o_i over those that weigh something."""
    parts = [w * o for w, o in zip(weights, outputs, strict=True) if w > 0]
    total: Floats = np.sum(parts, axis=0)
    return total


def summing_to_one(shares: Floats) -> Floats:
    """Shares (n, c) with rows that sum to one: of some libraries they do with 32 bits only."""
    whole = shares.sum(axis=1, keepdims=True)
    return np.asarray(shares / np.where(whole > 0, whole, 1.0))


def outputs_of(model: Any, X: Any, classes: NDArray[Any] | None) -> Floats:
    """What a fitted model says of rows: probabilities (n, c) of the classes, or numbers (n,).

    A model without probabilities gives all its weight to the class that it predicts; a class that
    it has never seen gets none.

    Args:
        model: Fitted.
        X: Rows, n of them.
        classes: All labels in order, (c,); None in a regression.
    """
    if classes is None:
        return np.asarray(model.predict(X), dtype=np.float64).reshape(-1)
    if not hasattr(model, "predict_proba"):
        votes: Floats = (np.asarray(model.predict(X))[:, None] == classes).astype(np.float64)
        return votes
    known = np.asarray(model.predict_proba(X), dtype=np.float64)
    full = np.zeros((len(known), len(classes)))
    full[:, np.searchsorted(classes, model.classes_)] = known
    return full


@dataclass(frozen=True)  # without slots, which skops would not restore
class Member:
    """A child of an ensemble: the trial it comes from, its parameters, weight and fitted model."""

    number: int
    params: Mapping[str, Any]
    weight: float
    model: Any


class _Sum(BaseEstimator):  # type: ignore[misc]
    """sum_i w_i f_i(x) of members that are fitted already."""

    def __init__(
        self,
        members: tuple[Member, ...] = (),
        classes: NDArray[Any] | None = None,
        factors: Floats | None = None,
    ) -> None:
        self.members, self.classes, self.factors = members, classes, factors

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: Any, y: Any = None) -> Self:
        """Nothing: its members are fitted, so that it can be the last step of a pipeline."""
        return self

    def _outputs(self, X: Any) -> Floats:
        parts = [outputs_of(m.model, X, self.classes) for m in self.members]
        return weighted_sum(parts, [m.weight for m in self.members])


class EnsembleRegressor(RegressorMixin, _Sum):  # type: ignore[misc]
    """The weighted mean of its members' predictions."""

    def predict(self, X: Any) -> Floats:
        """Numbers, (n,)."""
        return self._outputs(X)


class EnsembleClassifier(ClassifierMixin, _Sum):  # type: ignore[misc]
    """The weighted mean of its members' probabilities, and the class where it is highest.

    A single member says its labels itself: those of a support vector machine are not always where
    its probability is highest. With `factors` (c,) of the classes, the label is where probability
    times factor is highest, whoever says it.
    """

    @property
    def classes_(self) -> NDArray[Any]:
        """Labels in order, (c,)."""
        assert self.classes is not None
        return self.classes

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities, (n, c)."""
        return summing_to_one(self._outputs(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels, (n,)."""
        factors = getattr(self, "factors", None)  # none in files of before
        if factors is not None:
            return np.asarray(self.classes_[(self.predict_proba(X) * factors).argmax(axis=1)])
        if len(self.members) == 1:
            return np.asarray(self.members[0].model.predict(X))
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class _SaidRegressor(EnsembleRegressor):
    def _outputs(self, X: Any) -> Floats:
        return np.asarray(X)


class _SaidClassifier(EnsembleClassifier):
    def _outputs(self, X: Any) -> Floats:
        return np.asarray(X)[:, -len(self.classes_) :]

    def predict(self, X: Any) -> NDArray[Any]:
        said = np.asarray(X)
        if said.shape[1] == len(self.classes_):
            return super().predict(said)
        return np.asarray(self.classes_[said[:, 0].astype(np.int64)])


def as_said(classes: NDArray[Any] | None) -> BaseEstimator:
    """An estimator whose input is its own outputs, so that any scorer can judge outputs.

    Numbers (n,), or shares (n, c) of the classes, or (n, 1 + c) with the index of the label that
    was said before them: a threshold, or a model itself, may say another than the most probable.
    """
    return _SaidRegressor() if classes is None else _SaidClassifier(classes=classes)


def ensemble_of(members: Sequence[Member], classes: NDArray[Any] | None) -> BaseEstimator:
    """The ensemble of some fitted members; classes (c,) is None in a regression."""
    kind = EnsembleRegressor if classes is None else EnsembleClassifier
    return kind(tuple(members), classes)
