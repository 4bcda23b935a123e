"""Searches for two objectives, method beside method, and what they miss of the hypervolume."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any
from zlib import crc32

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from scipy.stats import rankdata

from autometa.bench.compare import pair
from autometa.bench.provenance import commit, versions
from autometa.bench.suite import BenchTask, Split
from autometa.meta.front_model import FrontModel
from autometa.priors.knowing import Wish
from autometa.priors.several import learned_of
from autometa.samplers.asking import suggest
from autometa.samplers.sampler import MetaSampler
from autometa.storages.studies import verbosity
from autometa_benchmarks.several.problems import DIRECTIONS, METRICS, Several

CHECKPOINTS = (1, 3, 5, 10, 20, 30, 60)
OURS, COLD = "autometa", ("tpe", "nsga2", "gp")
Make = Callable[[FrontModel, int], BaseSampler]


def _gp(_: FrontModel, seed: int) -> BaseSampler:
    return optuna.samplers.GPSampler(seed=seed, deterministic_objective=False)


METHODS: Mapping[str, Make] = {
    OURS: lambda model, seed: MetaSampler(model, seed=seed),
    "tpe": lambda _, seed: optuna.samplers.TPESampler(seed=seed),
    "nsga2": lambda _, seed: optuna.samplers.NSGAIISampler(seed=seed),
    "gp": _gp,
    "random": lambda _, seed: optuna.samplers.RandomSampler(seed=seed),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One search.

    Args:
        problem, task, method, seed: Which.
        regret: Hypervolume regret at the checkpoints.
        seconds: Of all suggestions.
        commit: What ran it.
    """

    problem: str
    task: str
    method: str
    seed: int
    regret: tuple[float, ...]
    seconds: float
    commit: str

    @property
    def key(self) -> tuple[str, str, str, int]:
        """Which search it is."""
        return self.problem, self.task, self.method, self.seed


def measure(
    problems: Sequence[Several],
    *,
    methods: Mapping[str, Make] = METHODS,
    split: Split = "test",
    evaluations: int = 100,
    seeds: int = 1,
    trials: int = CHECKPOINTS[-1],
    most: int | None = None,
    done: Sequence[Cell] = (),
) -> Iterator[Cell]:
    """Every search that is not done yet.

    Args:
        problems: What is searched.
        methods: By name.
        split: Whose tasks are searched.
        evaluations: Random trials of a prior task.
        seeds: How many: 0, 1, ...
        trials: Of a search.
        most: Tasks of a fold, at most.
        done: Searches that are finished.
    """
    finished = {cell.key for cell in done}
    for problem in problems:
        for fold, tasks in problem.folds(split):
            learned = cache(lambda p=problem, f=fold: _learned(p, f, evaluations))
            for task in tasks[:most]:
                for seed in range(seeds):
                    for name, make in methods.items():
                        if (problem.name, task.name, name, seed) not in finished:
                            yield _cell(problem, task, name, make, learned(), seed, trials)


def _learned(problem: Several, fold: str, evaluations: int) -> FrontModel:
    model = learned_of(problem.prior(fold, evaluations), Wish(), METRICS, 0)
    assert isinstance(model, FrontModel)
    return model


def _cell(
    problem: Several,
    task: BenchTask,
    name: str,
    make: Make,
    model: FrontModel,
    seed: int,
    trials: int,
) -> Cell:
    scores, seconds = [], 0.0
    with verbosity(optuna.logging.ERROR), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = make(model, crc32(f"{seed}:{task.name}".encode()) % 2**31)
        study = optuna.create_study(directions=DIRECTIONS, sampler=sampler)
        for _ in range(trials):
            begin = perf_counter()
            trial = study.ask()
            config = suggest(trial, problem.suite.space)
            seconds += perf_counter() - begin
            found = problem.values(task, problem.suite.space.to_raw([config]))[0]
            study.tell(trial, found.tolist())
            scores.append(found * (1.0, -1.0))
    after = [k for k in CHECKPOINTS if k <= trials]
    return Cell(
        problem=problem.name,
        task=task.name,
        method=name,
        seed=seed,
        regret=tuple(round(r, 6) for r in problem.scale(task).regret(np.array(scores), after)),
        seconds=round(seconds, 3),
        commit=commit(),
    )


def summary(
    cells: Sequence[Cell],
    reference: str = OURS,
    checkpoints: Sequence[float] = CHECKPOINTS,
    **facts: Any,
) -> dict[str, Any]:
    """Means, medians and ranks of the methods, and each beside the reference, task by task.

    Args:
        cells: Of one suite.
        reference: The method that the others are paired with.
        checkpoints: Of the cells.
        **facts: Further entries, such as the split.
    """
    methods = list(dict.fromkeys(c.method for c in cells))
    means = {m: _by_task([c for c in cells if c.method == m]) for m in methods}
    tasks = sorted(set.intersection(*(set(found) for found in means.values())))
    table = {m: np.array([means[m][t] for t in tasks]) for m in methods}
    ranks = rankdata([table[m] for m in methods], axis=0, method="average")  # of ties the mean
    return {
        "commits": sorted({c.commit for c in cells}),
        "versions": versions(),
        **facts,
        "seeds": sorted({c.seed for c in cells}),
        "problems": dict(Counter(problem for problem, _ in tasks)),
        "checkpoints": tuple(checkpoints[: table[methods[0]].shape[1]]),
        "tasks": len(tasks),
        "methods": {
            m: {
                "mean": table[m].mean(axis=0).round(5).tolist(),
                "median": np.median(table[m], axis=0).round(5).tolist(),
                "rank": ranks[i].mean(axis=0).round(3).tolist(),
            }
            for i, m in enumerate(methods)
        },
        "pairs": {
            m: pair(table[reference], table[m], tie=0.005)
            for m in methods
            if m != reference and reference in methods
        },
    }


def _by_task(cells: Sequence[Cell]) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for cell in cells:
        found.setdefault((cell.problem, cell.task), []).append(cell.regret)
    return {key: np.mean(rows, axis=0) for key, rows in found.items()}


def read_cells(path: Path) -> list[Cell]:
    """Finished searches of a journal, a JSON line each; none where there is no file."""
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
    return [
        Cell(**{"commit": "unknown", **row, "regret": tuple(row["regret"])}) for row in rows
    ]  # journals of before do not say what ran them


def write_cell(path: Path, cell: Cell) -> None:
    """Add a search to a journal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(asdict(cell)) + "\n")
