"""Pairs of a family and a config: which to try next on a table, by what all families did elsewhere.

Where several families ran the same configs on the same prior tables, one Gaussian over all pairs
says what each will give on a new table, its mean and covariance those of the prior tables, which
count by how near they are in size and in what simple models make of them. So a result of one
family's config moves what is expected of every other's: nearest neighbours that fail say something
of the kernels of support vectors, and a good forest of boosting.

A table's scores are y = o - a f with f the regret, 0 for the best pair of the table and 1 for the
median one. The best score o is integrated out under a flat prior, the spread a summed over a grid
under the prior tables' distribution of log a. The next pair has the largest expected improvement
for each root of a second. By trials alone a dear config is tried before ten cheap ones that are
nearly as good; by whole seconds the cheap ones of no promise come first. On 82 public tables with
families of tables held out (four families, 264 pairs, the designs of the collection, one seed of
the split), mean regret after .3, 1, 3 and 10 s of training was

    sequential halving of the families, each by its own list   1.44  .81  .35  .13
    a greedy list over all pairs                                .85  .48  .21  .07
    a greedy list for each second                               .18  .10  .05  .04
    expected improvement for each second (p = 1), o, a known    .18  .08  .06  .04
    for each root of a second (p = 1/2), o and a known          .15  .07  .04  .03
    for each root of a second, o and a integrated (ships)       .16  .08  .04  .03

Tables that are alike count most in the means, less so in the covariances, which need many: with all
ten families (722 and 362 pairs), on splits that nothing was chosen on, regret after .1 / .3 / 1 / 3
/ 10 / 30 s by trials where all tables count alike, and as it ships

    balanced accuracy   .407 .231 .158 .112 .082 .072    .353 .210 .146 .100 .079 .074
    log loss            .342 .168 .104 .069 .051 .041    .347 .167 .093 .066 .037 .023
    R2                  .324 .199 .128 .089 .044 .031    .305 .187 .118 .074 .036 .025

The same weights in both added .01 of log loss from the third second on; with even covariances
balanced accuracy had nothing of it from then on.

Shapes: T tables, m pairs, n results, g values of the grid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import ndtr

from autometa.encoding import Floats
from autometa.portfolio import Portfolio
from autometa.portfolio.diff import row_keys
from autometa.space import Config
from autometa.task import TaskHistory

# Of the largest family's tables, that a family must have been run on; of a family's tables, that a
# usual config must have been.
_COMMON = 0.9
_FEWEST = 8  # tables, below which a covariance says nothing
_NOISE = 0.1  # standard deviation of a result, in units of the spread
_LEAST = 1e-6
_WORST = 2.0  # regret, above which pairs are equally bad
_GRID = np.linspace(-2.0, 2.0, 9)
_ROOT = 0.5  # power of the seconds
_SIZES = ("log_rows", "log_columns", "log_classes")
_LANDMARKS = ("landmark_nearest", "landmark_stump", "landmark_bayes", "landmark_linear")
# Of means and of covariances: deviations at which a table counts e^-1/2 of one that is the same,
# and what every table counts.
_NEAR, _WIDE = (0.6, 0.03), (1.2, 0.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """See the module.

    Args:
        families: Family of each pair, length m.
        configs: Config of each pair, length m.
        mean: Expected minus regret, (m,).
        cov: Its covariance, (m, m).
        log_spread: Mean and standard deviation of log a.
        seconds: What each pair takes on the table, (m,).
        tables: How many prior tables say so.
    """

    families: tuple[str, ...]
    configs: tuple[Config, ...]
    mean: Floats
    cov: Floats
    log_spread: tuple[float, float]
    seconds: Floats
    tables: int

    @property
    def why(self) -> str:
        """The reason of a suggestion."""
        return (
            f"promises most for its seconds, by what {len(self.configs)} pairs of family and "
            f"config did on {self.tables} prior tables and do here"
        )

    def next(
        self,
        seen: Mapping[int, float | None],
        took: Mapping[int, float] | None = None,
        most: Mapping[str, float] | None = None,
    ) -> int | None:
        """The pair to try next; None where all were tried, or none would end in time.

        Args:
            seen: Pair -> its score, higher is better; None where it failed or still runs.
            took: Pair -> seconds that it took here.
            most: Family -> seconds that a trial may take; any where it is not named.
        """
        left = np.ones(len(self.mean), dtype=bool)
        left[list(seen)] = False
        seconds = self.seconds_here(took or {})
        if most:
            left &= seconds <= np.array([most.get(name, np.inf) for name in self.families])
        if not left.any():
            return None
        scored = {i: y for i, y in seen.items() if y is not None and np.isfinite(y)}
        value = self._improvement(scored) if scored else self._first()
        return int(np.where(left, value / seconds**_ROOT, -np.inf).argmax())

    def seconds_here(self, took: Mapping[int, float]) -> Floats:
        """Seconds (m,) by what prior tables say and by how that was off here.

        A family is off by the mean of the logs of its own ratios and of all families' mean, which
        counts as one of them.

        Args:
            took: Pair -> seconds that it took here.
        """
        if not took:
            return self.seconds
        ratios: dict[str, list[float]] = {}
        for i, found in took.items():
            ratio = np.log(max(found, 1e-3) / self.seconds[i])
            ratios.setdefault(self.families[i], []).append(float(ratio))
        common = float(np.mean([np.mean(own) for own in ratios.values()]))
        off = {name: float(np.mean([common, *own])) for name, own in ratios.items()}
        each = np.array([off.get(name, common) for name in self.families])
        result: Floats = self.seconds * np.exp(each)
        return result

    def _first(self) -> Floats:
        """Expected improvement (m,) over a median pair, before the first result."""
        return _expected(self.mean, np.sqrt(np.diag(self.cov)), float(np.median(self.mean)))

    def _improvement(self, scored: Mapping[int, float]) -> Floats:
        """Expected improvement (m,) over the best score, in the metric's units."""
        rows, y = list(scored), np.array(list(scored.values()))
        n, ones = len(rows), np.ones(len(rows))
        among = cho_factor(self.cov[np.ix_(rows, rows)] + _NOISE**2 * np.eye(n), lower=True)
        gain = cho_solve(among, self.cov[rows]).T  # (m, n)
        pull = cho_solve(among, ones)
        weight = float(ones @ pull)
        beyond = 1.0 - gain @ ones  # of the offset, that a pair's own results do not cancel
        variance = np.diag(self.cov) - (gain * self.cov[:, rows]).sum(axis=1)
        deviation = np.sqrt(np.maximum(variance + beyond**2 / weight, 1e-8))
        spreads = np.exp(self.log_spread[0] + self.log_spread[1] * _GRID)
        logs, values = [], []
        for spread, prior in zip(spreads, -0.5 * _GRID**2, strict=True):
            residual = y / spread - self.mean[rows]
            offset = float(pull @ residual) / weight
            apart = residual - offset
            fit = -0.5 * float(apart @ cho_solve(among, apart))
            logs.append(prior + fit - (n - 1) * np.log(spread))
            mean = self.mean + offset + gain @ apart
            values.append(spread * _expected(mean, deviation, float(y.max()) / spread))
        weights = np.exp(np.array(logs) - max(logs))
        result: Floats = weights @ np.array(values) / weights.sum()
        return result


def learn_pairs(
    portfolios: Mapping[str, Portfolio], metric: str, features: Mapping[str, float]
) -> Pairs | None:
    """What prior tables say of all pairs; None where too few say something of the same ones.

    Families that were run on too few of the tables, such as those whose histories are of another
    collection, are left out, and so are tables on which a family ran other configs than on most:
    a user's own searches, or large tables that tried a few.

    Args:
        portfolios: Family -> its prior tables.
        metric: Only tables of this metric can be compared.
        features: Meta-features of the new table.
    """
    found = {name: _usual(_by_table(p, metric)) for name, p in portfolios.items()}
    most = max((len(tables) for tables in found.values()), default=0)
    compared = [n for n, tables in found.items() if len(tables) >= max(_COMMON * most, _FEWEST)]
    shared = sorted(set.intersection(*(set(found[n]) for n in compared))) if compared else []
    if len(shared) < _FEWEST:
        return None
    parts = [_matrix([found[name][t] for t in shared]) for name in compared]
    scores = np.concatenate([p.scores for p in parts], axis=1)
    if scores.shape[1] < 2:
        return None
    regret, spread = _regret(scores)
    logs = np.log(np.maximum(spread, _LEAST))
    sizes = [found[compared[0]][t].history.task.meta_features for t in shared]
    seconds = [_seconds(p.seconds, sizes, features) for p in parts]
    distance = _distance(sizes, features)
    wide = _weights(distance, *_WIDE)
    cov = np.cov(-regret, rowvar=False, aweights=wide) + 1e-3 * np.eye(regret.shape[1])
    return Pairs(
        families=tuple(n for n, p in zip(compared, parts, strict=True) for _ in p.configs),
        configs=tuple(c for p in parts for c in p.configs),
        mean=-_weights(distance, *_NEAR) @ regret,
        cov=cov,
        log_spread=(float(logs.mean()), float(max(logs.std(), 0.1))),
        seconds=np.maximum(np.concatenate(seconds), 1e-3),
        tables=len(shared),
    )


@dataclass(frozen=True, slots=True)
class _Ran:
    """What a family ran on a table, and the place of each config, by what tells it from others."""

    history: TaskHistory
    places: Mapping[bytes, int]


@dataclass(frozen=True, slots=True)
class _Matrix:
    """Configs that a family ran on every table: scores and seconds (T, m)."""

    configs: tuple[Config, ...]
    scores: Floats
    seconds: Floats


def _by_table(portfolio: Portfolio, metric: str) -> dict[str, _Ran]:
    """Floats of a config count to seven digits."""
    return {
        h.task.name: _Ran(h, {k: i for i, k in enumerate(row_keys(h.raw.astype(np.float32)))})
        for h in portfolio.histories
        if h.task.metric == metric and h.complete.any() and h.task.meta_features
    }


def _usual(tables: Mapping[str, _Ran]) -> dict[str, _Ran]:
    """Those of the tables on which all configs were run that were run on most of them."""
    counts = Counter(key for ran in tables.values() for key in ran.places)
    usual = {key for key, n in counts.items() if n >= _COMMON * max(counts.values(), default=0)}
    return {table: ran for table, ran in tables.items() if usual <= ran.places.keys()}


def _matrix(tables: Sequence[_Ran]) -> _Matrix:
    """The configs that were run on all tables, in the order of the first; NaN where one failed."""
    first = tables[0]
    every = [k for k in first.places if all(k in ran.places for ran in tables)]
    if not every:
        return _Matrix((), np.empty((len(tables), 0)), np.empty((len(tables), 0)))
    rows = [(ran.history, [ran.places[k] for k in every]) for ran in tables]
    return _Matrix(
        tuple(first.history.task.space.from_raw(first.history.raw[rows[0][1]])),
        np.stack([np.where(h.complete, h.scores, np.nan)[places] for h, places in rows]),
        np.stack([h.seconds[places] for h, places in rows]),
    )


def _regret(scores: Floats) -> tuple[Floats, Floats]:
    """Regrets (T, m), 0 for the best and 1 for the median pair of a table, and spreads (T,).

    A failure is as bad as the worst; a table on which all are alike has no regret.
    """
    best = np.nanmax(scores, axis=1, keepdims=True)
    spread = np.maximum(best - np.nanmedian(scores, axis=1, keepdims=True), _LEAST)
    regret = np.clip((best - scores) / spread, 0.0, _WORST)
    return np.where(np.isnan(scores), _WORST, regret), spread[:, 0]


def _distance(tables: Sequence[Mapping[str, float]], features: Mapping[str, float]) -> Floats:
    """How far prior tables are in size and in what simple models make of them, (T,), squared.

    In deviations of a feature; one that all prior tables have alike tells none of them apart.
    """
    known, own = _known(_SIZES + _LANDMARKS, tables, features)
    spread = known.std(axis=0)
    apart = np.nan_to_num((known - own) / np.maximum(spread, 1e-9))
    result: Floats = (apart[:, spread > 0.0] ** 2).sum(axis=1) / max(len(own), 1)
    return result


def _weights(distance: Floats, width: float, least: float) -> Floats:
    """What prior tables count by their squared distance, (T,); sum 1."""
    weights = np.exp(-0.5 * distance / width**2) + least
    result: Floats = weights / weights.sum()
    return result


def _seconds(
    seconds: Floats, tables: Sequence[Mapping[str, float]], features: Mapping[str, float]
) -> Floats:
    """Seconds (m,) on a table of other sizes: a config's mean log, and a slope for all of them."""
    logs = np.log(np.maximum(np.nan_to_num(seconds, nan=1.0), 1e-4))
    sizes, own = _known(_SIZES, tables, features)
    if not len(own):
        plain: Floats = np.exp(logs.mean(axis=0))
        return plain
    centre = sizes.mean(axis=0)
    slope = np.linalg.lstsq(sizes - centre, logs.mean(axis=1) - logs.mean(), rcond=None)[0]
    result: Floats = np.exp(np.minimum(logs.mean(axis=0) + (own - centre) @ slope, 20.0))
    return result


def _known(
    wanted: Sequence[str], tables: Sequence[Mapping[str, float]], features: Mapping[str, float]
) -> tuple[Floats, Floats]:
    """Those of some meta-features that all tables have, the prior ones (T, k) and the new (k,)."""
    names = [n for n in wanted if n in features and all(n in t for t in tables)]
    known = np.array([[t[n] for n in names] for t in tables]).reshape(len(tables), len(names))
    return known, np.array([features[n] for n in names])


def _expected(mean: Floats, deviation: Floats, best: float) -> Floats:
    """Expected improvement (Mockus, 1975), elementwise."""
    z = (mean - best) / deviation
    result: Floats = deviation * (z * ndtr(z) + np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi))
    return result
