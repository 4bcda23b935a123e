from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ortools")

from optuna.distributions import CategoricalDistribution
from ortools.sat.python import cp_model

from autometa_benchmarks.suites.instances import FAMILIES
from autometa_benchmarks.suites.solver import SPACE, Solver, solve

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
        assert suite._cost(task, {}, 0) == 1.0
        model, usual = suite._instance(task, 0)
        # If the defaults had found twice as much: better where the least is wanted.
        suite._instances[task.name, 0] = model, 2 * usual
    assert suite._cost(machines, {}, 0) == 0.5
    assert suite._cost(knapsack, {}, 0) == 1.5


def test_unsolved_instances_fail_a_config_and_are_counted_where_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = Solver(tmp_path)
    task = suite.by_name["cover-200"]
    costs = iter([1.0, None, 1.0, 0.5, 0.5, None, 1.0, 1.0])
    monkeypatch.setattr(suite, "_cost", lambda task, config, number: next(costs))
    assert suite.evaluate(task.task, {}) is None
    assert suite.judge(task, {}) == {"relative_cost": 1.0, "unsolved": 0.2}
