"""Searches against a simulated clock: regret after shares of a budget of seconds.

A surrogate says how long each config would have taken; that is what a trial is said to have taken.
The budget is that of 30 random configs' mean. Regret is the suite's own, of accuracy alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from zlib import crc32

import numpy as np
import optuna
from optuna.samplers import BaseSampler

from autometa.bench.provenance import commit
from autometa.bench.suite import BenchTask, Split
from autometa.meta.cost_model import CostModel
from autometa.priors.cost import cost_model_of
from autometa.priors.knowing import Wish
from autometa.samplers.asking import suggest
from autometa.samplers.sampler import MetaSampler
from autometa.storages.attributes import SECONDS
from autometa.storages.studies import verbosity
from autometa_benchmarks.several.measuring import Cell
from autometa_benchmarks.several.problems import Several

SHARES = (0.1, 0.3, 1.0)
MEAN_TRIALS, MOST_TRIALS = 30, 60
_RANDOM = 2_000
Make = Callable[[CostModel, int], BaseSampler]

METHODS: Mapping[str, Make] = {
    "autometa": lambda model, seed: MetaSampler(model, seed=seed),
    "cost-blind": lambda model, seed: MetaSampler(model.quality, seed=seed),
    "tpe": lambda _, seed: optuna.samplers.TPESampler(seed=seed),
}


def measure_seconds(
    problems: Sequence[Several],
    *,
    methods: Mapping[str, Make] = METHODS,
    split: Split = "test",
    evaluations: int = 100,
    seeds: int = 1,
    most: int | None = None,
    done: Sequence[Cell] = (),
) -> Iterator[Cell]:
    """Every search that is not done yet; arguments as of `measuring.measure`."""
    finished = {cell.key for cell in done}
    for problem in problems:
        for fold, tasks in problem.folds(split):
            learned = cache(
                lambda p=problem, f=fold: cost_model_of(p.timed_prior(f, evaluations), Wish(), 0)
            )
            for task in tasks[:most]:
                for seed in range(seeds):
                    for name, make in methods.items():
                        if (problem.name, task.name, name, seed) not in finished:
                            yield _cell(problem, task, name, make, learned(), seed)


def _cell(
    problem: Several, task: BenchTask, name: str, make: Make, model: CostModel, seed: int
) -> Cell:
    rng = np.random.default_rng([crc32(task.name.encode()), 3])
    random = problem.values(task, problem.suite.space.sample_raw(_RANDOM, rng))
    budget = MEAN_TRIALS * float((10.0 ** random[:, 1]).mean())
    spent = 0.0
    clock: list[float] = []
    best: list[float] = []
    with verbosity(optuna.logging.ERROR), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = make(model, crc32(f"{seed}:{task.name}".encode()) % 2**31)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        while spent < budget and len(best) < MOST_TRIALS:
            trial = study.ask()
            config = suggest(trial, problem.suite.space)
            found, log_time = problem.values(task, problem.suite.space.to_raw([config]))[0]
            trial.set_user_attr(SECONDS, float(10.0**log_time))
            study.tell(trial, float(found))
            spent += 10.0**log_time
            clock.append(spent)
            best.append(max([float(found), *best[-1:]]))
    known = problem.suite.reference(task)
    # Before the first trial is done there is nothing but a random config's median.
    regret = [
        (known.best - max([known.middle, *np.array(best)[np.array(clock) <= share * budget]]))
        / (known.best - known.middle)
        for share in SHARES
    ]
    return Cell(
        problem=problem.name,
        task=task.name,
        method=name,
        seed=seed,
        regret=tuple(round(float(r), 6) for r in regret),
        seconds=round(spent / budget, 3),
        commit=commit(),
    )
