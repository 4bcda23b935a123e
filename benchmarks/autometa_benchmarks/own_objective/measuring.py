"""Searches of users' own objectives, started from a family by its name, beside cold ones.

Real training: a score of three folds on a small table, features coded as people code them
(categories as numbers, missing cells as medians). The table's family is held out: the prior leaves
relatives out by itself, and is told the table's family besides. Regret is scaled by the best of all
that any method found in the cell and the median of random configs there. As fifteen trials pick the
luckiest of three folds, the best config so far is judged once more on other folds, which no search
has seen.

Shapes: k trials, c checkpoints.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import optuna
import pandas as pd

import autometa
from autometa.bench.compare import pair
from autometa.bench.provenance import commit, versions
from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.reading import MAX_TEXT, parse_json, read_bytes
from autometa.space import SearchSpace
from autometa.tables import Table, load_table
from autometa_benchmarks.own_objective.guides import GUIDES, Guide, builder

FOLDS, ROWS = 3, 600
METRICS = ("balanced_accuracy", "neg_log_loss")  # as scikit-learn calls them, higher is better
METHODS = ("prior by name", "cold TPE", "cold GP")
Score: TypeAlias = Callable[[Mapping[str, Any], int], float]
"""(config, number of a partition into folds) -> mean score."""
_RANDOM = 12  # random configs of a cell that say what is usual
_JUDGES = 5  # other partitions into folds that judge the best config
_NUMBERS = ("values", "regret", "judged")  # of a cell
_SUMMARY = ("method", "mean", "median", "cells")
AGAINST = ("after", "against", "points", "low", "high", "tables")
CHECKPOINTS = (1, 3, 5, 10, 15, 25, 50)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One search.

    Args:
        guide: Name of the space.
        table: Name of the table.
        method: One of `METHODS`.
        seed: Of the search.
        values: Best value after each trial, (k,), higher is better.
        regret: The same as normalised regret, (k,).
        judged: Score of the best config after each of `CHECKPOINTS` on other folds, (c,).
        commit: What produced it.
    """

    guide: str
    table: str
    method: str
    seed: int
    values: Floats
    regret: Floats
    judged: Floats
    commit: str = "unknown"


def measure(
    folder: Path,
    *,
    families: Sequence[str],
    tables: Sequence[str],
    trials: int,
    seeds: int,
    metric: str = METRICS[0],
    done: Sequence[Cell] = (),
) -> Iterator[Cell]:
    """The cells of a run that are missing, a table and a space after the other.

    Args:
        folder: Of the tables and their `index.csv`.
        families: Whose spaces.
        tables: Names of tables; those of the index with two to ten classes and few rows if empty.
        trials: Of a search.
        seeds: How many.
        metric: One of `METRICS`.
        done: Finished cells of as many trials by the same metric.

    Raises:
        InputError: another metric, or one that needs probabilities of support vectors.
    """
    if metric not in METRICS:
        raise InputError(f"metric {metric!r}", allowed=", ".join(METRICS))
    if metric != METRICS[0] and "svm" in families:
        raise InputError(f"{metric} of svm, which has no probabilities", allowed=METRICS[0])
    index = pd.read_csv(folder / "index.csv").set_index("name")
    finished = {(c.guide, c.table, c.seed) for c in done}
    for name in tables or small(index):
        table = _table(folder, name, str(index.loc[name, "family"]))
        for guide in (g for g in GUIDES if g.family in families):
            missing = [s for s in range(seeds) if (guide.name, name, s) not in finished]
            yield from _cells(guide, table, trials, missing, metric)


def small(index: pd.DataFrame) -> list[str]:
    """Tables that train in seconds: one a family, by name."""
    few = index[(index["rows"] <= ROWS) & (index["classes"].between(2, 10))].sort_index()
    return few[~few["family"].duplicated()].index.tolist()


def _cells(
    guide: Guide, table: Table, trials: int, seeds: Sequence[int], metric: str = METRICS[0]
) -> Iterator[Cell]:
    score = _score(guide, table, metric)
    evaluate, judge = _objective(guide, score), _judge(score)
    for seed in seeds:
        random = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.RandomSampler(seed=1000 + seed)
        )
        random.optimize(evaluate, n_trials=_RANDOM)
        usual = float(np.median([t.value for t in random.trials if t.value is not None]))
        found: dict[str, Floats] = {}
        judged: dict[str, Floats] = {}
        for method in METHODS:
            study = _study(method, guide, table, seed, metric)
            study.optimize(evaluate, n_trials=trials)
            seen = [-math.inf if t.value is None else t.value for t in study.trials]
            found[method] = np.maximum.accumulate(np.array(seen, dtype=np.float64))
            best_after = [int(np.argmax(seen[:k])) for k in CHECKPOINTS if k <= trials]
            judged[method] = np.array([judge(study.trials[at].params) for at in best_after])
        best = max(float(v[-1]) for v in found.values())
        scale = max(best - usual, 1e-3)
        for method, values in found.items():
            yield Cell(
                guide=guide.name,
                table=table.name,
                method=method,
                seed=seed,
                values=values,
                regret=(best - values) / scale,
                judged=judged[method],
                commit=commit(),
            )


def _study(method: str, guide: Guide, table: Table, seed: int, metric: str) -> optuna.Study:
    if method == "prior by name":
        return autometa.create_study(
            "maximize",
            prior=guide.family,
            metric=metric,
            data=table,
            space=SearchSpace(guide.space),
            fixed=guide.fixed,
            seed=seed,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler: Any = (
            optuna.samplers.TPESampler(seed=seed)
            if method == "cold TPE"
            else optuna.samplers.GPSampler(seed=seed)
        )
    return optuna.create_study(direction="maximize", sampler=sampler)


def _objective(guide: Guide, score: Score) -> Callable[[optuna.Trial], float]:
    """What a user would write."""
    from autometa.samplers.asking import suggest

    space = SearchSpace(guide.space)
    return lambda trial: score(suggest(trial, space), 0)


def _judge(score: Score) -> Callable[[Mapping[str, Any]], float]:
    """The score of a config on folds that no search has seen; equal configs are judged once."""
    known: dict[str, float] = {}

    def judge(config: Mapping[str, Any]) -> float:
        key = repr(sorted(config.items()))
        if key not in known:
            known[key] = float(np.mean([score(config, 1 + j) for j in range(_JUDGES)]))
        return known[key]

    return judge


def _score(guide: Guide, table: Table, metric: str) -> Score:
    """The mean score of a config over one of many partitions into folds."""
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    frame = table.X.apply(lambda c: c.cat.codes if str(c.dtype) == "category" else c)
    X = frame.fillna(frame.median()).to_numpy(dtype=np.float64)
    y = table.y.cat.codes.to_numpy()
    make = builder(guide.family)

    def score(config: Mapping[str, Any], partition: int) -> float:
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=partition)
        model = make(**config, **guide.fixed, random_state=0)
        model = make_pipeline(StandardScaler(), model) if guide.scaled else model
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = cross_val_score(model, X, y, cv=folds, scoring=metric)
        return float(np.mean(scores))

    return score


def _table(folder: Path, name: str, family: str) -> Table:
    table = load_table(str(folder / f"{name}.parquet"), "target", kind="classification")
    if len(table) > ROWS:
        table = table.subsample(ROWS, np.random.default_rng(0))
    return replace(table, name=name, family=family)


def results(cells: Sequence[Cell], *, metric: str, trials: int) -> dict[str, Any]:
    """All that is known of a run, as plain data; `read_cells` reads its cells again."""
    return {
        "suite": "own-objective",
        "metric": metric,
        "trials": trials,
        "versions": versions(),
        "regret": [dict(zip(_SUMMARY, row, strict=True)) for row in summary(cells)],
        "judged": [dict(zip(AGAINST, row, strict=True)) for row in against_cold(cells)],
        "cells": [
            asdict(c) | {n: np.round(getattr(c, n), 6).tolist() for n in _NUMBERS} for c in cells
        ],
    }


def read_cells(file: Path, *, metric: str, trials: int) -> list[Cell]:
    """The cells of a run's results, if there are any yet; only searches that all methods made.

    Raises:
        InputError: they are of another metric or other numbers of trials, or no such results.
    """
    if not file.exists():
        return []
    try:
        found = parse_json(read_bytes(file, MAX_TEXT))
        cells = [Cell(**c | {n: np.array(c[n]) for n in _NUMBERS}) for c in found["cells"]]
        run = found["metric"], found["trials"]
    except (ValueError, TypeError, LookupError) as error:
        raise InputError(f"{file}, which holds no such results", allowed="a new file") from error
    if run != (metric, trials):
        raise InputError(
            f"{file} of {run[1]} trials by {run[0]}",
            allowed=f"a new file, or one of {trials} trials by {metric}",
        )
    made = Counter((c.guide, c.table, c.seed) for c in cells)
    return [c for c in cells if made[c.guide, c.table, c.seed] == len(METHODS)]


def summary(cells: Sequence[Cell]) -> list[list[Any]]:
    """A row a method: mean and median regret after each of `CHECKPOINTS`, and how many cells."""
    rows: list[list[Any]] = []
    at = [k - 1 for k in CHECKPOINTS if k <= min((len(c.regret) for c in cells), default=0)]
    for method in METHODS:
        regret = np.array([c.regret[at] for c in cells if c.method == method])
        if len(regret):
            means, medians = regret.mean(axis=0), np.median(regret, axis=0)
            rows.append([method, means.round(3).tolist(), medians.round(3).tolist(), len(regret)])
    return rows


def against_cold(cells: Sequence[Cell]) -> list[list[Any]]:
    """How far the prior by name is above what cold searches found, in points of the metric.

    Returns:
        `AGAINST`, a row for the prior after one and three trials beside TPE's fifteenth, and at
        equal trials beside each cold method: the mean over tables of the scores on other folds,
        and its 95 % bootstrap interval.
    """
    shown = [k for k in CHECKPOINTS if k <= max((len(c.values) for c in cells), default=0)]
    asked = [(1, METHODS[1], 15), (3, METHODS[1], 15)]
    asked += [(k, cold, k) for cold in METHODS[1:] for k in shown]
    means = {key: np.mean(rows, axis=0) for key, rows in _by_table(cells).items()}
    tables = [t for t in sorted({t for _, t in means}) if all((m, t) in means for m in METHODS)]
    rows = []
    for ours, cold, theirs in asked:
        if theirs in shown and tables:
            gaps = [
                means[METHODS[0], t][shown.index(ours)] - means[cold, t][shown.index(theirs)]
                for t in tables
            ]
            paired = pair(100.0 * np.array(gaps)[:, None], np.zeros((len(gaps), 1)), tie=0.0)
            interval = [paired[name][0] for name in ("difference", "low", "high")]
            rows.append([ours, f"{cold} @{theirs}", *interval, len(tables)])
    return rows


def _by_table(cells: Sequence[Cell]) -> dict[tuple[str, str], list[Floats]]:
    found: dict[tuple[str, str], list[Floats]] = {}
    for cell in cells:
        found.setdefault((cell.method, cell.table), []).append(cell.judged)
    return found
