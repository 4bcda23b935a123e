from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ortools")

from optuna.distributions import CategoricalDistribution
from ortools.sat.python import cp_model

from autometa.bench.suites.instances import FAMILIES
from autometa.bench.suites.solver import SPACE, Solver, solve

SMALL = {"jobshop": 3, "tour": 6, "facility": 6}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_instances_that_are_solved_alike_each_time(family: str) -> None:
    build, sizes = FAMILIES[family]
    size = SMALL.get(family, 12)
    first, again, other = (
        solve(build(size, np.random.default_rng(seed)), {}) for seed in (0, 0, 1)
    )
    assert first is not None
    assert first == again
    assert first != other
    assert sizes[0] < sizes[1]


def test_every_parameter_is_one_of_the_solver() -> None:
    build, _ = FAMILIES["machines"]
    model = build(6, np.random.default_rng(0))
    best = solve(model, {})
    branching = SPACE.distributions["search_branching"]
    assert isinstance(branching, CategoricalDistribution)
    for config in SPACE.from_raw(SPACE.sample_raw(4, np.random.default_rng(0))):
        for choice in branching.choices:  # a name that CP-SAT does not have would raise
            found = solve(model, config | {"search_branching": choice})
            assert found is None or found >= (best or 0.0)


def test_a_model_without_a_solution_fails() -> None:
    model = cp_model.CpModel()
    x = model.new_bool_var("")
    model.add(x >= 1)
    model.add(x <= 0)
    model.minimize(x)
    assert solve(model, {}) is None


def test_costs_are_relative_to_the_defaults_in_either_direction(tmp_path: Path) -> None:
    suite = Solver(tmp_path)
    machines, knapsack = (
        next(t for t in suite.listed if t.family == f) for f in ("machines", "knapsack")
    )
    for task in (machines, knapsack):
        assert suite._cost(task, {}, range(1)) == 1.0
        model, usual = suite._instance(task, 0)
        # If the defaults had found twice as much: better where the least is wanted.
        suite._instances[task.name, 0] = model, 2 * usual
    assert suite._cost(machines, {}, range(1)) == 0.5
    assert suite._cost(knapsack, {}, range(1)) == 1.5
