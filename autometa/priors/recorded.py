"""The first configs for a search of which nothing is known yet but its family: no fit, no names.

Recorded configs, in the family's own names, ordered by what one forest over all tasks' trials
expects of them: the mean regret within a task. Nobody knows yet which parameters the study will ask
for, and what it does not ask for stays at the library's default. So a config is judged by what is
left of it when random halves of its parameters stand at their defaults: a slow learning rate that
needs two thousand trees is no start for a study that has a hundred.

Shapes: n trials of all tasks, k configs, m halves, d unit columns.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from autometa.encoding import Floats
from autometa.meta.parts.judges import regrets
from autometa.meta.spaces.candidates import Candidates
from autometa.meta.spaces.study_space import StudySpace
from autometa.portfolio import Portfolio
from autometa.space import Config, SearchSpace, Value
from autometa.task import State

_HALVES, _TREES, _LEAF = 12, 60, 3
_MOST = 300  # configs that are judged


def recorded_start(
    portfolio: Portfolio, n: int, fixed: Mapping[str, Value] | None = None
) -> list[Config]:
    """At most n configs, the best first; of the space that most tasks have.

    Args:
        portfolio: Tasks of a family.
        n: How many.
        fixed: The family's own parameters that have one value: all configs have it.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    if not portfolio.spaces:
        return []
    space = max(portfolio.spaces, key=lambda s: sum(t.space == s for t in portfolio.tasks))
    units, regret = [], []
    for history in portfolio.histories:
        done = (history.states == State.COMPLETE) & np.isfinite(history.values)
        if history.task.space == space and done.sum() > 1:
            units.append(space.encode_raw(history.raw[done]))
            regret.append(regrets(history.scores[done]))
    if not units:
        return []
    unit, target = np.concatenate(units), np.concatenate(regret)
    trees = ExtraTreesRegressor(_TREES, min_samples_leaf=_LEAF, random_state=0, n_jobs=1)
    trees.fit(unit, target)
    make = Candidates(space, StudySpace(space).holding(fixed or {}).part)
    configs = np.unique(make.repair(np.unique(unit, axis=0)), axis=0)
    configs = configs[np.argsort(trees.predict(configs), kind="stable")[:_MOST]]
    left = np.concatenate([configs, *_halves(space, make, configs)])
    expected = trees.predict(left).reshape(-1, len(configs)).mean(axis=0)
    chosen = configs[np.argsort(expected, kind="stable")[:n]]
    return space.from_raw(space.decode_raw(chosen))


def _halves(space: SearchSpace, make: Candidates, configs: Floats) -> list[Floats]:
    """The configs (k, d) with random halves of their parameters at the defaults, m times."""
    if not space.defaults:
        return []
    default = space.encode(space.defaults)
    rng = np.random.default_rng(0)
    result = []
    for _ in range(_HALVES):
        mixed = configs.copy()
        for name, columns in space.slices.items():
            if name in space.defaults and rng.random() < 0.5:
                mixed[:, columns] = default[columns]
        result.append(make.repair(mixed))
    return result
