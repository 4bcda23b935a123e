"""Catalogue: the configs that were best on some prior task, and what each prior task makes of them.

The zero-shot start chooses from it, and so does the acquisition. Two readings of a prior task stand
side by side here on purpose. The shared basis picks the candidates, as it generalises between
tasks. But it is sure of itself far from any trial, and a start that trusts it tries such configs
first; so the judgement of a candidate is left to regression trees on the task's own trials, which
never promise more than was seen (extremely randomised trees, Geurts et al., 2006). On two public
benchmarks the trees' start had a quarter less regret after three to ten trials than the basis's.

A normal score says which config is better, not by how much. The start is to make regret small in
the task's own metric, so each task keeps the curve from one to the other.

Of very many prior tasks a random sample judges, so that the catalogue stays small.

Shapes: e configs, J judging tasks, n_i trials of task i, d unit columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.meta.basis import Basis
from autometa.meta.candidates import Candidates
from autometa.meta.prior import HeadPrior

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesRegressor

_POOL, _BOUNDS = 3000, 0.12  # random candidates; rate of jumps to a bound
_SIZE = 600
_BEST_RECORDED = 20  # of each task
_TREES, _MOST_ROWS = 20, 400
_MOST_JUDGES = 200
_WORST = 2.0  # regret above this counts as this: a diverged run is just bad
_GRID = np.linspace(-3.0, 3.0, 61)


@dataclass(frozen=True, kw_only=True, eq=False)
class Catalogue:
    """See the module.

    Args:
        judges: Indices of the prior tasks that judge, (J,).
        unit: Unit configs, (e, d).
        scores: Normal scores that each judge expects of them, (e, J).
        curves: Regret at the normal scores -3, -2.9, ..., 3, (J, 61): 0 = the best trial of the
            task, 1 = its median trial, at most 2.
    """

    judges: NDArray[np.int64]
    unit: Floats
    scores: Floats
    curves: Floats

    @cached_property
    def regret(self) -> Floats:
        """Regret that each judge expects of the configs, (e, J)."""
        return self.regret_of(self.scores)

    def regret_of(self, scores: Floats) -> Floats:
        """Normal scores on each judge -> regret there, (m, J) -> (m, J)."""
        columns = [
            np.interp(column, _GRID, curve)
            for column, curve in zip(scores.T, self.curves, strict=True)
        ]
        return np.stack(columns, axis=1)


def fit_catalogue(
    make: Candidates,
    basis: Basis,
    prior: HeadPrior,
    units: Sequence[Floats],
    targets: Sequence[Floats],
    scores: Sequence[Floats],
    rng: np.random.Generator,
) -> Catalogue:
    """Choose the configs and let each prior task judge them.

    Args:
        make: Maker of candidates.
        basis: The shared basis.
        prior: The heads of the prior tasks.
        units: Per task, unit configs (n_i, d).
        targets: Per task, normal scores (n_i,).
        scores: Per task, values with "higher is better" (n_i,).
        rng: Source of random candidates and of the trees.
    """
    judges = np.sort(rng.permutation(len(units))[:_MOST_JUDGES])
    told = [(units[i], targets[i], scores[i]) for i in judges]
    chosen = _promising(make, basis, prior.heads[judges], told, _share(judges), rng)
    return Catalogue(
        judges=judges,
        unit=chosen,
        scores=np.stack([_judge(u, z, chosen, rng) for u, z, _ in told], axis=1),
        curves=np.stack([_curve(s, z) for _, z, s in told]),
    )


def extend_catalogue(
    old: Catalogue,
    same: Mapping[int, int],
    make: Candidates,
    basis: Basis,
    prior: HeadPrior,
    units: Sequence[Floats],
    targets: Sequence[Floats],
    scores: Sequence[Floats],
    rng: np.random.Generator,
) -> Catalogue:
    """The catalogue with the opinions and the best configs of tasks that have come since.

    Judges whose trials have not changed keep their opinions. Of the new configs they are asked
    through one regression forest on all that they said of the old ones: growing each judge's own
    trees again would take longer than all the rest of a refit.

    Args:
        old: The last catalogue.
        same: Old place -> new place of the tasks whose trials have not changed, most of all.
        make: Maker of candidates.
        basis: The shared basis.
        prior: The heads of all tasks, old and new.
        units: Per task, unit configs (n_i, d).
        targets: Per task, normal scores (n_i,).
        scores: Per task, values with "higher is better" (n_i,).
        rng: Source of random candidates and of the trees.
    """
    kept = [j for j, judge in enumerate(old.judges.tolist()) if judge in same]
    judges = np.array([same[int(old.judges[j])] for j in kept], dtype=np.int64)
    arrived = np.setdiff1d(np.arange(len(units)), list(same.values()))
    new = np.sort(rng.permutation(arrived)[: max(_MOST_JUDGES - len(judges), 0)])
    if not len(new):
        return replace(old, judges=judges, scores=old.scores[:, kept], curves=old.curves[kept])
    told = [(units[i], targets[i], scores[i]) for i in new]
    share = _share(np.concatenate([judges, new]))
    more = _promising(make, basis, prior.heads[new], told, share, rng)
    unit = np.concatenate([old.unit, more])
    known = old.scores[:, kept]
    guessed = _grown(old.unit, known, rng).predict(more).reshape(len(more), len(kept))
    arriving = np.stack([_judge(u, z, unit, rng) for u, z, _ in told], axis=1)
    return Catalogue(
        judges=np.concatenate([judges, new]),
        unit=unit,
        scores=np.concatenate([np.concatenate([known, guessed]), arriving], axis=1),
        curves=np.concatenate([old.curves[kept], [_curve(s, z) for _, z, s in told]]),
    )


def _share(judges: NDArray[np.int64]) -> int:
    """How many configs each judge may put into the catalogue."""
    return max(2, _SIZE // len(judges))


def _promising(
    make: Candidates,
    basis: Basis,
    heads: Floats,
    told: Sequence[tuple[Floats, Floats, Floats]],
    each: int,
    rng: np.random.Generator,
) -> Floats:
    """Unit configs of which the basis promises most to each of some tasks, `each` of a task."""
    random = make.random(_POOL, rng)
    best = [u[np.argsort(-z)[:_BEST_RECORDED]] for u, z, _ in told]
    pool = np.concatenate([random, make.touch_bounds(random, rng, _BOUNDS), *best])
    promised = basis(pool) @ heads.T
    chosen = np.argpartition(-promised, min(each, len(pool) - 1), axis=0)[:each]
    result: Floats = pool[np.unique(chosen)]
    return result


def _judge(
    unit: Floats, target: Floats, asked: Floats, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Normal scores (e,) that trees on one task's trials expect."""
    rows = _informative(target, rng)
    expected: Floats = _grown(unit[rows], target[rows], rng).predict(asked)
    return expected


def _grown(unit: Floats, target: Floats, rng: np.random.Generator) -> ExtraTreesRegressor:
    """Trees that have learned a target (n,), or several (n, k), of unit configs (n, d)."""
    from sklearn.ensemble import ExtraTreesRegressor

    trees = ExtraTreesRegressor(_TREES, random_state=int(rng.integers(2**31)), n_jobs=1)
    return trees.fit(unit, target)


def _informative(target: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows of a task that the trees learn from: the best quarter of the limit, others by chance."""
    order = np.argsort(-target, kind="stable")
    best, rest = order[: _MOST_ROWS // 4], order[_MOST_ROWS // 4 :]
    others = rng.permutation(rest)[: _MOST_ROWS - len(best)]
    return np.concatenate([best, others])


def _curve(scores: Floats, target: Floats) -> Floats:
    """Regret at the grid of normal scores, (61,)."""
    best, middle = scores.max(), np.median(scores)
    scale = best - middle if best > middle else best - scores.min()
    regret = np.minimum((best - scores) / scale, _WORST)
    known, first = np.unique(target, return_index=True)
    curve: Floats = np.interp(_GRID, known, regret[first])
    return curve
