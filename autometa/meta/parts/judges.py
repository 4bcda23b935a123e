"""Judges: what a prior task makes of configs that others have tried.

Extremely randomised trees (Geurts et al., 2006) on the task's own trials: where it tried a config
they know what it found, between configs they never promise more than was seen.

A normal score says which config is better, not by how much, and the start is to make regret small
in the task's own metric. The trees therefore learn both, and what a start goes by is the mean of
two readings: the regret at the expected normal score, which sees differences among good configs,
and the expected regret, which sees what diverges. Either alone was worse on public benchmarks: the
first by a tenth after three trials, and by far where runs diverge, the second after one trial.

An opinion for every tree of a random forest, a start being good in the mean over all of them, was
kept for a while: its lists were better on rbv2_xgboost and mindware. Whole searches say no. What it
added to the regret after 1 / 3 / 5 / 10 / 20 / 30 trials, development tasks, 100 trials a prior
task, everything else alike (standard errors over tasks in brackets):

    rbv2_xgboost  -.007  .009  .013  .000 -.002        (.004 .017 .015 .010 .008)   102 x 3 seeds
    lcbench       -.001  .023  .013  .003  .007  .012  (.016 .017 .010 .011 .007 .004)  23 x 8 seeds

Test tasks, looked at after that was decided, do not agree: with one opinion lcbench has .025 (.069
with all trials) less regret after one trial, rbv2_xgboost with 100 trials .079 and .028 more after
one and three, mindware .011 (.011) more after ten, and all else is level.

The trees' lists alone on the same catalogues (draws: 5, 16, 2, 1):

    rbv2_xgboost   .030 -.026 -.030 -.022    (.011 .011 .009 .007)
    lcbench        .007  .009 -.006  .000    (.007 .005 .005 .005)
    mindware      -.041 -.002 -.014 -.009    (.013 .009 .008 .006)   all trials
    embedded       .000 -.001  .000 -.002    (.000 .001 .000 .001)   three families, all trials

Tried as well and not kept, of lists: both kinds side by side; the first config by the mean of both
(-.012 (.004), -.014 (.005), .010 (.007) on the first three after one trial, nothing later); more
trees; trees that see what the shared basis expects of a config, alone or with three directions in
which heads differ (lcbench, four draws, -.021 (.019) and -.005 (.017) after three), or what a
forest of the other tasks expects (.002 (.016)).

A Gaussian process of all prior tasks (what they share, and what is a task's own) expects trials
that were left out far better than trees do, and yet makes no better lists in all. The mean of
both, on development tasks: about .02 less regret after three trials on lcbench (100 trials a prior
task), level on rbv2_xgboost and mindware, and on the embedded portfolio .14 more after one trial
(standard error .10). A process a task where tasks have 2,000 trials (lcbench, 23 development tasks,
six draws; its 600 most telling trials, one learned kernel) knows regrets below a half better (error
.13, trees .17) and its own favourite is no better (true regret .11, trees .10): lists .015 (.023),
.012 (.013), -.015 (.010), -.014 (.008) after 1 / 3 / 5 / 10 trials; the mean of process and trees,
eight draws from the process instead of its mean, 300 or 1,200 trials, less noise: level with that.
Nor did it help to take the most sceptical opinion, to lower opinions by their
deviation, or to choose the judge whose lists are better for tasks left out. One list is one draw:
ten or more are needed to see a difference of .02.

Shapes: e configs, n trials of a task, d unit columns, J tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.meta.data.targets import normal_scores

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesRegressor

_TREES, _MOST_ROWS = 20, 400  # of a task, and trials that they learn from
_WORST = 2.0  # regret above this counts as this: a diverged run is just bad


def judged(
    told: Sequence[tuple[Floats, Floats, Floats]], asked: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Normal scores and regret, (e, J) each, that some tasks expect of unit configs (e, d)."""
    found = np.stack([_judge(u, z, s, asked, rng) for u, z, s in told])  # (J, 2, e)
    return found[:, 0].T, found[:, 1].T


def _judge(
    unit: Floats, target: Floats, scores: Floats, asked: Floats, rng: np.random.Generator
) -> Floats:
    """Normal scores and regret that trees on one task's trials expect, (2, e)."""
    rows = _informative(target, rng)
    regret = regrets(scores, target)
    trees = grown(unit[rows], np.stack([target[rows], regret[rows]], axis=1), rng)
    score, expected = trees.predict(asked).T
    known, first = np.unique(target, return_index=True)
    return np.stack([score, 0.5 * (np.interp(score, known, regret[first]) + expected)])


def grown(unit: Floats, target: Floats, rng: np.random.Generator) -> ExtraTreesRegressor:
    """Trees that have learned a target (n,), or several (n, k), of unit configs (n, d)."""
    from sklearn.ensemble import ExtraTreesRegressor

    trees = ExtraTreesRegressor(_TREES, random_state=int(rng.integers(2**31)), n_jobs=1)
    # Splits are often ties, which rounding errors of the metric's unit must not decide.
    return trees.fit(unit, target.astype(np.float32))


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
