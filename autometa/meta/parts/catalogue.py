"""Catalogue: the configs that were best on some prior task, and what each prior task makes of them.

The zero-shot start chooses from it, and so does the acquisition. Two readings of a prior task stand
side by side here on purpose. The shared basis picks the candidates, as it generalises between
tasks. But it is sure of itself far from any trial, and a start that trusts it tries such configs
first; so the judgement of a candidate is left to regression trees on the task's own trials, which
never promise more than was seen. On two public benchmarks the trees' start had a quarter less
regret after three to ten trials than the basis's. What they make of a config, `judges` says.

Where most prior tasks tried the same configs, these stand in the catalogue beside what the basis
promises: what many trials say of a config no basis says better, and it had dropped most of them.
Fine-tuning of images, one family of image sets held out at a time, all judged alike by trees:
regret after 1 / 3 / 5 / 10 trials .28 / .15 / .15 / .11 instead of .49 / .32 / .24 / .20 (8 image
sets); support vectors on 41 tables left out, .17 / .11 / .07 / .02 instead of .17 / .11 / .09 /
.04. To go by the trials themselves, not by trees that have seen them, was a little worse (.31 /
.18 / .18 / .10 there): the luckiest of many is chosen.

Where prior tasks failed more often than not the basis has seen few values and may promise anything:
new configs from there are no candidates, only what some task has tried.

Of very many prior tasks a random sample judges, so that the catalogue stays small.

Shapes: e configs, J judging tasks, n_i trials of task i, d unit columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.meta.parts.basis import Basis
from autometa.meta.parts.feasibility import FailureRate
from autometa.meta.parts.judges import grown, judged
from autometa.meta.parts.prior import HeadPrior
from autometa.meta.spaces.candidates import Candidates

_POOL, _BOUNDS = 3000, 0.12  # random candidates; rate of jumps to a bound
_SIZE = 600
_BEST_RECORDED = 20  # of each task
_LIKELY = 0.5  # chance of failure above which a config that no task has tried is no candidate
_MOST_JUDGES = 200


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
    failure: FailureRate,
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
        failure: Where prior tasks failed.
        rng: Source of random candidates and of the trees.
    """
    judges = np.sort(rng.permutation(len(units))[:_MOST_JUDGES])
    told = [(units[i], targets[i], scores[i]) for i in judges]
    chosen = _promising(make, basis, prior.heads[judges], told, _share(judges), failure, rng)
    if len(shared := _shared(told)):
        chosen = np.unique(np.concatenate([chosen, _within(make, shared)]), axis=0)
    if make.space.defaults:  # what people run untuned is always asked about
        default = _within(make, make.space.encode(make.space.defaults)[None])
        chosen = np.unique(np.concatenate([default, chosen]), axis=0)
    expected, regret = judged(told, chosen, rng)
    return Catalogue(judges=judges, unit=chosen, scores=expected, regret=regret)


def extend_catalogue(
    old: Catalogue,
    same: Mapping[int, int],
    make: Candidates,
    basis: Basis,
    prior: HeadPrior,
    units: Sequence[Floats],
    targets: Sequence[Floats],
    scores: Sequence[Floats],
    failure: FailureRate,
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
        failure: Where all tasks failed.
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
    more = _promising(make, basis, prior.heads[new], told, share, failure, rng)
    unit = np.concatenate([old.unit, more])
    known = np.concatenate([old.scores[:, kept], old.regret[:, kept]], axis=1)
    guessed = grown(old.unit, known, rng).predict(more).reshape(len(more), 2 * len(kept))
    scores_kept, regret_kept = np.split(np.concatenate([known, guessed]), 2, axis=1)
    expected, regret = judged(told, unit, rng)
    return Catalogue(
        judges=np.concatenate([judges, new]),
        unit=unit,
        scores=np.concatenate([scores_kept, expected], axis=1),
        regret=np.concatenate([regret_kept, regret], axis=1),
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
    failure: FailureRate,
    rng: np.random.Generator,
) -> Floats:
    """Unit configs of which the basis promises most to each of some tasks, `each` of a task."""
    random = make.random(_POOL, rng)
    untried = np.concatenate([random, make.touch_bounds(random, rng, _BOUNDS)])
    best = [_within(make, u[np.argsort(-z)[:_BEST_RECORDED]]) for u, z, _ in told]
    pool = np.concatenate([untried, *best])
    features = basis(pool)
    sound = failure(features) <= _LIKELY
    sound[len(untried) :] = True
    pool, promised = pool[sound], features[sound] @ heads.T
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
