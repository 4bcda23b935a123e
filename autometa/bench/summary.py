"""Cells -> results: what stands in `benchmarks/results/<suite>.json`.

    regret          (best - incumbent) / (best - middle), both of the task; 0 = the best known
                    config, 1 = a median random one; negative = better than any known. An incumbent
                    is the best value so far; before the first success it counts as the worst
                    value that any method saw on the task.
    mean_regret     over tasks, of the mean over seeds, at each checkpoint
    median_regret   the median over tasks of the same
    mean_rank       of the method among all complete ones, within each task and seed; ties share
    per_task        task -> mean over seeds at each checkpoint
    curve           mean over tasks after every single trial
    by_space        where there are several spaces: space -> method -> mean over tasks and seeds of
                    the best value so far, in the metric's own units
    judged          where the suite judges the best configs beyond their objective: see `judged`

Rows named published-* are traces that their authors published, with all their seeds.

A method is complete if it finished every task and seed; others are reported on what they have,
without ranks, and paired on what they share. Values that differ by less than `TIE` are a tie.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from autometa.bench.compare import pair, trials_to_match
from autometa.bench.journal import Cell
from autometa.bench.judged import summarise_judged
from autometa.bench.provenance import commit, versions
from autometa.bench.suite import SPLITS, Suite
from autometa.encoding import Floats

FORMAT = 1
TIE = 0.002  # of normalised regret


def summarise(
    cells: Iterable[Cell],
    *,
    suite: Suite,
    split: str,
    methods: Sequence[str],
    reference: str,
    checkpoints: Sequence[int],
    evaluations: int | str,
    seeds: Sequence[int],
) -> dict[str, Any]:
    """The results of a run as plain data.

    Args:
        cells: Finished cells of one suite and split.
        suite: Which the cells are of.
        split: Which its tasks are of.
        methods: In the order of tables.
        reference: The method that others are paired with.
        checkpoints: Numbers of trials.
        evaluations: Of a prior task, or "all".
        seeds: That were asked for.
    """
    ran = list(cells)
    published = published_cells(suite, ran)
    listed = [*ran, *published]
    regrets = _regrets(listed)
    present = [m for m in (*methods, *suite.published()) if m in regrets]
    everything = sorted({(c.task, c.seed) for c in ran})
    complete = [m for m in present if regrets[m].keys() >= set(everything)]
    ranks = _ranks({m: regrets[m] for m in complete}, everything, checkpoints)
    return {
        "format": FORMAT,
        "suite": suite.name,
        "about": suite.about,
        "commit": commit(),
        "versions": versions(),
        "evaluations": evaluations,
        "split": {s: [t.name for t in suite.tasks if t.split == s] for s in SPLITS},
        "ran_on": split,
        "tasks": sorted({task for task, _ in everything}),
        "seeds": list(seeds),
        "checkpoints": list(checkpoints),
        "methods": {
            m: {
                **_method(regrets[m], checkpoints),
                "mean_rank": ranks.get(m),
                "ms_per_suggestion": _milliseconds([c for c in listed if c.method == m]),
                "complete": m in complete,
                "commits": sorted({c.commit for c in listed if c.method == m}),
                "notes": sorted({c.note for c in listed if c.method == m and c.note}),
            }
            for m in present
        },
        "by_space": _by_space(ran, regrets, suite, checkpoints),
        "judged": summarise_judged(ran, suite, present, reference),
        "paired": _paired(regrets, present, reference, checkpoints),
        "trials_to_match": _matches(regrets, present, reference, checkpoints),
    }


def published_cells(suite: Suite, ran: Sequence[Cell]) -> list[Cell]:
    """The authors' traces on the tasks that were run, all their seeds."""
    like = {c.task: c for c in ran}
    return [
        Cell(
            method=method,
            task=task,
            seed=seed,
            evaluations=None,
            direction=like[task].direction,
            values=tuple(float(v) if math.isfinite(v) else None for v in trace),
            milliseconds=(),
            best=like[task].best,
            middle=like[task].middle,
            note="published traces, all their seeds; no run of ours",
            commit="published",
        )
        for method, tasks in suite.published().items()
        for task, traces in tasks.items()
        if task in like
        for seed, trace in enumerate(traces)
    ]


Regrets = dict[tuple[str, int], Floats]  # (task, seed) -> normalised regret after each trial


def _regrets(cells: Sequence[Cell]) -> dict[str, Regrets]:
    """Method -> regrets of its cells."""
    worst: dict[str, float] = {}
    for cell in cells:
        losses = _losses(cell)
        seen = losses[np.isfinite(losses)]
        worst[cell.task] = max(worst.get(cell.task, 1.0), seen.max(initial=1.0))
    result: dict[str, Regrets] = {}
    for cell in cells:
        filled = np.where(np.isfinite(_losses(cell)), _losses(cell), worst[cell.task])
        result.setdefault(cell.method, {})[cell.task, cell.seed] = np.minimum.accumulate(filled)
    return result


def _losses(cell: Cell) -> Floats:
    """Normalised regret of every trial by itself, (n,); NaN where it failed."""
    values = np.array([math.nan if v is None else v for v in cell.values])
    scale = cell.best - cell.middle
    return (cell.best - values) / scale if scale != 0 else np.abs(cell.best - values)


def over_seeds(regrets: Regrets) -> dict[str, Floats]:
    """Task -> mean over seeds after each trial."""
    by_task: dict[str, list[Floats]] = {}
    for (task, _), curve in sorted(regrets.items()):
        by_task.setdefault(task, []).append(curve)
    return {
        task: np.mean([c[: min(map(len, curves))] for c in curves], axis=0)
        for task, curves in by_task.items()
    }


def _method(regrets: Regrets, checkpoints: Sequence[int]) -> dict[str, Any]:
    tasks = over_seeds(regrets)
    at = {task: _at(curve, checkpoints) for task, curve in tasks.items()}
    table = np.array(list(at.values()))
    length = min(map(len, tasks.values()))
    return {
        "mean_regret": _listed(table.mean(axis=0)),
        "median_regret": _listed(np.median(table, axis=0)),
        "curve": _listed(np.mean([c[:length] for c in tasks.values()], axis=0)),
        "per_task": {task: _listed(row) for task, row in at.items()},
    }


def _at(curve: Floats, checkpoints: Sequence[int]) -> Floats:
    """A curve at the checkpoints: its last value where a pool ended before."""
    return np.array([curve[min(c, len(curve)) - 1] for c in checkpoints])


def _ranks(
    regrets: Mapping[str, Regrets],
    keys: Sequence[tuple[str, int]],
    checkpoints: Sequence[int],
) -> dict[str, list[float]]:
    if not regrets:
        return {}
    table = np.array([[_at(r[key], checkpoints) for key in keys] for r in regrets.values()])
    ranks = rankdata(np.round(table, 9), axis=0, method="average").mean(axis=1)
    return {m: _listed(row, 3) for m, row in zip(regrets, ranks, strict=True)}


def _milliseconds(cells: Sequence[Cell]) -> dict[str, float | None]:
    """Median and 95 % quantile over all trials, and the medians near trials 10 and 100."""
    spent = [np.array(c.milliseconds) for c in cells if c.milliseconds]
    if not spent:
        return {"median": None, "p95": None, "after 10": None, "after 100": None}
    everything = np.concatenate(spent)
    result: dict[str, float | None] = {
        "median": _number(np.median(everything), 2),
        "p95": _number(np.quantile(everything, 0.95), 2),
    }
    for n in (10, 100):
        near = np.concatenate([s[n - 3 : n + 2] for s in spent if len(s) >= n] or [np.array([])])
        result[f"after {n}"] = _number(np.median(near), 2) if len(near) else None
    return result


def _by_space(
    cells: Sequence[Cell],
    regrets: Mapping[str, Regrets],
    suite: Suite,
    checkpoints: Sequence[int],
) -> dict[str, dict[str, list[float]]]:
    """Space -> method -> mean value of the incumbents; empty where all tasks share a space."""
    groups: dict[str, dict[str, list[Floats]]] = {}
    for cell in cells:
        regret = _at(regrets[cell.method][cell.task, cell.seed], checkpoints)
        values = cell.best - regret * (cell.best - cell.middle)
        space = suite.by_name[cell.task].task.space.name
        groups.setdefault(space, {}).setdefault(cell.method, []).append(values)
    if len(groups) < 2:
        return {}
    return {
        space: {m: _listed(np.mean(rows, axis=0)) for m, rows in by_method.items()}
        for space, by_method in sorted(groups.items())
    }


def _paired(
    regrets: Mapping[str, Regrets],
    methods: Sequence[str],
    reference: str,
    checkpoints: Sequence[int],
) -> dict[str, Any]:
    if reference not in regrets:
        return {}
    result = {}
    for other in methods:
        if other != reference:
            shared = regrets[reference].keys() & regrets[other].keys()
            ours = over_seeds({k: regrets[reference][k] for k in shared})
            theirs = over_seeds({k: regrets[other][k] for k in shared})
            if shared:
                result[other] = pair(
                    np.array([_at(ours[t], checkpoints) for t in sorted(ours)]),
                    np.array([_at(theirs[t], checkpoints) for t in sorted(ours)]),
                    tie=TIE,
                )
    return {"reference": reference, "tie": TIE, "against": result}


def _matches(
    regrets: Mapping[str, Regrets],
    methods: Sequence[str],
    reference: str,
    checkpoints: Sequence[int],
) -> dict[str, Any]:
    """Against every other method, for what it has after each checkpoint."""
    if reference not in regrets:
        return {}
    ours = over_seeds(regrets[reference])
    result: dict[str, Any] = {}
    for other in methods:
        theirs = over_seeds(regrets[other])
        shared = sorted(ours.keys() & theirs.keys())
        if other != reference and shared:
            result[other] = [
                trials_to_match([ours[t] for t in shared], [theirs[t] for t in shared], after)
                for after in checkpoints
            ]
    return {"reference": reference, "against": result}


def _listed(values: Floats, digits: int = 5) -> list[float]:
    return [round(float(v), digits) for v in values]


def _number(value: Any, digits: int) -> float:
    return round(float(value), digits)
