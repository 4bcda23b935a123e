"""Each study searched again by every method, one study held out at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import RandomSampler

from autometa.bench.compare import pair
from autometa.bench.method import Method, Start, Starter
from autometa.bench.runner import Progress, run
from autometa.bench.summary import TIE
from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.limits import whole
from autometa.portfolio import Portfolio
from autometa.priors.opening import PriorSource, open_portfolio
from autometa.replaying.beside import beside
from autometa.replaying.found import COLD, ENQUEUE, RECORDED, WARM, Replay, StudyReplay
from autometa.replaying.suite import StudySuite
from autometa.space import SearchSpace
from autometa.task import Task

METHODS = (WARM, COLD, ENQUEUE, "random")
MOST_TRIALS, SEEDS, LEAST_STUDIES, MOST_STUDIES = 30, 5, 3, 20


def replay(
    sources: PriorSource,
    *,
    names: str | Iterable[str] | None = None,
    space: SearchSpace | Mapping[str, BaseDistribution] | None = None,
    trials: int | None = None,
    seeds: int = SEEDS,
    studies: int = MOST_STUDIES,
    prior: str | None = None,
    metric: str | None = None,
    progress: Progress | None = None,
    message: Callable[[str], None] | None = None,
) -> Replay:
    """Leave one study out at a time, and search it again.

    Args:
        sources: Studies or a portfolio, in whatever `autometa.priors.opening` reads; only read.
        names: Names or glob patterns of studies; all where None.
        space: What was tuned; None infers it.
        trials: n, the first trials that count; None = half of the smallest study, at most 30.
        seeds: Of the methods: 0, 1, ...
        studies: At most so many are held out, spread evenly over all; all others are known.
        prior: A family that ships, or another prior, to say whether your own studies have overtaken
            it, see `beside`.
        metric: What the studies' values measure, where a family is to teach by it.
        progress: Called after every finished search.
        message: Told what went wrong in a single search; logged otherwise.

    Raises:
        InputError: an option that cannot be used, fewer than three studies can be replayed, a
            search failed, or the other prior knows nothing of the studies.
        StoreError: a storage cannot be read.
    """
    seeds = whole(seeds, "seeds", low=1)
    studies = whole(studies, "studies", low=LEAST_STUDIES)
    portfolio = open_portfolio(sources, names=names, space=space)
    suite = StudySuite(portfolio, studies)
    _check_enough(suite)
    smallest = min(map(len, suite.histories.values()))
    n = min(MOST_TRIALS, smallest // 2) if trials is None else trials
    n = whole(n, "trials", low=1, high=smallest, of="as the smallest study has")
    others = () if prior is None else beside(prior, metric)
    for method in others:  # what is wrong with it is said before anything is searched
        name = suite.tasks[0].fold
        method.prepare(suite.prior(name, None, 0), suite.tasks[0].task.space, 0)
    problems: list[str] = []

    def tell(text: str) -> None:
        problems.append(text)
        (message or logging.getLogger(__name__).warning)(text)

    results = run(
        suite,
        [*METHODS, *others, as_recorded(suite)],
        seeds=range(seeds),
        checkpoints=range(1, n + 1),
        reference=WARM,
        progress=progress,
        message=tell,
    )
    wanted = (*METHODS, *(m.name for m in others))
    if not all(m in results["methods"] and results["methods"][m]["complete"] for m in wanted):
        raise InputError(f"not every search could be run: {problems[0]}")
    return Replay(
        trials=n,
        studies=tuple(_study(name, suite, results) for name in results["tasks"]),
        against={m: _against(results, m) for m in results["methods"] if m != WARM},
        left_out=suite.left_out,
        infeasible=infeasible(portfolio),
        results=results,
        beside=prior or "",
    )


def as_recorded(suite: StudySuite) -> Method:
    """The order in which the user tried the configs of each study."""

    def prepare(portfolio: Portfolio, space: SearchSpace, seed: int) -> Starter:
        def start(task: Task, seed: int) -> Start:
            order = task.space.from_raw(suite.histories[task.name].raw)
            return Start(sampler=RandomSampler(seed=seed), enqueue=tuple(order))

        return start

    return Method(
        name=RECORDED,
        about="the study's own trials in their own order",
        prepare=prepare,
        uses_prior=False,
    )


def _check_enough(suite: StudySuite) -> None:
    if len(suite.tasks) >= LEAST_STUDIES:
        return
    reasons = [f"{study!r}: {why}" for study, why in suite.left_out.items()]
    shown = "; ".join(reasons[:5]) + (f"; ... ({len(reasons)})" if len(reasons) > 5 else "")
    raise InputError(
        f"only {len(suite.tasks)} of the studies can be replayed"
        + (f" ({shown})" if shown else ""),
        allowed=f"at least {LEAST_STUDIES} studies of the same parameters",
        do="Name a storage with more of them",
    )


def _regrets(results: Mapping[str, Any], method: str) -> dict[str, Floats]:
    """Study -> regret after each trial (n,), mean over seeds."""
    found: Mapping[str, list[float]] = results["methods"][method]["per_task"]
    return {study: np.array(curve) for study, curve in found.items()}


def _study(name: str, suite: StudySuite, results: Mapping[str, Any]) -> StudyReplay:
    curves = {m: _regrets(results, m)[name] for m in results["methods"]}
    reached = np.flatnonzero(curves[WARM] <= curves[COLD][-1] + 1e-12)
    return StudyReplay(
        study=name,
        recorded=len(suite.histories[name]),
        regret={m: round(float(curve.mean()), 5) for m, curve in curves.items()},
        trials_to_match=int(reached[0]) + 1 if len(reached) else None,
    )


def _against(results: Mapping[str, Any], other: str) -> dict[str, float]:
    ours, theirs = _regrets(results, WARM), _regrets(results, other)
    found = pair(
        np.array([[ours[s].mean()] for s in results["tasks"]]),
        np.array([[theirs[s].mean()] for s in results["tasks"]]),
        tie=TIE,
    )
    return {name: numbers[0] for name, numbers in found.items()}


def infeasible(portfolio: Portfolio) -> dict[str, int]:
    """Study -> infeasible trials, of portfolios that were made of studies."""
    studies = portfolio.provenance.get("studies", ())
    counts = {str(s["study"]): s.get("infeasible", 0) for s in studies if isinstance(s, Mapping)}
    return {study: count for study, count in counts.items() if isinstance(count, int) and count}
