"""Catalogue: the configs that were best on some prior task, and what each prior task makes of them.

The zero-shot start chooses from it, and so does the acquisition. Two readings of a prior task stand
side by side here on purpose. The shared basis picks the candidates, as it generalises between
tasks. But it is sure of itself far from any trial, and a start that trusts it tries such configs
first; so the judgement of a candidate is left to regression trees on the task's own trials, which
never promise more than was seen (extremely randomised trees, Geurts et al., 2006). On two public
benchmarks the trees' start had a quarter less regret after three to ten trials than the basis's.

A normal score says which config is better, not by how much, and the start is to make regret small
in the task's own metric. The trees therefore learn both, and what a start goes by is the mean of
two readings: the regret at the expected normal score, which sees differences among good configs,
and the expected regret, which sees what diverges. Either alone was worse on public benchmarks: the
first by a tenth after three trials, and by far where runs diverge, the second after one trial.

A Gaussian process of all prior tasks (what they share, and what is a task's own) expects trials
that were left out far better than the trees do, and yet makes no better lists in all. The mean of
both, on development tasks: about .02 less regret after three trials on lcbench (100 trials a prior
task), level on rbv2_xgboost and mindware, and on the embedded portfolio, where tasks tried the same
configs, .14 more after one trial (standard error .10). Nor did it help to take the most sceptical
opinion, to lower opinions by their deviation, or to choose the judge whose lists are better for
tasks left out. One list is one draw: ten or more are needed to see a difference of .02.

Where most prior tasks tried the same configs, these stand in the catalogue beside what the basis
promises: what many trials say of a config no basis says better, and it had dropped most of them.
Fine-tuning of images, one family of image sets held out at a time, all judged alike by trees:
regret after 1 / 3 / 5 / 10 trials .28 / .15 / .15 / .11 instead of .49 / .32 / .24 / .20 (8 image
sets); support vectors on 41 tables left out, .17 / .11 / .07 / .02 instead of .17 / .11 / .09 /
.04. To go by the trials themselves, not by trees that have seen them, was a little worse (.31 /
.18 / .18 / .10 there): the luckiest of many is chosen.

Of very many prior tasks a random sample judges, so that the catalogue stays small.

Shapes: e configs, J judging tasks, n_i trials of task i, d unit columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.meta.data.targets import normal_scores
from autometa.meta.parts.basis import Basis
from autometa.meta.parts.prior import HeadPrior
from autometa.meta.spaces.candidates import Candidates

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesRegressor

_POOL, _BOUNDS = 3000, 0.12  # random candidates; rate of jumps to a bound
_SIZE = 600
_BEST_RECORDED = 20  # of each task
_TREES, _MOST_ROWS = 20, 400
_MOST_JUDGES = 200
_WORST = 2.0  # regret above this counts as this: a diverged run is just bad


@dataclass(frozen=True, kw_only=True, eq=False)
class Catalogue:
    """See the module.

    Args:
        judges: Indices of the prior tasks that judge, (J,).
        unit: Unit configs, (e, d).
        scores: Normal scores that each judge expects of them, (e, J).
        regret: Regret that each judge expects of them, (e, J): 0 = the best trial of the task,
            1 = its median trial, at most 2.
    """

    judges: NDArray[np.int64]
    unit: Floats
    scores: Floats
    regret: Floats


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
    if len(shared := _shared(told)):
        chosen = np.unique(np.concatenate([chosen, _within(make, shared)]), axis=0)
    if make.space.defaults:  # what people run untuned is always asked about
        default = _within(make, make.space.encode(make.space.defaults)[None])
        chosen = np.unique(np.concatenate([default, chosen]), axis=0)
    judged = np.stack([_judge(u, z, s, chosen, rng) for u, z, s in told])  # (J, 2, e)
    return Catalogue(judges=judges, unit=chosen, scores=judged[:, 0].T, regret=judged[:, 1].T)


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
        return replace(old, judges=judges, scores=old.scores[:, kept], regret=old.regret[:, kept])
    told = [(units[i], targets[i], scores[i]) for i in new]
    share = _share(np.concatenate([judges, new]))
    more = _promising(make, basis, prior.heads[new], told, share, rng)
    unit = np.concatenate([old.unit, more])
    known = np.concatenate([old.scores[:, kept], old.regret[:, kept]], axis=1)
    guessed = _grown(old.unit, known, rng).predict(more).reshape(len(more), 2 * len(kept))
    scores_kept, regret_kept = np.split(np.concatenate([known, guessed]), 2, axis=1)
    arriving = np.stack([_judge(u, z, s, unit, rng) for u, z, s in told])  # (J', 2, e)
    return Catalogue(
        judges=np.concatenate([judges, new]),
        unit=unit,
        scores=np.concatenate([scores_kept, arriving[:, 0].T], axis=1),
        regret=np.concatenate([regret_kept, arriving[:, 1].T], axis=1),
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
    best = [_within(make, u[np.argsort(-z)[:_BEST_RECORDED]]) for u, z, _ in told]
    pool = np.concatenate([random, make.touch_bounds(random, rng, _BOUNDS), *best])
    promised = basis(pool) @ heads.T
    chosen = np.argpartition(-promised, min(each, len(pool) - 1), axis=0)[:each]
    result: Floats = pool[np.unique(chosen)]
    return np.unique(result, axis=0) if make.restricted else result


def _shared(told: Sequence[tuple[Floats, Floats, Floats]]) -> Floats:
    """Unit configs that at least half of some tasks have tried, the best on average first."""
    found: dict[bytes, list[float]] = {}
    for unit, target, _ in told:
        once = {row.tobytes(): z for row, z in zip(unit, target.tolist(), strict=True)}
        for row, z in once.items():
            found.setdefault(row, []).append(z)
    least = max(2.0, 0.5 * len(told))
    usual = {row: float(np.mean(z)) for row, z in found.items() if len(z) >= least}
    best = sorted(usual, key=lambda row: -usual[row])[:_SIZE]
    return np.array([np.frombuffer(row) for row in best])


def _within(make: Candidates, unit: Floats) -> Floats:
    """Unit configs (n, d) moved into the part that candidates are made in, where that is one."""
    return make.repair(unit) if make.restricted else unit


def _judge(
    unit: Floats, target: Floats, scores: Floats, asked: Floats, rng: np.random.Generator
) -> Floats:
    """Normal scores and regret that trees on one task's trials expect, (2, e)."""
    rows = _informative(target, rng)
    regret = regrets(scores, target)
    trees = _grown(unit[rows], np.stack([target[rows], regret[rows]], axis=1), rng)
    score, expected = trees.predict(asked).T
    known, first = np.unique(target, return_index=True)
    return np.stack([score, 0.5 * (np.interp(score, known, regret[first]) + expected)])


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


def regrets(scores: Floats, targets: Floats | None = None) -> Floats:
    """Regret of a task's trials within the task, (n,): 0 = the best, 1 = the median, at most 2.

    The median is that of random configs: the lowest trial of a normal score of 0 or more.

    Args:
        scores: Values, higher is better, (n,).
        targets: Their normal scores, in the same order, (n,); by rank among one another by default.
    """
    targets = normal_scores(scores) if targets is None else targets
    above = int(np.searchsorted(np.sort(targets), -1e-9))
    best, middle = scores.max(), np.sort(scores)[min(above, len(scores) - 1)]
    scale = best - middle if best > middle else best - scores.min()
    regret: Floats = np.minimum((best - scores) / scale, _WORST)
    return regret
