"""Suite `pruning`: does a pruner that has seen curves before save epochs, at the same final regret?

LCBench's networks report their validation accuracy after each of 51 epochs. Without pruning a study
has 50 trials, 2,550 epochs; with a pruner it has half of these epochs, for as many trials as they
allow (at most 150). Every pruner runs with a warm and with a cold sampler on the held-out tasks of
suite `lcbench`. The prior of both the sampler and the pruner is all development tasks, each known
through 200 random configs with their curves. Regret is that of the best COMPLETE trial (a pruned
network is no result), in the units of suite `lcbench`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from zlib import crc32

import numpy as np
import optuna
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    SuccessiveHalvingPruner,
)
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import TrialState

from autometa import MetaPruner, MetaSampler
from autometa.bench import suites
from autometa.bench.cell import quiet
from autometa.bench.record_file import mean_interval
from autometa.bench.suite import BenchTask, Split
from autometa.encoding import Floats
from autometa.meta import MetaLearner, MetaModel
from autometa.samplers.asking import suggest
from autometa.threads import one_thread
from autometa_benchmarks.suites.lcbench import EPOCHS, LCBench

NAME = "pruning"
TRIALS, PRIOR_TRIALS = 50, 200
MOST_TRIALS = 150
BUDGET = TRIALS * EPOCHS  # of epochs
WITH_PRUNER = 0.5  # of the budget
SPENT = np.linspace(0.02, 1.0, 50)  # shares of the budget at which the curve of a record is read

MakeSampler: TypeAlias = Callable[[MetaModel, int], BaseSampler]
MakePruner: TypeAlias = Callable[[MetaModel], BasePruner]

SAMPLERS: Mapping[str, MakeSampler] = {
    "autometa": lambda model, seed: MetaSampler(model, seed=seed),
    "cold-tpe": lambda model, seed: TPESampler(seed=seed),
}
PRUNERS: Mapping[str, MakePruner] = {
    "none": lambda model: NopPruner(),
    "median": lambda model: MedianPruner(),
    "successive-halving": lambda model: SuccessiveHalvingPruner(),
    "hyperband": lambda model: HyperbandPruner(max_resource=EPOCHS),
    "learned": MetaPruner,
}
VARIANTS = tuple(f"{sampler}+{pruner}" for sampler in SAMPLERS for pruner in PRUNERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One study: the epochs of each trial, and its final value where it was not pruned."""

    epochs: tuple[int, ...]
    finals: tuple[float | None, ...]

    def regret(self, best: float, middle: float) -> tuple[float, Floats]:
        """Normalised regret at the end, and after the shares `SPENT` of the budget (NaN: none)."""
        spent = np.cumsum(self.epochs)
        values = np.array([-np.inf if f is None else f for f in self.finals])
        regret = (best - np.maximum.accumulate(values)) / (best - middle)
        place = np.searchsorted(spent, SPENT * BUDGET + 1e-9, side="right") - 1
        curve = np.where(place < 0, np.inf, regret[np.maximum(place, 0)])
        return float(regret[-1]), np.where(np.isfinite(curve), curve, np.nan)


def run(
    suite: LCBench,
    models: Mapping[str, MetaModel],
    variant: str,
    tasks: Sequence[BenchTask],
    seed: int,
) -> dict[str, Any]:
    """The record of a variant and a seed: means over the tasks, and each task's own numbers.

    Args:
        suite: Where the tasks come from.
        models: By fold, each fitted on the prior of its fold, see `fit`.
        variant: One of `VARIANTS`.
        tasks: Which tasks.
        seed: Of the sampler.
    """
    sampler, pruner = variant.split("+")
    found: dict[str, dict[str, Any]] = {}
    curves = []
    for task in tasks:
        with quiet(), one_thread():
            model = models[task.fold]
            own = crc32(f"{seed}:{task.name}".encode()) % 2**31
            done = study(
                suite,
                task,
                SAMPLERS[sampler](model, own),
                PRUNERS[pruner](model),
                budget=BUDGET if pruner == "none" else int(WITH_PRUNER * BUDGET),
            )
        reference = suite.reference(task)
        regret, curve = done.regret(reference.best, reference.middle)
        curves.append(curve)
        found[task.name] = {
            "regret": round(regret, 6),
            "epochs": sum(done.epochs) / BUDGET,
            "trials": len(done.finals),
            "pruned": sum(f is None for f in done.finals),
        }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a mean of no task that has a value so early
        mean = np.nanmean(curves, axis=0)
    return {
        "variant": variant,
        "seed": seed,
        "final": {
            part: mean_interval([f[part] for f in found.values()]) for part in ("regret", "epochs")
        },
        "spent": [None if np.isnan(v) else round(float(v), 6) for v in mean],
        "tasks": found,
    }


def study(
    suite: LCBench, task: BenchTask, sampler: BaseSampler, pruner: BasePruner, *, budget: int
) -> Run:
    """Run one study in memory: a network reports each epoch and is asked whether to stop.

    Args:
        suite: Of the task.
        task: What is tuned.
        sampler: Of the study.
        pruner: Of the study.
        budget: Epochs; the last trial that does not fit into it is not run.
    """
    space = task.task.space
    optimised = optuna.create_study(direction=task.task.direction, sampler=sampler, pruner=pruner)
    epochs: list[int] = []
    finals: list[float | None] = []
    while sum(epochs) + EPOCHS <= budget and len(epochs) < MOST_TRIALS:
        trial = optimised.ask()
        curve = suite.curves(task.task, space.to_raw([suggest(trial, space)]))[0]
        for step, value in enumerate(curve.tolist(), start=1):
            trial.report(value, step)
            if step < EPOCHS and trial.should_prune():
                optimised.tell(trial, state=TrialState.PRUNED)
                finals.append(None)
                break
        else:
            optimised.tell(trial, float(curve[-1]))
            finals.append(float(curve[-1]))
        epochs.append(step)
    return Run(epochs=tuple(epochs), finals=tuple(finals))


def fit(suite: LCBench, fold: str, seed: int) -> MetaModel:
    """The model of a fold's prior, curves included."""
    return MetaLearner(seed=seed).fit(suite.prior_with_curves(fold, PRIOR_TRIALS, seed))


def load(data: Path | None) -> LCBench:
    """The suite whose tasks are run.

    Raises:
        InputError: its data are not there.
    """
    loaded = suites.load("lcbench", data)
    assert isinstance(loaded, LCBench)
    return loaded


def facts(split: Split, tasks: Sequence[BenchTask]) -> dict[str, Any]:
    """What stands above the records of a results file."""
    return {
        "about": (__doc__ or "").split("\n")[0],
        "split": split,
        "tasks": [t.name for t in tasks],
        "trials": TRIALS,
        "epochs_of_a_trial": EPOCHS,
        "prior_trials": PRIOR_TRIALS,
        "spent": [round(float(s), 4) for s in SPENT],
    }


def summary(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a variant: means over tasks and seeds, and the regret it adds to no pruning's.

    `added` is the mean over tasks of the difference to the same sampler without pruning, each task
    the mean over its seeds, and `ci95` half the width of its interval.
    """
    regrets: dict[str, dict[str, list[float]]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for variant in VARIANTS:
        tasks = [r["tasks"] for r in content["records"] if r["variant"] == variant]
        if not tasks:
            continue
        regrets[variant] = {n: [t[n]["regret"] for t in tasks] for n in tasks[0]}
        rows[variant] = {
            "variant": variant,
            "seeds": len(tasks),
            **{
                part: float(np.mean([f[part] for t in tasks for f in t.values()]))
                for part in ("regret", "epochs", "trials")
            },
        }
    for variant, row in rows.items():
        base = regrets.get(variant.split("+")[0] + "+none")
        if base is not None:
            added = [np.mean(v) - np.mean(base[n]) for n, v in regrets[variant].items()]
            found = mean_interval([float(a) for a in added])
            row |= {"added": found["mean"], "ci95": found["ci95"]}
    return list(rows.values())
