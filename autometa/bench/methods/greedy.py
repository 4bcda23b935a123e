"""Greedy portfolios, alone and as the first three trials of a cold sampler.

The list minimises the mean over prior tasks of the best regret reached, one config after another
(submodular greedy; Wistuba et al., "Sequential model-free hyperparameter tuning", 2015; Feurer et
al., "Auto-sklearn 2.0", 2022). Prior tasks need not share configs: what a task did not evaluate
is predicted by trees on what it did.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler

from autometa.bench.method import Method, Prepare, Start, Starter
from autometa.encoding import Floats
from autometa.meta.parts.judges import regrets
from autometa.portfolio import Portfolio
from autometa.space import Config, SearchSpace
from autometa.task import Task

_LENGTH = 100
_BEST = 20  # of each prior task stand as candidates
_WORST = 2.0  # what `regrets` gives at most
_TREES = 40
_FIRST = 3


def greedy_configs(portfolio: Portfolio, space: SearchSpace, seed: int) -> tuple[Config, ...]:
    """At most 100 configs, in the order to try them; fewer once none promises any gain."""
    return _greedy(portfolio, space, seed)


@lru_cache(maxsize=2)  # several methods of one run begin with the same list
def _greedy(portfolio: Portfolio, space: SearchSpace, seed: int) -> tuple[Config, ...]:
    histories = [h.take(h.complete) for h in portfolio.histories]
    histories = [h for h in histories if len(h) and np.ptp(h.scores) > 0]
    if not histories:
        return ()
    found = [regrets(h.scores) for h in histories]
    pool = np.concatenate(
        [h.raw[np.argsort(r)[:_BEST]] for h, r in zip(histories, found, strict=True)]
    )
    units = space.encode_raw(pool)
    predicted = np.stack(
        [
            _predict(space.encode_raw(h.raw), r, units, seed)
            for h, r in zip(histories, found, strict=True)
        ],
        axis=1,
    )
    return tuple(space.from_raw(pool[_chosen(predicted)]))


def _predict(unit: Floats, regret: Floats, asked: Floats, seed: int) -> Floats:
    """Regret of the asked configs on one task; exact for those that it evaluated."""
    from sklearn.ensemble import ExtraTreesRegressor

    trees = ExtraTreesRegressor(_TREES, random_state=seed, n_jobs=1).fit(unit, regret)
    predicted: Floats = trees.predict(asked)
    return predicted


def _chosen(regret: Floats) -> list[int]:
    """Greedy order of the rows of a regret matrix (configs, tasks)."""
    chosen: list[int] = []
    reached = np.full(regret.shape[1], _WORST)
    while len(chosen) < min(_LENGTH, len(regret)):
        gain = np.maximum(reached - regret, 0.0).mean(axis=1)
        best = int(gain.argmax())
        if gain[best] <= 1e-9:
            break
        chosen.append(best)
        reached = np.minimum(reached, regret[best])
    return chosen


def _then(make: Callable[[int], BaseSampler], first: int | None) -> Prepare:
    def prepare(portfolio: Portfolio, space: SearchSpace, seed: int) -> Starter:
        configs = greedy_configs(portfolio, space, seed)[:first]

        def start(task: Task, seed: int) -> Start:
            return Start(sampler=make(seed), enqueue=configs)

        return start

    return prepare


GREEDY_PORTFOLIO = Method(
    name="greedy-portfolio",
    about="a static list, greedy over the prior tasks; random configs once it is used up",
    prepare=_then(lambda seed: RandomSampler(seed=seed), None),
)
ENQUEUE3_TPE = Method(
    name="enqueue3-tpe",
    about="the first three configs of the greedy portfolio, then Optuna's TPESampler",
    prepare=_then(lambda seed: TPESampler(seed=seed), _FIRST),
)
ENQUEUE3_GP = Method(
    name="enqueue3-gp",
    about="the first three configs of the greedy portfolio, then Optuna's GPSampler",
    prepare=_then(lambda seed: GPSampler(seed=seed), _FIRST),
    needs=("torch",),
)
