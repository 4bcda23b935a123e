from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from autometa.bench.cell import run_cell
from autometa.bench.method import Start
from autometa.bench.suite import BenchTask, Pool
from autometa.bench.suites.synthetic import SPACE, Synthetic
from autometa.meta import MetaLearner
from autometa.portfolio import Portfolio
from autometa.samplers.sampler import MetaSampler
from autometa.space import Config
from autometa.task import Task


def pool_of(suite: Synthetic, n: int) -> tuple[BenchTask, Pool]:
    task = suite.tasks[0]
    history = suite.history(task, n, 0)
    return task, Pool(raw=history.raw, values=history.values)


@pytest.mark.parametrize("make", [RandomSampler, TPESampler])
def test_every_config_of_the_pool_is_evaluated_once(
    suite: Synthetic, make: type[BaseSampler]
) -> None:
    task, pool = pool_of(suite, 15)
    outcome = run_cell(
        lambda task, seed: Start(sampler=make(seed=seed)),  # type: ignore[call-arg]
        task,
        pool,
        seed=0,
        trials=40,
    )
    assert sorted(v for v in outcome.values if v is not None) == sorted(pool.values)


def test_enqueued_configs_are_the_nearest_of_the_pool(suite: Synthetic) -> None:
    task, pool = pool_of(suite, 15)
    wanted = SPACE.from_raw(pool.raw[[7, 3, 7]])
    outcome = run_cell(
        lambda task, seed: Start(sampler=RandomSampler(seed=seed), enqueue=tuple(wanted)),
        task,
        pool,
        seed=0,
        trials=5,
    )
    assert outcome.values[:2] == (pool.values[7], pool.values[3])
    assert outcome.values[2] != pool.values[7]  # taken: the next nearest stands for it


def test_a_failed_config_of_the_pool_is_a_failed_trial(suite: Synthetic) -> None:
    task, pool = pool_of(suite, 4)
    broken = Pool(raw=pool.raw, values=np.where(np.arange(4) == 1, np.nan, pool.values))
    outcome = run_cell(
        lambda task, seed: Start(sampler=TPESampler(seed=seed)), task, broken, seed=0, trials=4
    )
    assert outcome.values.count(None) == 1


def test_a_method_may_be_told_the_pool(suite: Synthetic) -> None:
    """And then nothing has to be moved: what autometa proposes is what is evaluated."""
    task, pool = pool_of(suite, 6)
    told: list[Config] = []
    model = MetaLearner(seed=0).fit(Portfolio(), space=task.task.space)

    def within(configs: Sequence[Config]) -> BaseSampler:
        told.extend(configs)
        return MetaSampler(model, seed=0, pool=configs)

    def start(task: Task, seed: int) -> Start:
        return Start(sampler=RandomSampler(seed=seed), within=within)

    outcome = run_cell(start, task, pool, seed=0, trials=6)
    assert len(told) == 6
    assert sorted(v for v in outcome.values if v is not None) == sorted(pool.values)
