"""Suite inner-rate-law: the best learning rate of model sizes that were left out.

Three public sets of runs at random sizes and rates. "sizes": sizes in eight parts, each left out
once; "larger": all sizes above the 70 % quantile left out. The law is what ships
(`autometa.inner.rate_law.FamilyLaw` learned from the rest), without the word of other families. The
single rate is the better one of its kind for each measure: the median of the known truths for the
error, the rate of least mean loss for the regret.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from autometa.encoding import Floats
from autometa.inner.rate_curve import Runs
from autometa.inner.rate_law import CAUTION, JITTER, QUANTILE, FamilyLaw
from autometa_benchmarks.inner.lr_case import interval
from autometa_benchmarks.inner.rate_learning import SWEPT, family, folds_of
from autometa_benchmarks.inner.rate_runs import SOURCES, Source
from autometa_benchmarks.inner.rate_surrogate import Truth, truth

FOLDS, LARGEST = 8, 0.7
PROTOCOL = {
    "truth": "the mean of two Gaussian processes over all runs of the set, at 200 runs drawn by "
    "the seed, each a mean over six settings of the rest; `r2` is what one explains of sizes left "
    "out",
    "error": "median of |log10 rate - log10 truth|; ci95 half the width of the 95 % bootstrap "
    "interval over sizes",
    "regret": "mean loss above the least (log scale), read on the process",
    "coverage": "share of the truths in the 80 % interval, its width from sizes left out among "
    "those known",
    "correlation": "recorded runs of the sizes left out: rank correlation of the distance of their "
    "rate from the prediction with their loss, less what the sizes and other settings explain",
}
VARIANTS = {f"{name}-{kind}": (name, kind) for name in SWEPT for kind in ("sizes", "larger")}


def facts() -> dict[str, Any]:
    """Protocol and bars, for the results file."""
    bars: list[dict[str, Any]] = []
    for variant, (_, kind) in VARIANTS.items():
        most = 0.5 if kind == "sizes" else 0.7
        asked = [("ratio", "error to single", "minimize", most)]
        if kind == "sizes":
            asked.append(("ratio", "regret to single", "minimize", most))
        else:
            asked += [("coverage", "interval", "maximize", 0.7)]
            asked += [("coverage", "interval", "minimize", 0.9)]
        bars += [
            {"variant": variant, "part": part, "measure": what, "direction": way, "bar": bar}
            for part, what, way, bar in asked
        ]
    return {"protocol": PROTOCOL, "bars": bars}


def run(variant: str, seed: int, *, data: Path | None) -> dict[str, Any]:
    """Learn from the sizes that are known, predict for those left out.

    Args:
        variant: In `VARIANTS`.
        seed: Of the parts and of the runs whose truths are asked for.
        data: Root of the public data; None = AUTOMETA_DATA.

    Returns:
        A record for `record_file.add_records`.

    Raises:
        InputError: the data are not there.
    """
    name, kind = VARIANTS[variant]
    source = next(s for s in SOURCES if s.name == name)
    runs = source.read(data)
    known = _truth(source, data, seed)
    if kind == "larger":
        sides = [runs.group > np.quantile(np.unique(runs.group), LARGEST)]
    else:
        fold = folds_of(runs, FOLDS, seed)
        sides = [fold == k for k in range(FOLDS)]
    parts = [_judged(source, runs, known, away) for away in sides]
    rows = np.concatenate([part["rows"] for part in parts])
    sizes = runs.group[known.rows[rows]]

    def by_size(key: str) -> list[Floats]:
        values = np.concatenate([part[key] for part in parts])
        return [values[sizes == size] for size in np.unique(sizes)]

    error = {who: by_size(f"error {who}") for who in ("law", "single")}
    regret = {who: by_size(f"regret {who}") for who in ("law", "single")}
    return {
        "variant": variant,
        "seed": seed,
        "runs": len(runs),
        "r2": round(known.r2, 4),
        "error": {who: interval(np.median, values) for who, values in error.items()},
        "regret": {who: interval(np.mean, values) for who, values in regret.items()},
        "ratio": {
            "error to single": interval(np.median, error["law"], error["single"]),
            "regret to single": interval(np.mean, regret["law"], regret["single"]),
        },
        "coverage": {"interval": interval(np.mean, by_size("covered"))},
        "correlation": {
            who: {"mean": float(np.mean([p[f"correlation {who}"] for p in parts])), "ci95": None}
            for who in ("law", "single")
        },
    }


@cache
def _truth(source: Source, data: Path | None, seed: int) -> Truth:
    return truth(source.read(data), seed)


def _judged(source: Source, runs: Runs, known: Truth, away: NDArray[np.bool_]) -> dict[str, Any]:
    """One part left out: what was predicted for its truths."""
    here = np.flatnonzero(away[known.rows])
    there = np.flatnonzero(~away[known.rows])
    place = np.cumsum(~away) - 1  # of a run among those known
    rest = Truth(
        rows=place[known.rows[there]],
        grid=known.grid,
        curves=known.curves[there],
        r2=known.r2,
    )
    law = family(source, runs.part(~away), rest)
    asked = runs.sizes[known.rows[here]]
    rate, centre, spread = _said(law, asked)
    single = float(np.median(rest.best))
    least = float(known.grid[rest.curves.mean(axis=0).argmin()])
    best = known.best[here]
    all_rates, *_ = _said(law, runs.sizes[away])
    excess = _excess(runs)[away]
    return {
        "rows": here,
        "error law": np.abs(best - rate),
        "error single": np.abs(best - single),
        "regret law": known.regret(rate, here),
        "regret single": known.regret(np.full(len(here), least), here),
        "covered": (np.abs(best - centre) <= QUANTILE * spread).astype(float),
        "correlation law": _rank(np.abs(runs.log_rate[away] - all_rates), excess),
        "correlation single": _rank(np.abs(runs.log_rate[away] - least), excess),
    }


def _said(law: FamilyLaw, sizes: Floats) -> tuple[Floats, Floats, Floats]:
    """Recommended rate, middle of the interval and standard deviation, log10."""
    mode, spread = np.array([law.predict(row) for row in sizes]).T
    clipped = np.clip(sizes, law.lowest, law.highest)
    rate = mode - law.curve.below(clipped, np.maximum(CAUTION * spread, JITTER))
    return rate, mode - law.curve.below(clipped, np.full(len(sizes), JITTER)), spread


def _excess(runs: Runs) -> Floats:
    """Losses less what a quadratic in the sizes and the other settings explain."""
    z = (runs.sizes - runs.sizes.mean(axis=0)) / runs.sizes.std(axis=0)
    pairs = [z[:, i] * z[:, j] for i in range(z.shape[1]) for j in range(i, z.shape[1])]
    design = np.column_stack([np.ones(len(z)), z, *pairs, runs.others])
    return np.asarray(runs.loss - design @ np.linalg.lstsq(design, runs.loss, rcond=None)[0])


def _rank(a: Floats, b: Floats) -> float:
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])
