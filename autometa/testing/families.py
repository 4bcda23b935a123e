"""Synthetic families of related tasks, made in microseconds and known in every detail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.encoding import Floats
from autometa.portfolio import Portfolio
from autometa.space import Config, SearchSpace
from autometa.task import Direction, Task, TaskHistory


def bowl_space() -> SearchSpace:
    """A small space with every kind of parameter: log, linear, integer, category, conditional."""
    return SearchSpace(
        {
            "learning_rate": FloatDistribution(1e-5, 1.0, log=True),
            "depth": IntDistribution(1, 8),
            "dropout": FloatDistribution(0.0, 0.9),
            "optimiser": CategoricalDistribution(["adam", "sgd"]),
            "momentum": FloatDistribution(0.0, 0.99),
        },
        conditions={"momentum": ("optimiser", ["sgd"])},
        defaults={"learning_rate": 1e-3, "depth": 3, "dropout": 0.1, "optimiser": "adam"},
        inner_lr="learning_rate",
        name="bowl",
    )


@dataclass(frozen=True)
class Bowls:
    """Tasks whose score is a bowl around an optimum that differs a little from task to task.

    Args:
        spread: Standard deviation of the optimum's place over tasks, in unit columns.
        seed: Of the family; task number k is always the same.
    """

    spread: float = 0.08
    seed: int = 0

    @property
    def space(self) -> SearchSpace:
        """The space of all tasks of the family."""
        return bowl_space()

    def score(self, task: int) -> Callable[[Floats], Floats]:
        """The score of unit configs (n, d) on a task, (n,); higher is better, at most 1."""
        space = self.space
        rng = np.random.default_rng([self.seed, task])
        centre = np.random.default_rng(self.seed).uniform(0.25, 0.75, size=space.dim)
        optimum = np.clip(centre + self.spread * rng.standard_normal(space.dim), 0.0, 1.0)
        weights = rng.uniform(0.5, 1.5, size=space.dim)
        best_choice = 0.3 * rng.standard_normal(2) + np.array([0.3, -0.3])
        columns = space.slices["optimiser"]

        def score(unit: Floats) -> Floats:
            rest = np.delete(weights * (unit - optimum) ** 2, np.r_[columns], axis=1)
            result: Floats = 1.0 - rest.sum(axis=1) + 0.2 * unit[:, columns] @ best_choice
            return result

        return score

    def objective(self, task: int) -> Callable[[Config], float]:
        """The score of one config on a task."""
        space, score = self.space, self.score(task)
        return lambda config: float(score(space.encode(config)[None])[0])

    def portfolio(
        self,
        tasks: int | Sequence[int] = 12,
        trials: int = 40,
        *,
        direction: Direction = "maximize",
        sign: float = 1.0,
    ) -> Portfolio:
        """Random trials of some tasks.

        Args:
            tasks: How many (numbers 1, 2, ...), or which.
            trials: Random configs a task.
            direction: In which the values are recorded.
            sign: -1 flips every task: a hostile portfolio, in which the worst look best.
        """
        numbers = range(1, tasks + 1) if isinstance(tasks, int) else tasks
        space = self.space
        flip = sign if direction == "maximize" else -sign
        histories = []
        for number in numbers:
            raw = space.sample_raw(trials, np.random.default_rng([self.seed, number, 7]))
            values = flip * self.score(number)(space.encode_raw(raw))
            task = Task(name=f"bowl-{number}", space=space, direction=direction)
            histories.append(TaskHistory(task=task, raw=raw, values=values))
        return Portfolio(histories)
