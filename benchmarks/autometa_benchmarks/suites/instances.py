"""Families of optimisation problems for the suite `solver`, as models of OR-Tools CP-SAT.

Each builder draws one random instance: (size, rng) -> model. All are textbook problems: job shop,
travelling salesman, weighted set cover, multidimensional knapsack, weighted independent set,
unrelated parallel machines, resource-constrained project, uncapacitated facility location.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

Model: TypeAlias = cp_model.CpModel
Build: TypeAlias = Callable[[int, np.random.Generator], Model]


def _chosen(model: Model, count: int) -> list[Any]:
    return [model.new_bool_var("") for _ in range(count)]


def _total(factors: NDArray[np.int64], variables: list[Any]) -> Any:
    return cp_model.LinearExpr.weighted_sum(variables, [int(f) for f in factors])


def jobshop(jobs: int, rng: np.random.Generator) -> Model:
    """Jobs visit eight machines, each in its own order; the last end is minimised."""
    model, machines = cp_model.CpModel(), 8
    length = rng.integers(5, 60, (jobs, machines))
    horizon = int(length.sum())
    busy: list[list[Any]] = [[] for _ in range(machines)]
    last = model.new_int_var(0, horizon, "")
    for job in range(jobs):
        end: Any = 0
        for machine in rng.permutation(machines):
            start, size = model.new_int_var(0, horizon, ""), int(length[job, machine])
            model.add(start >= end)
            end = start + size
            busy[machine].append(model.new_fixed_size_interval_var(start, size, ""))
        model.add(last >= end)
    for intervals in busy:
        model.add_no_overlap(intervals)
    model.minimize(last)
    return model


def tour(cities: int, rng: np.random.Generator) -> Model:
    """The shortest round trip through random places of a square."""
    model = cp_model.CpModel()
    place = rng.uniform(0, 1000, (cities, 2))
    length = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1)).astype(np.int64)
    pairs = [(i, j) for i in range(cities) for j in range(cities) if i != j]
    used = _chosen(model, len(pairs))
    model.add_circuit([(i, j, u) for (i, j), u in zip(pairs, used, strict=True)])
    model.minimize(_total(np.array([length[p] for p in pairs]), used))
    return model


def cover(sets: int, rng: np.random.Generator) -> Model:
    """The cheapest of random sets that together hold every element."""
    model, elements = cp_model.CpModel(), sets // 2
    holds = rng.random((elements, sets)) < 0.06
    holds[np.arange(elements), rng.integers(sets, size=elements)] = True
    used = _chosen(model, sets)
    for row in holds:
        model.add_bool_or([used[j] for j in np.flatnonzero(row)])
    model.minimize(_total(rng.integers(10, 100, sets), used))
    return model


def knapsack(items: int, rng: np.random.Generator) -> Model:
    """The most valuable items within eight capacities."""
    model = cp_model.CpModel()
    weight = rng.integers(10, 1000, (8, items))
    used = _chosen(model, items)
    for row in weight:
        model.add(_total(row, used) <= int(row.sum()) // 2)
    value = weight.mean(axis=0) + rng.integers(0, 500, items)
    model.maximize(_total(value.astype(np.int64), used))
    return model


def independent(nodes: int, rng: np.random.Generator) -> Model:
    """The heaviest set of nodes of a random graph, no two of them joined."""
    model = cp_model.CpModel()
    used = _chosen(model, nodes)
    for i, j in zip(*np.triu_indices(nodes, 1), strict=True):
        if rng.random() < 0.12:
            model.add_bool_or([used[i].negated(), used[j].negated()])
    model.maximize(_total(rng.integers(10, 100, nodes), used))
    return model


def machines(jobs: int, rng: np.random.Generator) -> Model:
    """Jobs spread over six machines of different speeds; the longest load is minimised."""
    model, count = cp_model.CpModel(), 6
    length = rng.integers(10, 100, (count, jobs))
    used = [_chosen(model, jobs) for _ in range(count)]
    longest = model.new_int_var(0, int(length.sum()), "")
    for job in range(jobs):
        model.add_exactly_one([row[job] for row in used])
    for row, lengths in zip(used, length, strict=True):
        model.add(_total(lengths, row) <= longest)
    model.minimize(longest)
    return model


def project(activities: int, rng: np.random.Generator) -> Model:
    """Activities with predecessors that share two resources; the last end is minimised."""
    model, capacity = cp_model.CpModel(), 10
    length = rng.integers(2, 20, activities)
    horizon = int(length.sum())
    start = [model.new_int_var(0, horizon, "") for _ in range(activities)]
    last = model.new_int_var(0, horizon, "")
    intervals = []
    for i in range(activities):
        intervals.append(model.new_fixed_size_interval_var(start[i], int(length[i]), ""))
        model.add(start[i] + int(length[i]) <= last)
        for j in range(i + 1, min(i + 12, activities)):
            if rng.random() < 0.12:
                model.add(start[j] >= start[i] + int(length[i]))
    for demand in rng.integers(1, 7, (2, activities)):
        model.add_cumulative(intervals, [int(d) for d in demand], capacity)
    model.minimize(last)
    return model


def facility(customers: int, rng: np.random.Generator) -> Model:
    """Sites to open, and which one serves each customer: opening costs plus distances."""
    model, sites = cp_model.CpModel(), customers // 3
    place, home = rng.uniform(0, 1000, (sites, 2)), rng.uniform(0, 1000, (customers, 2))
    length = np.hypot(*(place[:, None] - home[None]).transpose(2, 0, 1)).astype(np.int64)
    opened = _chosen(model, sites)
    serves = [_chosen(model, customers) for _ in range(sites)]
    for customer in range(customers):
        model.add_exactly_one([row[customer] for row in serves])
    for site, row in zip(opened, serves, strict=True):
        for used in row:
            model.add_implication(used, site)
    opening = rng.integers(500, 1500, sites)
    model.minimize(
        _total(opening, opened) + sum(_total(d, r) for d, r in zip(length, serves, strict=True))
    )
    return model


FAMILIES: Final[Mapping[str, tuple[Build, tuple[int, int]]]] = {
    # name -> (builder, two sizes)
    "jobshop": (jobshop, (10, 16)),
    "tour": (tour, (20, 28)),
    "cover": (cover, (200, 320)),
    "knapsack": (knapsack, (80, 140)),
    "independent": (independent, (80, 120)),
    "machines": (machines, (40, 70)),
    "project": (project, (40, 70)),
    "facility": (facility, (30, 45)),
}
