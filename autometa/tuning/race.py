"""Several families: which one gets how many of the trials, or of the seconds.

Sequential halving (Karnin, Koren and Somekh, "Almost optimal exploration in multi-armed bandits",
2013) down to one survivor: the rounds 6, 3, 2, 1 of six children share the budget equally, and the
children of a round share its trials. Who comes first is the portfolio's guess: how well each child
did, at its best, on the prior tasks that look most like the table. A guess decides only the order,
and who is left out where there are fewer trials than children; the scores decide the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autometa.portfolio import Portfolio

NEIGHBOURS = 12


@dataclass(frozen=True, slots=True)
class Round:
    """The best `survivors` children get `trials` more trials each."""

    survivors: int
    trials: int


def rounds(children: int, trials: int) -> list[Round]:
    """The plan for a number of children and a budget; its trials sum to at most the budget.

    >>> rounds(6, 25)
    [Round(survivors=6, trials=1), Round(survivors=3, trials=2), Round(survivors=2, trials=3), \
Round(survivors=1, trials=7)]
    >>> rounds(1, 25)
    [Round(survivors=1, trials=25)]
    """
    sizes = [min(children, trials)]
    while sizes[-1] > 1:
        sizes.append((sizes[-1] + 1) // 2)
    plan, left = [], trials
    for size in sizes[:-1]:
        each = min(max(1, trials // len(sizes) // size), left // size)
        if each:
            plan.append(Round(size, each))
            left -= each * size
    if left:
        plan.append(Round(1, left))
    return plan


def turn(
    ranked: Sequence[str],
    spent: Mapping[str, float],
    best: Mapping[str, float | None],
    share: float,
) -> str:
    """Whose turn it is in a race by time: halving as in `rounds`, in seconds instead of trials.

    Everybody is tried once, in order. Then the best are left, half as many with every third of the
    time, and of these the one that has had the least time goes on. Who has only failed is out.

    Args:
        ranked: Families, the most promising first.
        spent: Seconds that each has had; only of those that were tried.
        best: Best score of each that was tried, higher is better; None where all trials failed.
        share: Of the time, from 0 to 1, that is over.

    >>> turn(["a", "b"], {"a": 1.0}, {"a": 0.5}, 0.1)
    'b'
    >>> turn(["a", "b", "c"], {"a": 2.0, "b": 1.0, "c": 9.0}, {"a": 0.5, "b": 0.4, "c": 0.3}, 0.2)
    'b'
    """
    for name in ranked:
        if name not in spent:
            return name
    running = [name for name in ranked if best.get(name) is not None] or list(ranked)
    left = max(1, round(len(running) * 0.5 ** (3.0 * share)))
    running.sort(key=lambda name: -(best.get(name) or 0.0))
    return min(running[:left], key=lambda name: spent[name])


CHEAP_FIRST = (
    *("linear", "lightgbm", "xgboost", "extra_trees", "random_forest"),
    *("hist_gradient_boosting", "k_nearest_neighbors", "mlp", "svm", "catboost"),
)


def by_cost(names: Sequence[str]) -> tuple[str, ...]:
    """Families in the order in which a race by time tries them; unknown ones come last."""
    return tuple(sorted(names, key=lambda n: _place(n.partition("-from-")[0])))


def ships(name: str) -> bool:
    """Whether a family is autometa's own."""
    return name.partition("-from-")[0] in CHEAP_FIRST


def _place(name: str) -> int:
    return CHEAP_FIRST.index(name) if name in CHEAP_FIRST else len(CHEAP_FIRST)


def rank(
    portfolios: Mapping[str, Portfolio], features: Mapping[str, float], metric: str
) -> tuple[str, ...]:
    """Children, the most promising first; in the given order where nothing is known of them.

    A child's score on a prior task is its best value there, from 0 (the worst child's best) to 1
    (the best child's). The expected score is the mean over the nearest prior tasks in standardised
    meta-features.

    Args:
        portfolios: Child -> prior tasks, relatives of the table excluded.
        features: Meta-features of the table.
        metric: Only prior tasks of this metric can be compared.
    """
    names = list(portfolios)
    best: dict[str, dict[str, float]] = {}
    described: dict[str, Mapping[str, float]] = {}
    for child, portfolio in portfolios.items():
        for history in portfolio.histories:
            if history.task.metric == metric and history.complete.any():
                scores = history.scores[history.complete]
                best.setdefault(history.task.name, {})[child] = float(scores.max())
                described[history.task.name] = history.task.meta_features
    # Only tasks on which all children were run compare all of them.
    shared = [task for task, scores in best.items() if len(scores) == len(names)]
    if not shared or len(names) < 2:
        return tuple(names)
    near = _nearest([described[task] for task in shared], features)
    rows = np.array([[best[shared[i]][child] for child in names] for i in near])
    span = np.ptp(rows, axis=1, keepdims=True)
    score = ((rows - rows.min(axis=1, keepdims=True)) / np.where(span > 0, span, 1.0)).mean(axis=0)
    return tuple(names[i] for i in np.argsort(-score, kind="stable"))


def _nearest(tasks: Sequence[Mapping[str, float]], features: Mapping[str, float]) -> list[int]:
    """Indices of the prior tasks nearest to the table, at most NEIGHBOURS."""
    names = [n for n in features if all(n in task for task in tasks)]
    if not names:
        return list(range(len(tasks)))
    known = np.array([[task[n] for n in names] for task in tasks])
    spread = known.std(axis=0)
    useful = spread > 0
    own = np.array([features[n] for n in names])
    z = (known - own)[:, useful] / spread[useful]
    distance = np.sqrt((np.clip(z, -3.0, 3.0) ** 2).sum(axis=1))
    return [int(i) for i in np.argsort(distance, kind="stable")[:NEIGHBOURS]]
