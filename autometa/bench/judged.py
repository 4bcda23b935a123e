"""Judgements -> results: what the best configs turn out to be worth, the part `judged` of the JSON.

Group -> numbers, a group being a space or, where there are several, "all" of them:

    methods    method -> number of trials -> measure -> mean over tasks of the mean over seeds; and
               `calibration_error` of the reliability bins of all its tasks together
    bins       method -> number of trials -> reliability bins (`reliability`), summed over its cells
    against    other method -> "ours / theirs" in numbers of trials -> measure -> mean difference
               reference - other, its 95 % bootstrap interval over families (low, high), and of how
               many families and tasks it is. A family counts as the mean of its tasks. Fewer than
               three families have no interval (None).

Only tasks and seeds that both methods finished stand in a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from autometa.bench.compare import pair
from autometa.bench.journal import Cell
from autometa.bench.reliability import BIN_NAMES, calibration_error
from autometa.bench.suite import Suite
from autometa.encoding import Floats

ALL = "all"
_LEAST_FAMILIES = 3


def summarise_judged(
    cells: Iterable[Cell], suite: Suite, methods: Sequence[str], reference: str
) -> dict[str, Any]:
    """See the module; empty where nothing was judged.

    Args:
        cells: Of the suite.
        suite: What they are of.
        methods: In the order of tables.
        reference: The method that the others are paired with.
    """
    listed = [c for c in cells if c.judged]
    spaces = sorted({suite.by_name[c.task].task.space.name for c in listed})
    groups = {space: [c for c in listed if _space(suite, c) == space] for space in spaces}
    if len(groups) > 1:
        groups = {ALL: listed, **groups}
    return {
        name: _group(found, suite, [m for m in methods if _of(found, m)], reference)
        for name, found in groups.items()
    }


def _space(suite: Suite, cell: Cell) -> str:
    return suite.by_name[cell.task].task.space.name


def _of(cells: Iterable[Cell], method: str) -> list[Cell]:
    return [c for c in cells if c.method == method]


def _group(
    cells: Sequence[Cell], suite: Suite, methods: Sequence[str], reference: str
) -> dict[str, Any]:
    afters = sorted({after for c in cells for after in c.judged}, key=int)
    sums = {m: {k: _bins(_of(cells, m), k) for k in afters} for m in methods}
    return {
        "methods": {
            m: {k: _means(_of(cells, m), k) | _calibration(sums[m][k]) for k in afters}
            for m in methods
        },
        "bins": {m: found for m, found in sums.items() if any(found.values())},
        "against": {
            other: {
                f"{ours} / {theirs}": _differences(
                    _of(cells, reference), _of(cells, other), ours, theirs, suite
                )
                for ours, theirs in product(afters, afters)
                if int(ours) <= int(theirs)
            }
            for other in methods
            if other != reference and reference in methods
        },
    }


def _numbers(cell: Cell, after: str) -> dict[str, float]:
    """The measures that are single numbers."""
    return {
        m: float(v) for m, v in cell.judged.get(after, {}).items() if isinstance(v, int | float)
    }


def _means(cells: Iterable[Cell], after: str) -> dict[str, float]:
    by_measure: dict[str, dict[str, list[float]]] = {}
    for cell in cells:
        for measure, value in _numbers(cell, after).items():
            by_measure.setdefault(measure, {}).setdefault(cell.task, []).append(value)
    return {
        measure: round(float(np.mean([np.mean(values) for values in tasks.values()])), 5)
        for measure, tasks in by_measure.items()
    }


def _bins(cells: Iterable[Cell], after: str) -> dict[str, list[float]]:
    rows = [c.judged[after] for c in cells if BIN_NAMES[0] in c.judged.get(after, {})]
    return {
        name: np.round(np.sum([np.asarray(r[name]) for r in rows], axis=0), 3).tolist()
        for name in (BIN_NAMES if rows else ())
    }


def _calibration(binned: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {"calibration_error": round(calibration_error(binned), 5)} if binned else {}


def _differences(
    ours: Sequence[Cell], theirs: Sequence[Cell], mine: str, their: str, suite: Suite
) -> dict[str, dict[str, float | None]]:
    """Measure -> difference, low, high, families, tasks."""
    known = {(c.task, c.seed): _numbers(c, their) for c in theirs}
    found: dict[str, dict[str, list[float]]] = {}
    for cell in ours:
        other = known.get((cell.task, cell.seed), {})
        for measure, value in _numbers(cell, mine).items():
            if measure in other:
                gap = value - other[measure]
                found.setdefault(measure, {}).setdefault(cell.task, []).append(gap)
    return {measure: _interval(tasks, suite) for measure, tasks in found.items()}


def _interval(tasks: Mapping[str, Sequence[float]], suite: Suite) -> dict[str, float | None]:
    families: dict[str, list[float]] = {}
    for task, over_seeds in sorted(tasks.items()):
        families.setdefault(suite.by_name[task].task.family, []).append(float(np.mean(over_seeds)))
    gaps: Floats = np.array([[np.mean(values)] for values in families.values()])
    paired = pair(gaps, np.zeros_like(gaps), tie=0.0)
    enough = len(families) >= _LEAST_FAMILIES
    return {
        "difference": paired["difference"][0],
        "low": paired["low"][0] if enough else None,
        "high": paired["high"][0] if enough else None,
        "families": len(families),
        "tasks": len(tasks),
    }
