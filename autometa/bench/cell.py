"""One cell of a comparison: one method on one task with one seed, trial by trial."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from zlib import crc32

import optuna
from optuna.trial import TrialState

from autometa.bench.method import Start, Starter
from autometa.bench.pool import PoolSampler
from autometa.bench.suite import BenchTask, Objective, Pool
from autometa.samplers.asking import suggest
from autometa.space import Config
from autometa.storages.studies import verbosity
from autometa.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a cell measured.

    Args:
        values: The objective, trial by trial; None where it failed.
        configs: What was evaluated, trial by trial.
        milliseconds: Time of each suggestion: ask, suggest and the sampler's part of tell.
        note: From the method.
    """

    values: tuple[float | None, ...]
    configs: tuple[Config, ...]
    milliseconds: tuple[float, ...]
    note: str


def run_cell(
    starter: Starter,
    task: BenchTask,
    objective: Objective,
    *,
    seed: int,
    trials: int,
    given: Sequence[Config | int] = (),
) -> Outcome:
    """Run one study in memory.

    Args:
        starter: Of the method.
        task: What is tuned.
        objective: How configs are evaluated.
        seed: Together with the task's target it seeds the sampler: tasks differ, methods do not.
        trials: How many, or as many as the pool holds.
        given: The first of them (`Suite.given`), before what the method enqueues.
    """
    with quiet():
        start = starter(task.task, crc32(f"{seed}:{task.target or task.name}".encode()) % 2**31)
        return _run(start, task.task, objective, trials, given)


def _run(
    start: Start,
    task: Task,
    objective: Objective,
    trials: int,
    given: Sequence[Config | int],
) -> Outcome:
    sampler, first = start.sampler, [*given, *start.enqueue][:trials]
    if isinstance(objective, Pool):
        if start.within is not None:
            sampler = start.within(task.space.from_raw(objective.raw))
        sampler = pooled = PoolSampler(sampler, task.space, objective)
        queue = pooled.reserve(first)
        trials = min(trials, len(objective.values))
        evaluate = _value_of(pooled)
    else:
        queue = [config for config in first if not isinstance(config, int)]
        evaluate = objective
    study = optuna.create_study(direction=task.direction, sampler=sampler)
    for config in queue:
        study.enqueue_trial(config)
    values: list[float | None] = []
    configs: list[Config] = []
    milliseconds: list[float] = []
    for _ in range(trials):
        begin = perf_counter()
        trial = study.ask()
        config = suggest(trial, task.space)
        asked = perf_counter()
        value = evaluate(config)
        evaluated = perf_counter()
        if value is None:
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, value)
        milliseconds.append(1000 * (perf_counter() - evaluated + asked - begin))
        values.append(value)
        configs.append(config)
    return Outcome(
        values=tuple(values),
        configs=tuple(configs),
        milliseconds=tuple(milliseconds),
        note=start.note,
    )


def _value_of(pooled: PoolSampler) -> Callable[[Config], float | None]:
    return lambda config: pooled.value


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna's log lines and warnings are left out while a cell runs, and come back after it."""
    with verbosity(optuna.logging.ERROR), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
