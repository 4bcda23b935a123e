"""Similarity: how far meta-features may move the prior towards tasks that look alike.

    omega_i(t) = (1 - s) / T + s K_h(t, t_i) / sum_j K_h(t, t_j),   K_h Gaussian           # eq. (1)

The share s and the width h are whatever serves each prior task best when it is served by the others
with its whole family left out. Unless that beats equal weights clearly, s = 0 and meta-features
count for nothing: appended naively to configs they made models worse in six of six spaces.

Meta-features that at least half of the prior tasks have count. Two tasks are compared on those that
both have; in what one of them lacks they count as far apart as any two tasks.

They move the mean of the heads only (`head_errors`: how well do the others predict this task?);
why not the start, is in `zero_shot`.

Shapes: T prior tasks, J of them that judge, k meta-features, p basis functions, n_i trials.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.meta.data.targets import normal_scores

LEAST_TASKS = 8
_WIDTHS = (0.3, 0.5, 0.8)  # of the median distance between prior tasks
_SHARES = (0.25, 0.5, 0.75)
CLEARLY = 2.0  # standard errors
_UNKNOWN = 2.0  # expected squared difference of two independent normal scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """Eq. (1), fitted.

    Args:
        names: Meta-features that at least half of the prior tasks have, length k; may be empty.
        values: Their values, (T, k), NaN where a task has none.
        width: h, in units of distance between normal scores.
        share: s in [0, 1); 0 = meta-features did not help.
    """

    names: tuple[str, ...]
    values: Floats
    width: float
    share: float

    def __call__(self, meta_features: Mapping[str, float] | None) -> Floats:
        """Weights omega (T,), summing to one; equal where nothing is known of the task."""
        tasks = len(self.values)
        equal = np.full(tasks, 1.0 / tasks)
        new = table([meta_features or {}], self.names)
        if not self.share or not np.isfinite(new).any():
            return equal
        place = _placed(np.concatenate([self.values, new]))
        near = _kernel(place[-1:], place[:-1], self.width)[0]
        result: Floats = (1.0 - self.share) * equal + self.share * near
        return result


def fit_similarity(
    meta_features: Sequence[Mapping[str, float]],
    families: Sequence[str],
    judges: NDArray[np.int64],
    errors: Callable[[Floats], Floats],
) -> Similarity:
    """Choose h and s by leaving out one family of prior tasks at a time.

    Args:
        meta_features: Per task.
        families: Per task; relatives must not vouch for one another.
        judges: Indices of the tasks to ask, (J,).
        errors: How badly each judge is served by weights over the others: weights (J, J), each
            row summing to one and zero for relatives -> errors (J,).
    """
    tasks = len(meta_features)
    has = Counter(n for m in meta_features for n, v in m.items() if np.isfinite(v))
    names = tuple(sorted(n for n, count in has.items() if 2 * count >= tasks))
    values = table(meta_features, names)
    off = Similarity(names=names, values=values, width=1.0, share=0.0)
    if len(judges) < LEAST_TASKS or not names:
        return off
    place = _placed(values)[judges]
    distance = _distances(place, place)
    median = float(np.median(distance[~np.eye(len(judges), dtype=bool)]))
    if median == 0.0:
        return off
    own = np.array(families)[judges]
    strange = own[:, None] != own[None, :]
    if not strange.any(axis=1).all():
        return off
    equal = strange / strange.sum(axis=1, keepdims=True)
    baseline = errors(equal)
    best, gain = off, 0.0
    for width in _WIDTHS:
        near = _kernel(place, place, width * median, allowed=strange)
        for share in _SHARES:
            saved = baseline - errors((1.0 - share) * equal + share * near)
            clear = saved.mean() > CLEARLY * saved.std() / np.sqrt(len(judges))
            if clear and saved.mean() > gain:
                gain = float(saved.mean())
                best = Similarity(names=names, values=values, width=width * median, share=share)
    return best


def head_errors(features: Sequence[Floats], heads: Floats) -> Callable[[Floats], Floats]:
    """Mean squared error on each judge's trials of the weighted mean of the others' heads.

    Args:
        features: Per judge, basis features of its trials (n_i, p).
        heads: Of the judges, (J, p).
    """
    grams = np.stack([f.T @ f / len(f) for f in features])

    def errors(weights: Floats) -> Floats:
        gap = weights @ heads - heads
        result: Floats = np.einsum("tp,tpq,tq->t", gap, grams, gap)
        return result

    return errors


def table(meta_features: Sequence[Mapping[str, float]], names: Sequence[str]) -> Floats:
    """Values of some meta-features, (T, k), NaN where a task has none."""
    rows = [[m.get(n, np.nan) for n in names] for m in meta_features]
    values = np.array(rows, dtype=np.float64).reshape(len(rows), len(names))
    return np.where(np.isfinite(values), values, np.nan)


def _placed(values: Floats) -> Floats:
    """Each meta-feature as normal scores over the tasks that have it, (T, k), NaN elsewhere."""
    placed = np.full(values.shape, np.nan)
    for column, known, place in zip(values.T, np.isfinite(values).T, placed.T, strict=True):
        place[known] = normal_scores(column[known])  # a view of `placed`
    return placed


def _distances(a: Floats, b: Floats) -> Floats:
    """Root mean squared difference over meta-features, (len(a), len(b)).

    Of one that either lacks, the square counts as what is expected of two normal scores.
    """
    in_a, in_b = np.isfinite(a).astype(np.float64), np.isfinite(b).astype(np.float64)
    a, b = np.nan_to_num(a), np.nan_to_num(b)
    square = (a**2) @ in_b.T + in_a @ (b**2).T - 2.0 * a @ b.T
    square += _UNKNOWN * (a.shape[1] - in_a @ in_b.T)
    result: Floats = np.sqrt(np.maximum(square, 0.0) / a.shape[1])
    return result


def _kernel(
    a: Floats, b: Floats, width: float, *, allowed: NDArray[np.bool_] | None = None
) -> Floats:
    """Normalised Gaussian weights of the tasks b for each task a, (len(a), len(b))."""
    logits = -0.5 * (_distances(a, b) / width) ** 2
    if allowed is not None:
        logits[~allowed] = -np.inf
    logits -= logits.max(axis=1, keepdims=True)
    weights = np.exp(logits)
    result: Floats = weights / weights.sum(axis=1, keepdims=True)
    return result
