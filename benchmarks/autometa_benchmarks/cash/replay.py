"""Replay of strategies on tables whose families are held out of what is learned.

All families of a portfolio that ran the same configs on the same tables take part; a table's scores
and seconds of all pairs are known, so a search of it costs nothing. Tables are dealt out to five
parts by their family, several times.

Shapes: T tables, m pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.portfolio import Portfolio
from autometa.task import TaskHistory
from autometa.tuning.pairs import Pairs, learn_pairs
from autometa_benchmarks.cash.strategies import NOTHING, STRATEGIES, Known

SECONDS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
TRIALS = (1, 3, 5, 10, 20, 30)
PARTS = 5
_MOST = 40  # trials of a search
_RESAMPLES = 4_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cell:
    """A strategy on one held-out table.

    Args:
        strategy: Its name.
        table: Its name.
        family: Of the table.
        split: Which of the splits.
        regret: After each of `SECONDS`, then after each of `TRIALS`.
    """

    strategy: str
    table: str
    family: str
    split: int
    regret: Floats


def replay(
    portfolios: Mapping[str, Portfolio],
    metric: str,
    *,
    strategies: Sequence[str] = tuple(STRATEGIES),
    splits: int = 3,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> Iterator[Cell]:
    """Every strategy on every table, in each split.

    Args:
        portfolios: Family -> its histories, of one kind of problem.
        metric: By which tables are scored.
        strategies: Names.
        splits: How often tables are dealt out.
        progress: Told (tables done, of, which).

    Raises:
        InputError: too few tables that all families share.
    """
    tables = _shared(portfolios, metric)
    names = sorted(tables)
    families = {name: next(iter(tables[name].values())).task.family for name in names}
    done, total = 0, splits * len(names)
    for split in range(splits):
        parts = _parts(sorted(set(families.values())), split)
        for part in range(PARTS):
            prior = [tables[n] for n in names if parts[families[n]] != part]
            held_out = [n for n in names if parts[families[n]] == part]
            group = _Part.of(prior, metric, split)
            for name in held_out:
                yield from group.on(name, tables[name], strategies)
                done += 1
                progress(done, total, name)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """What is learned from where a part of the tables is held out.

    Args:
        portfolios: Family -> prior histories.
        regret: Of all pairs on each prior table, (T, m).
        metric: By which tables are scored.
        split: Which of the splits.
    """

    portfolios: Mapping[str, Portfolio]
    regret: Floats
    metric: str
    split: int

    @staticmethod
    def of(prior: Sequence[Mapping[str, TaskHistory]], metric: str, split: int) -> _Part:
        portfolios = {family: Portfolio(each[family] for each in prior) for family in prior[0]}
        features = next(iter(prior[0].values())).task.meta_features
        learned = learn_pairs(portfolios, metric, features)
        if learned is None:
            raise InputError("too few prior tables of the same configs")
        regret = np.stack([_regret(_looked_up(learned, each)[0]) for each in prior])
        return _Part(portfolios=portfolios, regret=regret, metric=metric, split=split)

    def on(
        self, name: str, own: Mapping[str, TaskHistory], strategies: Sequence[str]
    ) -> Iterator[Cell]:
        """Every strategy on a held-out table, whose size says what a pair will take."""
        task = next(iter(own.values())).task
        learned = learn_pairs(self.portfolios, self.metric, task.meta_features)
        assert learned is not None
        scores, seconds = _looked_up(learned, own)
        known, truth = Known(regret=self.regret, pairs=learned, seed=self.split), _regret(scores)
        for strategy in strategies:
            order = islice(STRATEGIES[strategy](known, lambda pair: float(scores[pair])), _MOST)
            yield Cell(
                strategy=strategy,
                table=name,
                family=task.family,
                split=self.split,
                regret=_reached(list(order), truth, seconds),
            )


def _reached(order: Sequence[int], regret: Floats, seconds: Floats) -> Floats:
    """Least regret within each of SECONDS and after each of TRIALS."""
    ends = np.cumsum(seconds[list(order)])
    least = np.minimum.accumulate(np.append(NOTHING, regret[list(order)]))
    within = [least[int(np.searchsorted(ends, s, "right"))] for s in SECONDS]
    after = [least[min(k, len(order))] for k in TRIALS]
    return np.array([*within, *after])


def _looked_up(pairs: Pairs, own: Mapping[str, TaskHistory]) -> tuple[Floats, Floats]:
    """Score and seconds of each pair on a table, (m,); the worst score where a trial failed."""
    scores, seconds = np.empty(len(pairs.configs)), np.empty(len(pairs.configs))
    known = {
        family: {repr(sorted(t.config.items())): i for i, t in enumerate(h)}
        for family, h in own.items()
    }
    for k, (family, config) in enumerate(zip(pairs.families, pairs.configs, strict=True)):
        i = known[family][repr(sorted(config.items()))]
        scores[k] = own[family].scores[i] if own[family].complete[i] else np.nan
        seconds[k] = own[family].seconds[i]
    return np.where(np.isnan(scores), np.nanmin(scores), scores), np.nan_to_num(seconds, nan=1.0)


def _regret(scores: Floats) -> Floats:
    """0 for the best pair, 1 for the median one, at most 2; (m,)."""
    spread = max(float(scores.max() - np.median(scores)), 1e-6)
    clipped: Floats = np.clip((scores.max() - scores) / spread, 0.0, 2.0)
    return clipped


def _shared(portfolios: Mapping[str, Portfolio], metric: str) -> dict[str, dict[str, TaskHistory]]:
    """Table -> family -> history, for tables on which every family was run."""
    found: dict[str, dict[str, TaskHistory]] = {}
    for family, portfolio in portfolios.items():
        for history in portfolio.histories:
            if history.task.metric == metric and history.complete.any():
                found.setdefault(history.task.name, {})[family] = history
    shared = {name: each for name, each in found.items() if len(each) == len(portfolios)}
    if len(shared) < 2 * PARTS:
        raise InputError(
            f"{len(shared)} tables that all of {', '.join(portfolios)} were run on",
            allowed=f"{2 * PARTS} or more",
            do="Choose families of one collection",
        )
    return shared


def _parts(families: Sequence[str], split: int) -> dict[str, int]:
    order = np.random.default_rng(split).permutation(len(families))
    return {families[i]: k % PARTS for k, i in enumerate(order)}


def summarise(cells: Sequence[Cell]) -> dict[str, Any]:
    """Mean regret of each strategy, and its difference to `pairs` with a 95 % interval.

    Means are over tables, of the mean over splits; intervals are percentiles over resampled
    families of tables (Efron, 1979). A negative difference says that `pairs` is better.
    """
    tables = sorted({(c.family, c.table) for c in cells})
    by: dict[str, Floats] = {}
    for strategy in dict.fromkeys(c.strategy for c in cells):
        own: dict[tuple[str, str], list[Floats]] = {}
        for c in cells:
            if c.strategy == strategy:
                own.setdefault((c.family, c.table), []).append(c.regret)
        by[strategy] = np.stack([np.mean(own[t], axis=0) for t in tables])
    families = np.unique([family for family, _ in tables], return_inverse=True)[1]
    rows: list[dict[str, Any]] = []
    for strategy, regret in by.items():
        row: dict[str, Any] = {"strategy": strategy, "mean": regret.mean(axis=0).round(4).tolist()}
        if "pairs" in by and strategy != "pairs":
            low, high = _interval(by["pairs"] - regret, families)
            row["less"] = (by["pairs"] - regret).mean(axis=0).round(4).tolist()
            row["low"], row["high"] = low.round(4).tolist(), high.round(4).tolist()
        rows.append(row)
    return {
        "seconds": list(SECONDS),
        "trials": list(TRIALS),
        "tables": len(tables),
        "splits": len({c.split for c in cells}),
        "rows": rows,
    }


def _interval(difference: Floats, groups: Any) -> tuple[Floats, Floats]:
    rng, number = np.random.default_rng(0), int(groups.max()) + 1
    sums = np.stack([difference[groups == g].sum(axis=0) for g in range(number)])
    counts = np.bincount(groups)
    drawn = rng.integers(number, size=(_RESAMPLES, number))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)[:, None]
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return low, high
