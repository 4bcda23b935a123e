"""The chance that a running trial ends as its study's new best, learned from prior tasks' curves.

Data: studies drawn from the finished trials of each prior task. Some trials of it are taken as
finished, others run, and the numbers of `curves.standing` are written down at each checkpoint with
what became of the trial. Half of the studies draw from the best third of a task only, as a search
that has found a good region does.

Model: logistic regression on these numbers and their products,

    P(improves | x) = sigmoid(w . q(x)),    q(x) = (1, z, z z^T),  z = (x - mean) / deviation  # (1)

Threshold: each family of prior tasks is judged by a model that has not seen it. Giving up below t
keeps a share G(t) of the improvement that its trials would bring, at a share E(t) of the epochs;
taken is the smallest t whose rate

    R(t) = G(t) / E(t)                                                                        # (2)

is nine tenths of the best one: improvement for an epoch, as in the renewal theory of search, and
the cautious end of a flat optimum, since a sampler also learns from the trials that it completes.

That earlier curves say which curve to stop is the idea of Domhan, Springenberg & Hutter, "Speeding
up automatic hyperparameter optimization of deep neural networks by extrapolation of learning
curves" (2015) and Klein et al., "Learning curve prediction with Bayesian neural networks" (2017),
here carried from the curves of one task to those of the next; no parametric form is assumed.

Shapes: k numbers, q = 1 + k + k (k + 1) / 2 products, c checkpoints, r running trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from autometa.encoding import Floats
from autometa.meta.data.curves import checkpoints, standing, whole_curves
from autometa.task import TaskHistory

LEAST_FINISHED = 5  # of a study, before one of its trials is judged
LEAST_TRIALS, LEAST_FAMILIES = 20, 5  # with curves
_STUDIES, _RUNNING, _MOST_FINISHED = 24, 8, 40  # a task; a study
_MOST_STUDIES, _MOST_TASKS = 960, 240  # of all tasks together
_FOLDS = 4
_THRESHOLDS = np.geomspace(1e-3, 0.5, 50)
_NEARLY = 0.9  # of the best rate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImprovementChance:
    """Eq. (1), fitted.

    Args:
        mean: Of the numbers, (k,).
        deviation: Of the numbers, (k,).
        weights: w, (q,).
        threshold: Chance below which a trial may be given up.
        tasks: Number of prior tasks that taught it.
    """

    mean: Floats
    deviation: Floats
    weights: Floats
    threshold: float
    tasks: int

    def __call__(self, numbers: Floats) -> Floats:
        """Chances (c,) at the numbers (c, k)."""
        result: Floats = expit(_products((numbers - self.mean) / self.deviation) @ self.weights)
        return result


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Running trials of one task: numbers (r, c, k), gains over the finished ones (r,) >= 0.

    `used` is the share of the budget at each checkpoint, (c,); gains are in units of best - median.
    """

    numbers: Floats
    gains: Floats
    used: Floats


def fit_improvement_chance(
    histories: Sequence[TaskHistory], rng: np.random.Generator
) -> ImprovementChance | None:
    """Learn it; None where fewer than five families have twenty complete trials with curves."""
    known = [(h.task.family, *whole_curves(h)) for h in histories if h.curves.shape[1]]
    usable = [
        (family, curves, finals)
        for family, curves, finals in known
        if len(finals) >= LEAST_TRIALS and len(checkpoints(curves.shape[1])) and _varied(finals)
    ]
    usable = [usable[i] for i in np.sort(rng.permutation(len(usable))[:_MOST_TASKS])]
    kinds = sorted({family for family, _, _ in usable})
    if len(kinds) < LEAST_FAMILIES:
        return None
    studies = min(_STUDIES, _MOST_STUDIES // len(usable))
    fold = np.array([kinds.index(family) % _FOLDS for family, _, _ in usable])
    drawn = [_draw(curves, finals, studies, rng) for _, curves, finals in usable]
    rates = np.zeros(len(_THRESHOLDS))
    for k in range(_FOLDS):
        model = _fit([d for d, f in zip(drawn, fold, strict=True) if f != k])
        rates += sum(_rates(model, d) for d, f in zip(drawn, fold, strict=True) if f == k)
    nearly = int((rates >= _NEARLY * rates.max()).argmax())
    return replace(_fit(drawn), threshold=float(_THRESHOLDS[nearly]))


def _varied(finals: Floats) -> bool:
    return bool(finals.max() > np.median(finals))


def _draw(curves: Floats, finals: Floats, studies: int, rng: np.random.Generator) -> _Drawn:
    """Studies of one task; curves (m, l), finals (m,)."""
    steps = checkpoints(curves.shape[1])
    good = np.argsort(-finals)[: max(len(finals) // 3, LEAST_FINISHED + 2)]
    numbers, gains = [], []
    for study in range(studies):
        pool = good if study % 2 else np.arange(len(finals))
        most = min(_MOST_FINISHED, len(pool) - 1)
        m = int(np.exp(rng.uniform(np.log(LEAST_FINISHED), np.log(most + 1))))
        order = rng.permutation(pool)
        done = order[:m]
        for trial in order[m : m + _RUNNING]:
            numbers.append(standing(curves[trial], steps, curves[done], finals[done]))
            gains.append(max(finals[trial] - finals[done].max(), 0.0))
    unit = finals.max() - np.median(finals)
    return _Drawn(np.stack(numbers), np.array(gains) / unit, steps / curves.shape[1])


def _fit(drawn: Sequence[_Drawn]) -> ImprovementChance:
    """Eq. (1), without a threshold."""
    from sklearn.linear_model import LogisticRegression

    numbers = np.concatenate([d.numbers.reshape(-1, d.numbers.shape[2]) for d in drawn])
    improves = np.concatenate([np.repeat(d.gains > 0, len(d.used)) for d in drawn])
    mean, deviation = numbers.mean(axis=0), np.maximum(numbers.std(axis=0), 1e-9)
    features = _products((numbers - mean) / deviation)
    weights = np.zeros(features.shape[1])
    if improves.any() and not improves.all():
        logistic = LogisticRegression(fit_intercept=False, solver="newton-cholesky")
        fitted = logistic.fit(features, improves)
        weights = fitted.coef_[0]
    return ImprovementChance(
        mean=mean, deviation=deviation, weights=weights, threshold=0.0, tasks=len(drawn)
    )


def _rates(model: ImprovementChance, drawn: _Drawn) -> Floats:
    """Eq. (2) of one task at each threshold, in units of the rate without giving up."""
    r, c, k = drawn.numbers.shape
    lowest = np.minimum.accumulate(model(drawn.numbers.reshape(-1, k)).reshape(r, c), axis=1)
    total = drawn.gains.sum()
    rates = np.ones(len(_THRESHOLDS))
    for j, threshold in enumerate(_THRESHOLDS):
        below = lowest < threshold
        given_up = below[:, -1]
        used = np.where(given_up, drawn.used[below.argmax(axis=1)], 1.0)
        rates[j] = (drawn.gains[~given_up].sum() / total if total > 0 else 1.0) / used.mean()
    return rates


def _products(z: Floats) -> Floats:
    """(1, z, products of two), (c, k) -> (c, q)."""
    i, j = np.triu_indices(z.shape[1])
    return np.concatenate([np.ones((len(z), 1)), z, z[:, i] * z[:, j]], axis=1)
