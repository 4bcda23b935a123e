"""The lists, and what they are worth on the tasks that were held out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias
from zlib import crc32

import numpy as np

from autometa.bench import suites
from autometa.bench.methods.greedy import greedy_configs
from autometa.bench.provenance import commit, versions
from autometa.bench.suite import SPLITS, Split
from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.meta import MetaLearner
from autometa.meta.parts.zero_shot import greedy_portfolio
from autometa.portfolio import Portfolio
from autometa.threads import one_thread
from autometa_benchmarks import start
from autometa_benchmarks.start.groups import EMBEDDED, FOLDS, Group, of_portfolio, of_suite
from autometa_benchmarks.start.regret import (
    BUDGETS,
    CHECKPOINTS,
    after,
    expected_after,
    expected_within,
    median_seconds,
    within,
)
from autometa_benchmarks.start.summary import Judged, summarise
from autometa_benchmarks.suites.embedded import embedded

NAME = "start"
SUITES = (EMBEDDED, "lcbench", "rbv2_xgboost", "mindware", "synthetic")
CHOICES = (*SPLITS, "all")  # of the split
EVALUATIONS = {"lcbench": 100, "rbv2_xgboost": 100}  # of a prior task; of the others all
LENGTH = CHECKPOINTS[-1]

Evaluations: TypeAlias = int | Literal["all"] | None
SplitOrAll: TypeAlias = Literal["development", "test", "all"]


def groups_of(
    suite: str,
    *,
    split: SplitOrAll,
    data: Path | None = None,
    portfolio: Path | None = None,
    prior: Path | None = None,
    children: Sequence[str] = (),
) -> list[Group]:
    """The held-out tasks of a suite.

    Args:
        suite: One of `SUITES`.
        split: Whose tasks are judged.
        data: Root of the public data.
        portfolio: Instead of the embedded one.
        prior: Another portfolio to make lists of.
        children: Only these, of the embedded portfolio.

    Raises:
        InputError, PortfolioError: an unknown name, or data that are not there.
        StoreError: a portfolio cannot be read.
    """
    splits: tuple[Split, ...] = SPLITS if split == "all" else (split,)
    if suite != EMBEDDED:
        return of_suite(suites.load(suite, data), splits)
    told = None if prior is None else Portfolio.load(prior)
    judges = _shipped(children) if portfolio is None else Portfolio.load(portfolio)
    return of_portfolio(judges, judges if told is None else told, splits, children)


def _shipped(children: Sequence[str]) -> Portfolio:
    found = {c: Portfolio.embedded(c) for c in children} or embedded()
    return Portfolio(h for part in found.values() for h in part.histories)


def lists(group: Group, known: Portfolio, seed: int) -> dict[str, Floats]:
    """The lists of a group, raw configs (at most 10, p) by name; no held-out task is looked at.

    Args:
        group: For which tasks.
        known: Its prior, or some of it.
        seed: Of the models.
    """
    space = group.space
    with one_thread():
        model = MetaLearner(seed=seed).fit(known)
        found = {
            "start": space.to_raw([c.config for c in model.warm_start(LENGTH)]),
            "greedy": space.to_raw(greedy_configs(known, space, seed)[:LENGTH]),
        }
    truth = group.truth(known, model)
    if truth is not None:
        raw, regret = truth
        equal = np.full(regret.shape[1], 1.0 / regret.shape[1])
        found["oracle"] = raw[greedy_portfolio(regret, LENGTH, equal)]
    return found


def judge(group: Group, known: Portfolio, seed: int) -> list[Judged]:
    """Every list on every task of a group.

    Args:
        group: Of which tasks.
        known: Its prior, at least one task.
        seed: Of the models.
    """
    made, result = lists(group, known, seed), []
    for task in group.tasks:
        median = median_seconds(task.random)
        tried = {name: task.ask(raw) for name, raw in made.items()}
        regret = {n: np.concatenate([after(t), within(t, median)]) for n, t in tried.items()}
        rng = np.random.default_rng(crc32(task.name.encode()))
        regret["random"] = np.concatenate(
            [expected_after(task.random), expected_within(task.random, rng)]
        )
        result += [
            Judged(
                suite=group.suite,
                part=group.part,
                fold=group.fold,
                task=task.name,
                family=task.family,
                list=name,
                seed=seed,
                regret=values,
            )
            for name, values in regret.items()
        ]
    return result


def run(
    groups: Sequence[Group],
    *,
    split: SplitOrAll,
    evaluations: Evaluations = None,
    seeds: Sequence[int] = (0,),
    progress: Callable[[int, int, Group], None] = lambda done, total, group: None,
    **facts: Any,
) -> dict[str, Any]:
    """Judge the lists on all groups; the results as plain data.

    Args:
        groups: Of one or several suites.
        split: Which they are of.
        evaluations: Of a prior task; None = 100 of surrogates, all of what was recorded.
        seeds: At least one.
        progress: Called after each group and seed.
        facts: Further entries, such as where the portfolio was read.

    Returns:
        `rows` as of `summarise`; `left_out` names tasks of which no two configs differ much, and
        those before which nothing is known.

    Raises:
        InputError: no task can be judged.
    """
    judged: list[Judged] = []
    left_out: dict[str, set[str]] = {}
    counts = {g.suite: _count(evaluations, g.suite) for g in groups}
    for number, (seed, group) in enumerate([(s, g) for s in seeds for g in groups], start=1):
        known = group.prior(counts[group.suite], seed)
        useless = [*group.alike, *(() if len(known) else (t.name for t in group.tasks))]
        left_out.setdefault(f"{group.suite}: {group.part}", set()).update(useless)
        if group.tasks and len(known):
            judged += judge(group, known, seed)
        progress(number, len(seeds) * len(groups), group)
    if not judged:
        raise InputError(
            "no held-out task with tasks of other families before it",
            allowed=f"tasks of two families or more, in more than one of {FOLDS} folds",
        )
    return {
        "suite": NAME,
        "about": (start.__doc__ or "").split("\n")[0],
        "commit": commit(),
        "versions": versions(),
        "split": split,
        "seeds": list(seeds),
        "evaluations": {suite: "all" if n is None else n for suite, n in counts.items()},
        "checkpoints": list(CHECKPOINTS),
        "budgets": list(BUDGETS),
        **facts,
        "left_out": {place: sorted(names) for place, names in left_out.items() if names},
        "rows": summarise(judged),
    }


def _count(evaluations: Evaluations, suite: str) -> int | None:
    if evaluations is None:
        return EVALUATIONS.get(suite)
    return None if evaluations == "all" else evaluations
