"""The work of a run: groups of cells that share a prior and a fitted method.

A group is what one process does at a time. Groups are ordered by seed and fold, so that the
methods of one prior follow one another and share it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from autometa.bench.cell import Outcome, run_cell
from autometa.bench.journal import Cell, Key
from autometa.bench.method import Method, Starter
from autometa.bench.provenance import commit, versions
from autometa.bench.suite import BenchTask, Judged, Reference, Suite
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import TaskHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One method on tasks of one fold with one seed."""

    method: str
    fold: str
    tasks: tuple[str, ...]
    seed: int
    evaluations: int | None
    trials: int


def groups(
    methods: Iterable[Method],
    tasks: Iterable[BenchTask],
    seeds: Iterable[int],
    *,
    evaluations: int | None,
    trials: int,
    finished: Mapping[Key, Cell],
) -> list[Group]:
    """The work that is left: cells that are not finished, or were with fewer trials."""
    listed = list(tasks)
    kinds = list(methods)
    result = []
    for seed in seeds:
        for space_and_fold in dict.fromkeys((t.task.space, t.fold) for t in listed):
            for method in kinds:
                prior = evaluations if method.uses_prior else 0
                left = tuple(
                    t.name
                    for t in listed
                    if (t.task.space, t.fold) == space_and_fold
                    and not _done(finished.get(Key(method.name, t.name, seed, prior)), trials)
                )
                if left:
                    result.append(
                        Group(
                            method=method.name,
                            fold=space_and_fold[1],
                            tasks=left,
                            seed=seed,
                            evaluations=prior,
                            trials=trials,
                        )
                    )
    return result


def _done(cell: Cell | None, trials: int) -> bool:
    return cell is not None and len(cell.values) >= trials


def shorten(cell: Cell, trials: int) -> Cell:
    """The cell as if it had been stopped after so many trials."""
    return replace(
        cell,
        values=cell.values[:trials],
        milliseconds=cell.milliseconds[:trials],
        judged={after: found for after, found in cell.judged.items() if int(after) <= trials},
    )


References: TypeAlias = Mapping[str, Reference]  # by task: what earlier cells measured against


def known_references(cells: Iterable[Cell]) -> References:
    """The references that finished cells hold: they need not be computed again."""
    return {c.task: Reference(best=c.best, middle=c.middle) for c in cells}


def work_off(group: Group, suite: Suite, method: Method, known: References) -> Iterator[Cell]:
    """The cells of a group, one after another."""
    tasks = [suite.by_name[name] for name in group.tasks]
    if method.uses_prior:
        portfolio = _prior(suite, group.fold, group.evaluations, group.seed)
    else:
        portfolio = Portfolio()
    starter = method.prepare(portfolio, tasks[0].task.space, group.seed)
    for task in tasks:
        outcome = _outcome(starter, suite, task, group, method)
        reference = known.get(task.name) or suite.reference(task)
        yield Cell(
            method=method.name,
            task=task.name,
            seed=group.seed,
            evaluations=group.evaluations,
            direction=task.task.direction,
            values=outcome.values,
            milliseconds=outcome.milliseconds,
            best=reference.best,
            middle=reference.middle,
            note=outcome.note,
            judged=_judged(suite, task, outcome),
            commit=commit(),
            versions=versions(),
        )


_cold: dict[tuple[str, str, str, SearchSpace, int, int], Outcome] = {}


def _outcome(
    starter: Starter, suite: Suite, task: BenchTask, group: Group, method: Method
) -> Outcome:
    """Run a cell; a cold method is run once for tasks that differ in their prior only.

    Tasks of one target in different spaces are different searches.
    """
    key = (suite.name, method.name, task.target, task.task.space, group.seed, group.trials)
    if key in _cold:
        return _cold[key]
    outcome = run_cell(
        starter,
        task,
        suite.objective(task),
        seed=group.seed,
        trials=group.trials,
        given=suite.given(task, group.seed),
    )
    if task.target and not method.uses_prior:
        _cold[key] = outcome
    return outcome


def _judged(suite: Suite, task: BenchTask, outcome: Outcome) -> dict[str, Judged]:
    """Number of trials -> judgement of the first best config until then, where one succeeded."""
    if not suite.judged_after:
        return {}
    known = [math.nan if v is None else v for v in outcome.values]
    raw = task.task.space.to_raw(outcome.configs)
    scores = TaskHistory(task=task.task, raw=raw, values=np.array(known)).scores
    found: dict[int, Judged] = {}
    result = {}
    for after in (n for n in suite.judged_after if n <= len(scores)):
        if np.isfinite(scores[:after]).any():
            best = int(np.nanargmax(scores[:after]))
            if best not in found:
                found[best] = suite.judge(task, outcome.configs[best])
            result[str(after)] = found[best]
    return result


@lru_cache(maxsize=2)
def _prior(suite: Suite, fold: str, evaluations: int | None, seed: int) -> Portfolio:
    return suite.prior(fold, evaluations, seed)
