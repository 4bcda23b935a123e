"""LCBench: networks trained on tables with SGD, by YAHPO Gym's surrogate of the published runs.

Zimmer et al., "Auto-PyTorch Tabular" (2021); Pfisterer et al., "YAHPO Gym" (2022), Apache-2.0. All
34 data sets are asked for the same configs: random ones, and in rounds those of many more random
ones and their neighbours that complement one another best, as evaluating chosen configs everywhere
says more of a start than many more random ones do.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from autometa.bench.data import folder
from autometa.encoding import Floats
from autometa.meta.parts.judges import regrets
from autometa.meta.parts.zero_shot import greedy_portfolio
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory
from autometa_benchmarks.suites.lcbench import LCBench
from autometa_benchmarks.suites.yahpo import Scenario

RANDOM, ROUNDS, A_ROUND, ASKED = 64, 2, 32, 1500
_OWN = {"num_layers": "depth", "max_units": "width", "max_dropout": "dropout"}


class _CrossEntropy(LCBench):
    scenario: ClassVar[Scenario] = replace(LCBench.scenario, output=2, scale=1.0)


class _Balanced(LCBench):
    scenario: ClassVar[Scenario] = replace(LCBench.scenario, output=3)


def space_of(theirs: SearchSpace) -> SearchSpace:
    """The data's space under the names that people use."""
    return SearchSpace(
        {_OWN.get(n, n): d for n, d in theirs.distributions.items()},
        inner_lr="learning_rate",
        name="torch_tabular",
    )


def histories(data: Path | None) -> tuple[TaskHistory, ...]:
    """A task a data set, by accuracy, cross entropy and balanced accuracy."""
    place = folder(data, "yahpo/lcbench")
    suites = LCBench(place), _CrossEntropy(place), _Balanced(place)
    tasks, theirs = [t.task for t in suites[0].tasks], suites[0].space
    rng = np.random.default_rng(0)
    raw = theirs.sample_raw(RANDOM, rng)
    for _ in range(ROUNDS):
        raw = np.concatenate([raw, _complements(suites[0], tasks, raw, rng)])
    space = space_of(theirs)
    found = []
    for task in tasks:
        accuracy, loss, balanced = (s.values(task, raw).round(5) for s in suites)
        found.append(
            TaskHistory(
                task=Task(
                    name=f"lcbench/{task.name}",
                    space=space,
                    direction="maximize",
                    metric="accuracy",
                    family=f"lcbench/{task.family}",
                    metrics={"log_loss": "minimize", "balanced_accuracy": "maximize"},
                    info={"openml_task": task.name},
                ),
                raw=raw,
                values=accuracy,
                metrics={"log_loss": loss[:, None], "balanced_accuracy": balanced[:, None]},
            )
        )
    return tuple(found)


def _complements(
    suite: LCBench, tasks: list[Task], known: Floats, rng: np.random.Generator
) -> Floats:
    """The configs that, after the best known ones, take most regret away, (`A_ROUND`, p)."""
    space = suite.space
    unit = space.encode_raw(known)[rng.integers(len(known), size=ASKED)]
    near = np.clip(unit + rng.normal(scale=0.1, size=unit.shape), 0.0, 1.0)
    asked = np.concatenate([known, space.sample_raw(ASKED, rng), space.decode_raw(near)])
    regret = np.stack([regrets(suite.values(t, asked)) for t in tasks], axis=1)
    equal = np.full(len(tasks), 1.0 / len(tasks))
    order = greedy_portfolio(regret, 4 * A_ROUND, equal)
    return np.asarray(asked[order[order >= len(known)][:A_ROUND]])
