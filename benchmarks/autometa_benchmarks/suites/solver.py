"""Suite `solver`: parameters of OR-Tools CP-SAT for a family of problems that no prior task knows.

A task is a family of problems in one size (`instances`). A config is judged by what the solver
finds on the task's tuning instances within a fixed deterministic time, on one worker: the cost as a
share of what the solver's own defaults find in the same time, averaged over instances (1 = as good
as the defaults, lower is better; where a value is maximised, 2 - the share). A config that finds no
solution of one of them failed. Deterministic time is counted, not measured: results do not hang on
the machine or on what else it does. `judge` repeats it on instances that tuning never saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Final
from zlib import crc32

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from ortools.sat.python import cp_model

from autometa.bench.suite import BenchTask, Judged
from autometa.space import Config, SearchSpace
from autometa.task import Task
from autometa_benchmarks.suites.instances import FAMILIES, Model
from autometa_benchmarks.suites.recorded import Recorded

SPACE: Final = SearchSpace(
    {
        "linearization_level": IntDistribution(0, 2),
        "search_branching": CategoricalDistribution(
            [
                "AUTOMATIC_SEARCH",
                "PORTFOLIO_SEARCH",
                "LP_SEARCH",
                "PSEUDO_COST_SEARCH",
                "PORTFOLIO_WITH_QUICK_RESTART_SEARCH",
            ]
        ),
        "interleave_search": CategoricalDistribution([False, True]),
        "cp_model_presolve": CategoricalDistribution([False, True]),
        "cp_model_probing_level": IntDistribution(0, 3),
        "symmetry_level": IntDistribution(0, 2),
        "optimize_with_core": CategoricalDistribution([False, True]),
        "use_objective_lb_search": CategoricalDistribution([False, True]),
        "use_phase_saving": CategoricalDistribution([False, True]),
        "use_erwa_heuristic": CategoricalDistribution([False, True]),
        "random_branches_ratio": FloatDistribution(1e-4, 0.3, log=True),
        "variable_activity_decay": FloatDistribution(0.5, 0.99),
        "restart_period": IntDistribution(5, 500, log=True),
        "clause_cleanup_period": IntDistribution(500, 50_000, log=True),
    },
    name="cp_sat",
)
DETERMINISTIC_TIME: Final = 0.04
UNSOLVED: Final = 2.0  # relative cost that an unsolved instance counts as, where judged
_TUNING, _JUDGING = 3, 5  # instances


class Solver(Recorded):
    """See the module."""

    name: ClassVar[str] = "solver"
    about: ClassVar[str] = "cost found by OR-Tools CP-SAT in a fixed time, relative to its defaults"
    checkpoints: ClassVar[tuple[int, ...]] = (1, 3, 5, 10, 15)
    judged_after: ClassVar[tuple[int, ...]] = (5, 15)

    @cached_property
    def listed(self) -> tuple[Task, ...]:
        """Eight families of problems, each in two sizes."""
        return tuple(
            Task(
                name=f"{family}-{size}",
                space=SPACE,
                direction="minimize",
                metric="relative_cost",
                family=family,
                info={"size": size},
            )
            for family, (_, sizes) in FAMILIES.items()
            for size in sizes
        )

    def evaluate(self, task: Task, config: Config) -> float | None:
        """Mean relative cost over the tuning instances."""
        costs = [self._cost(task, config, i) for i in range(_TUNING)]
        return None if None in costs else float(np.mean([c for c in costs if c is not None]))

    def judge(self, task: BenchTask, config: Config) -> Judged:
        """The same on fresh instances, an unsolved one counting twice the defaults' cost."""
        costs = [self._cost(task.task, config, _TUNING + i) for i in range(_JUDGING)]
        return {
            "relative_cost": float(np.mean([UNSOLVED if c is None else c for c in costs])),
            "unsolved": costs.count(None) / _JUDGING,
        }

    def _cost(self, task: Task, config: Config, number: int) -> float | None:
        """Cost on an instance relative to that of the defaults; None where it is not solved."""
        model, usual = self._instance(task, number)
        found = solve(model, config)
        if found is None:
            return None
        maximised = model.proto.objective.scaling_factor < 0
        return 2.0 - found / usual if maximised else found / usual

    @cached_property
    def _instances(self) -> dict[tuple[str, int], tuple[Model, float]]:
        return {}

    def _instance(self, task: Task, number: int) -> tuple[Model, float]:
        """An instance, and what the defaults find on it.

        Instances that the defaults do not solve in time are passed over.
        """
        key = task.name, number
        if key not in self._instances:
            build, _ = FAMILIES[task.family]
            for attempt in range(20):
                rng = np.random.default_rng([crc32(task.name.encode()), number, attempt])
                model = build(int(task.info["size"]), rng)
                usual = solve(model, {})
                if usual is not None:
                    self._instances[key] = model, usual
                    break
        return self._instances[key]


def solve(model: Model, config: Mapping[str, Any]) -> float | None:
    """The best objective found within the deterministic time on one worker; None where none is."""
    solver = cp_model.CpSolver()
    parameters = solver.parameters
    parameters.num_workers = 1
    parameters.random_seed = 1
    parameters.max_deterministic_time = DETERMINISTIC_TIME
    for name, value in config.items():
        if name == "search_branching":
            value = getattr(cp_model, value)
        setattr(parameters, name, value)
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    return float(solver.objective_value)
