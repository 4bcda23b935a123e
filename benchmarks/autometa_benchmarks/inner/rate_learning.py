"""How `rate_law.json` is learned from public runs; `autometa bench inner rate-law --learn FILE`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.inner.rate_curve import RateCurve, Runs, fit_curve, margin
from autometa.inner.rate_law import JITTER, QUANTILE, Between, FamilyLaw, RateLaw
from autometa_benchmarks.inner.rate_runs import SOURCES, Source
from autometa_benchmarks.inner.rate_surrogate import Truth, truth

SWEPT = ("language", "image-text", "tables-in-context")  # many sizes: spread from sizes left out
_WINNERS, _LEAST_SPREAD, _MOST_SPREAD = 5, 0.08, 0.6
_SLOPE_BETWEEN = 0.15  # what a slope between families is thought to be


def learn(data: Path | None) -> RateLaw:
    """The law from everything there is."""
    families = []
    for source in SOURCES:
        runs = source.read(data)
        swept = truth(runs) if source.name in SWEPT else None
        families.append(winners(source, runs) if source.pretrained else family(source, runs, swept))
    found = between(families)
    return RateLaw(families=tuple(sloped(one, found) for one in families), between=found)


def sloped(one: FamilyLaw, found: Sequence[Between]) -> FamilyLaw:
    """A family whose runs are of one network changes with parameters as families do among them."""
    if one.lowest[0] != one.highest[0]:
        return one
    slope = next(b.by_parameters for b in found if b.optimizer == one.optimizer)
    level, _, *others = one.curve.best
    slope *= one.curve.scale[0]
    return replace(one, curve=replace(one.curve, best=(level, slope, *others)))


def family(source: Source, runs: Runs, swept: Truth | None, folds: int = 8) -> FamilyLaw:
    """The law of one family, its spread from groups left out.

    Args:
        source: What it is.
        runs: To learn from.
        swept: The truth at some of `runs`; without one, each group's own best rate plays it.
        folds: Parts that the groups are left out in.
    """
    curve = fit_curve(runs, shapes=source.shapes)
    if swept is None:
        errors = _own_offsets(runs, curve)
    else:
        errors = np.concatenate([e for _, e in left_out(runs, swept, curve, folds, seed=0)])
    return _law(source, runs, curve, spread(errors))


def spread(errors: Floats) -> float:
    """The standard deviation whose 80 % interval covers 80 % of the errors."""
    found = float(np.quantile(np.abs(errors), 0.8)) / QUANTILE
    return round(float(np.clip(found, _LEAST_SPREAD, _MOST_SPREAD)), 4)


def folds_of(runs: Runs, folds: int, seed: int) -> Floats:
    """The fold of each run: groups are never split."""
    names = np.random.default_rng(seed).permutation(np.unique(runs.group))
    place = {name: i % folds for i, name in enumerate(names)}
    return np.array([place[g] for g in runs.group])


def left_out(
    runs: Runs, swept: Truth, start: RateCurve, folds: int, seed: int
) -> list[tuple[NDArray[Any], Floats]]:
    """For each fold of sizes: which of the truth's points, and best rate minus the law's."""
    fold, found = folds_of(runs, folds, seed), []
    for k in range(folds):
        here = np.flatnonzero(fold[swept.rows] == k)
        curve = fit_curve(runs.part(fold != k), start, shapes=len(start.low) - 1)
        found.append((here, swept.best[here] - best_rate(curve, runs.sizes[swept.rows[here]])))
    return found


def best_rate(curve: RateCurve, sizes: Floats) -> Floats:
    """log10 of the rate of least expected loss where the law is known."""
    return np.asarray(curve.mode(sizes) - curve.below(sizes, np.full(len(sizes), JITTER)))


def _own_offsets(runs: Runs, curve: RateCurve) -> Floats:
    """By how much the curve must be moved to fit each group best."""
    offsets = np.linspace(-1.5, 1.5, 61)
    low, high = curve.steepness(runs.sizes)
    u = runs.log_rate - curve.mode(runs.sizes)
    loss, found = np.minimum(runs.loss, np.quantile(runs.loss, 0.8)), []
    for name in np.unique(runs.group):
        rows = runs.group == name
        moved = u[rows] - offsets[:, None]
        below, above = np.maximum(-moved, 0.0), np.maximum(moved, 0.0)
        shape = low[rows] * below**2 / (1 + below) + high[rows] * (1 - np.exp(-3 * above**2))
        residual = loss[rows] - shape
        found.append(offsets[residual.var(axis=1).argmin()])
    return np.array(found)


def winners(source: Source, runs: Runs) -> FamilyLaw:
    """A family whose runs are winners of searches: the rates of the best ones, no curve.

    Such runs hardly differ by their rate, so that there is nothing to fit a curve to.
    """
    best = []
    for name in np.unique(runs.group):
        rows = np.flatnonzero(runs.group == name)
        best.append(np.median(runs.log_rate[rows[runs.loss[rows].argsort()[:_WINNERS]]]))
    fitted = RateCurve(
        centre=tuple(np.round(runs.sizes.mean(axis=0), 5).tolist()),
        scale=(1.0, 1.0, 1.0),
        best=(round(float(np.mean(best)) + margin(0.3, 0.8, JITTER), 5), 0.0, 0.0, 0.0),
        low=(0.3, 0.0, 0.0),
        high=(0.8, 0.0, 0.0),
    )
    return _law(source, runs, fitted, spread(np.array(best) - np.mean(best)))


def _law(source: Source, runs: Runs, curve: RateCurve, width: float) -> FamilyLaw:
    return FamilyLaw(
        name=source.name,
        about=source.about,
        optimizer=source.optimizer,
        pretrained=source.pretrained,
        example=source.example,
        curve=curve,
        lowest=tuple(np.round(runs.sizes.min(axis=0), 4).tolist()),
        highest=tuple(np.round(runs.sizes.max(axis=0), 4).tolist()),
        spread=width,
        runs=len(runs),
        groups=len(np.unique(runs.group)),
        source=source.source,
        licence=source.licence,
        mixed=source.mixed,
    )


def between(families: Sequence[FamilyLaw]) -> tuple[Between, ...]:
    """What lies between families that train from nothing: a weak slope and a wide spread.

    Two families of SGD are too few for a slope and a spread of their own: those of Adam serve. The
    small modules are of many kinds themselves and do not count as one more.
    """
    found: dict[str, Between] = {}
    for optimizer in ("adam", "sgd"):
        kin = [f for f in families if f.optimizer == optimizer and not f.pretrained]
        kin = [f for f in kin if not f.mixed]
        swept = [f.curve.slopes[2] for f in families if f.name in SWEPT]
        by_batch = float(np.mean(swept))
        size = np.array([f.curve.centre[0] - 6.0 for f in kin])
        batch = np.array([f.curve.centre[2] - 2.0 for f in kin])
        rate = np.array([f.curve.best[0] for f in kin]) - by_batch * batch
        slope = found["adam"].by_parameters if optimizer == "sgd" else _slope(size, rate)
        level = float(np.mean(rate - slope * size))
        off = rate - slope * size - level
        width = float(np.sqrt(off @ off / max(len(kin) - 1, 1)))
        if optimizer == "sgd":
            width = max(width, found["adam"].spread)
        low, high = (
            float(np.exp(np.mean([np.log(max(getattr(f.curve, side)[0], 0.05)) for f in kin])))
            for side in ("low", "high")
        )
        made = Between(
            optimizer=optimizer,
            rate=level,
            by_parameters=slope,
            by_batch=by_batch,
            spread=width,
            low=low,
            high=high,
        )
        numbers = {n: round(getattr(made, n), 5) for n in made.__slots__ if n != "optimizer"}
        found[optimizer] = replace(made, **numbers)
    return tuple(found.values())


def _slope(size: Floats, rate: Floats) -> float:
    """Least squares with a prior that knows how weak such slopes are."""
    x, y = size - size.mean(), rate - rate.mean()
    noise = 0.5
    return float(x @ y / (x @ x + (noise / _SLOPE_BETWEEN) ** 2))
