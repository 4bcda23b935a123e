"""Judgements -> rows of a table: means over tasks, and differences with their intervals.

An interval is the 95 % percentile one over resampled families (Efron, 1979): relatives rise and
fall together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autometa.encoding import Floats
from autometa_benchmarks.start.regret import BUDGETS, CHECKPOINTS

LISTS = ("start", "greedy", "oracle", "random")
_COLUMNS = len(CHECKPOINTS) + len(BUDGETS)
_RESAMPLES = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A list on one held-out task with one seed.

    Args:
        suite: Of the task.
        part: Its row of the table.
        fold: In which it was held out.
        task: Its name.
        family: Its family.
        list: One of `LISTS`.
        seed: Of the meta-model and of what it was learned from.
        regret: After each of `CHECKPOINTS`, then within each of `BUDGETS`; NaN where unknown.
    """

    suite: str
    part: str
    fold: str
    task: str
    family: str
    list: str
    seed: int
    regret: Floats


def summarise(judged: Iterable[Judged]) -> list[dict[str, Any]]:
    """One row a part, and for each suite of several parts their mean.

    A row has `tasks`, `lists` (list -> mean and median regret over tasks, of the mean over seeds),
    `paired` (other list -> mean difference of the start to it and its interval; negative = the
    start is better) and, if it is of one part, `per_task`. In the mean every part weighs the same.
    """
    parts: dict[tuple[str, str], dict[str, list[Judged]]] = {}
    for each in judged:
        parts.setdefault((each.suite, each.part), {}).setdefault(each.task, []).append(each)
    rows = []
    for suite in dict.fromkeys(suite for suite, _ in parts):
        own = {part: _over_seeds(tasks) for (s, part), tasks in parts.items() if s == suite}
        for part, tasks in own.items():
            per_task = {name: _task(found) for name, found in tasks.items()}
            rows.append(_row(suite, part, {part: tasks}) | {"per_task": per_task})
        if len(own) > 1:
            rows.append(_row(suite, f"mean of {len(own)}", own))
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    family: str
    fold: str
    regret: Mapping[str, Floats]  # list -> mean over seeds, (7,)


def _over_seeds(tasks: Mapping[str, Sequence[Judged]]) -> dict[str, _Task]:
    return {
        name: _Task(
            family=found[0].family,
            fold=found[0].fold,
            regret={
                which: np.mean([j.regret for j in found if j.list == which], axis=0)
                for which in dict.fromkeys(j.list for j in found)
            },
        )
        for name, found in sorted(tasks.items())
    }


def _task(found: _Task) -> dict[str, Any]:
    return {
        "family": found.family,
        "fold": found.fold,
        **{name: _halves(values, "regret", "within") for name, values in found.regret.items()},
    }


def _row(suite: str, part: str, parts: Mapping[str, Mapping[str, _Task]]) -> dict[str, Any]:
    tables: dict[str, list[Floats]] = {}
    for tasks in parts.values():
        for name in LISTS:
            if known := [t.regret[name] for t in tasks.values() if name in t.regret]:
                tables.setdefault(name, []).append(np.array(known))
    return {
        "suite": suite,
        "part": part,
        "tasks": sum(map(len, parts.values())),
        "families": len({t.family for tasks in parts.values() for t in tasks.values()}),
        "lists": {
            name: {
                "tasks": sum(map(len, found)),
                **_halves(_mean([_mean(t) for t in found]), "mean", "mean_within"),
                **_halves(_mean([_median(t) for t in found]), "median", "median_within"),
            }
            for name, found in tables.items()
        },
        "paired": {
            name: paired(parts.values(), "start", name) for name in tables if name != "start"
        },
    }


def paired(
    parts: Iterable[Mapping[str, _Task]], ours: str, theirs: str
) -> dict[str, list[float | None]]:
    """Mean difference of two lists where both are known, and its interval over families.

    Every part weighs the same, whatever the number of its tasks.
    """
    gaps, families = [], []
    weights: list[Floats] = []
    for tasks in parts:
        shared = [t for t in tasks.values() if {ours, theirs} <= t.regret.keys()]
        gap = np.array([t.regret[ours] - t.regret[theirs] for t in shared]).reshape(-1, _COLUMNS)
        known = np.isfinite(gap)
        weights.append(known / np.maximum(known.sum(axis=0), 1))
        gaps.append(np.where(known, gap, 0.0))
        families += [t.family for t in shared]
    weight, gap = np.concatenate(weights), np.concatenate(gaps)
    _, place = np.unique(families, return_inverse=True)
    member = np.eye(int(place.max(initial=-1)) + 1)[place].T  # (families, tasks)
    each, sums = member @ weight, member @ (weight * gap)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(member), np.full(len(member), 1 / len(member)), size=_RESAMPLES)
    total = drawn @ each
    means = np.divide(drawn @ sums, total, out=np.full_like(total, np.nan), where=total > 0)
    known = each.sum(axis=0) > 0
    low, high = np.full((2, _COLUMNS), np.nan)
    if len(member) > 1:
        low[known], high[known] = np.nanquantile(means[:, known], [0.025, 0.975], axis=0)
    centre = np.where(known, sums.sum(axis=0) / np.where(known, each.sum(axis=0), 1), np.nan)
    return {"difference": _listed(centre), "low": _listed(low), "high": _listed(high)}


def _mean(rows: Sequence[Floats] | Floats) -> Floats:
    """Over the first axis, of what is known; NaN where nothing is."""
    table = np.asarray(rows)
    known = np.isfinite(table).sum(axis=0)
    total = np.nansum(table, axis=0)
    mean: Floats = np.divide(total, known, out=np.full_like(total, np.nan), where=known > 0)
    return mean


def _median(table: Floats) -> Floats:
    known = np.isfinite(table).any(axis=0)
    result = np.full(table.shape[1], np.nan)
    result[known] = np.nanmedian(table[:, known], axis=0)
    return result


def _halves(values: Floats, trials: str, seconds: str) -> dict[str, list[float | None]]:
    cut = len(CHECKPOINTS)
    found = {trials: _listed(values[:cut])}
    return found | ({seconds: _listed(values[cut:])} if np.isfinite(values[cut:]).any() else {})


def _listed(values: Floats) -> list[float | None]:
    return [round(float(v), 4) if np.isfinite(v) else None for v in values]
