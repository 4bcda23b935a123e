"""Judges: what a prior task makes of configs that others have tried.

Every tree has an opinion of its own, of a bootstrap sample of the trials, and a start makes the
expected regret of the best of its list small over all trees of all tasks (`zero_shot`): what the
mean of a judge's trees hides is how wrong it may be. What a task has tried itself it knows. Mean
difference to one opinion of twenty extremely randomised trees, on development tasks and the same
catalogues, after 1 / 3 / 5 / 10 trials (standard errors over tasks in brackets):

    rbv2_xgboost   .030  -.026  -.030  -.022 (.011 .011 .009 .007)   100 trials a task, 5 draws
    lcbench        .007   .009  -.006   .000 (.007 .005 .005 .005)   100 trials a task, 16 draws
    mindware      -.041  -.002  -.014  -.009 (.013 .009 .008 .006)   all trials, 2 draws
    embedded       .000  -.001   .000  -.002 (.000 .001 .000 .001)   three families, all trials

Whole searches have none of it: on rbv2_xgboost (102 tasks, two draws) -.001 / .027 / .016 / .017
after 3 / 5 / 10 / 20 trials (.020 .016 .014 .014), other changes of these days among it, and test
tasks of public suites point the same way; whether it stays is open.

Half of the gain on rbv2_xgboost is the trees' being apart. Without the task's own trials the
embedded portfolio loses .05 after one trial. Tried and not kept: more trees of one opinion (0);
both kinds side by side (between them on both public suites); the first config by the mean of both
(-.012 (.004), -.014 (.005), .010 (.007) on the first three after one trial, nothing later); trees
that see what the shared basis expects of a config, alone or with three directions in which heads
differ (lcbench, four draws, -.021 (.019) and -.005 (.017) after three), or what a forest of the
other tasks expects (.002 (.016)).

A normal score says which config is better, not by how much, and the start is to make regret small
in the task's own metric. The trees therefore learn both, and what a start goes by is the mean of
two readings: the regret at the expected normal score, which sees differences among good configs,
and the expected regret, which sees what diverges. Either alone was worse on public benchmarks: the
first by a tenth after three trials, and by far where runs diverge, the second after one trial.

A Gaussian process of all prior tasks (what they share, and what is a task's own) expects trials
that were left out far better than trees do, and yet makes no better lists in all. The mean of
both, on development tasks: about .02 less regret after three trials on lcbench (100 trials a prior
task), level on rbv2_xgboost and mindware, and on the embedded portfolio .14 more after one trial
(standard error .10). Nor did it help to take the most sceptical opinion, to lower opinions by their
deviation, or to choose the judge whose lists are better for tasks left out. One list is one draw:
ten or more are needed to see a difference of .02.

Shapes: e configs, n trials of a task, d unit columns, K trees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.meta.data.targets import normal_scores

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestRegressor

_MOST_ROWS = 400  # that a task's trees learn from
_WORST = 2.0  # regret above this counts as this: a diverged run is just bad
_DIGITS = 9  # to which unit configs are the same
_FINE = 127.5  # steps of a regret of 1: opinions are kept as whole numbers up to 255


def in_steps(regret: Floats) -> NDArray[np.uint8]:
    """Regret as opinions are kept."""
    return np.rint(np.clip(regret, 0.0, _WORST) * _FINE).astype(np.uint8)


def of_steps(opinions: NDArray[Any]) -> Floats:
    """Regret as opinions, or means of them, say it."""
    regret: Floats = opinions / _FINE
    return regret


def judged(
    told: Sequence[tuple[Floats, Floats, Floats]],
    asked: Floats,
    trees: int,
    rng: np.random.Generator,
) -> tuple[Floats, NDArray[np.uint8]]:
    """Normal scores (e, J) and opinions (e, J, K) of some tasks on unit configs (e, d)."""
    found = [_judge(u, z, s, asked, trees, rng) for u, z, s in told]
    return np.stack([f[0] for f in found], axis=1), np.stack([f[1] for f in found], axis=1)


def _judge(
    unit: Floats,
    target: Floats,
    scores: Floats,
    asked: Floats,
    trees: int,
    rng: np.random.Generator,
) -> tuple[Floats, NDArray[np.uint8]]:
    """Normal scores (e,) and opinions (e, K) that K trees on one task's trials expect."""
    rows = _informative(target, rng)
    regret = regrets(scores, target)
    learned = np.stack([target, regret], axis=1)
    grown = forest(unit[rows], learned[rows], trees, rng)
    score, expected = np.stack([tree.predict(asked) for tree in grown.estimators_]).T
    own, tried = _tried(unit, learned, asked)
    score[tried], expected[tried] = own[:, :1], own[:, 1:]
    known, first = np.unique(target, return_index=True)
    at_score = np.interp(score, known, regret[first])
    return score.mean(axis=1), in_steps(0.5 * (at_score + expected))


def forest(
    unit: Floats, target: Floats, trees: int, rng: np.random.Generator
) -> RandomForestRegressor:
    """Trees that have each learned a target (n, k) of unit configs (n, d) from other trials."""
    from sklearn.ensemble import RandomForestRegressor

    grown = RandomForestRegressor(trees, random_state=int(rng.integers(2**31)), n_jobs=1)
    return grown.fit(unit, target)


def _tried(unit: Floats, learned: Floats, asked: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """What a task's trials have found, (t, 2), at those of some configs that they tried, (t,)."""
    rows, place, count = np.unique(
        unit.round(_DIGITS) + 0.0, axis=0, return_inverse=True, return_counts=True
    )
    found = np.zeros((len(rows), learned.shape[1]))
    np.add.at(found, place.ravel(), learned)
    known = {row.tobytes(): mean for row, mean in zip(rows, found / count[:, None], strict=True)}
    keys = [row.tobytes() for row in asked.round(_DIGITS) + 0.0]
    tried = [i for i, key in enumerate(keys) if key in known]
    own = np.array([known[keys[i]] for i in tried]).reshape(len(tried), learned.shape[1])
    return own, np.array(tried, dtype=np.int64)


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
