"""Cells -> ranks, paired wins and what was lost to untuned defaults.

A place is a (table, seed) at one time. Ranks are over the systems that have a result at every place
of a time, failures last; wins are paired, ties half, with the 95 % percentile interval over
resampled families of tables (Efron, 1979), since seeds and relatives fall together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from autometa.encoding import Floats
from autometa_benchmarks.automl.systems import OURS

TIE = 1e-9
_RESAMPLES = 4_000


def summarise(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One entry a time, and the systems that are missing with the reason."""
    missing = {c["system"]: c["missing"] for c in cells if "missing" in c}
    ran = [c for c in cells if c["system"] not in missing]
    times = sorted({c["asked"] for c in ran})
    return {
        "systems": list(dict.fromkeys(c["system"] for c in ran)),
        "missing": missing,
        "times": [_at(t, [c for c in ran if c["asked"] == t]) for t in times],
    }


def _at(seconds: float, cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    systems = list(dict.fromkeys(c["system"] for c in cells))
    by: dict[tuple[str, str, int], dict[str, Mapping[str, Any]]] = {}
    for c in cells:
        by.setdefault((c["family"], c["table"], c["seed"]), {})[c["system"]] = c
    places = {place: row for place, row in by.items() if len(row) == len(systems)}
    found: dict[str, Any] = {"seconds": seconds, "places": len(places), "tables": 0, "rows": []}
    if not places:
        return found
    found["tables"] = len({table for _, table, _ in places})
    scores = np.array([[_score(row[s]) for s in systems] for row in places.values()])
    ranks = np.array([rankdata(-row) for row in scores])
    families = np.unique([family for family, _, _ in places], return_inverse=True)[1]
    for k, system in enumerate(systems):
        own = [row[system] for row in places.values()]
        taken = [c["took"] for c in own if "took" in c]
        entry: dict[str, Any] = {
            "system": system,
            "rank": round(float(ranks[:, k].mean()), 3),
            "score": round(float(_relative(scores)[:, k].mean()), 4),
            "failed": int((~np.isfinite(scores[:, k])).sum()),
            "median_took": round(float(np.median(taken)), 1) if taken else None,
            "longest_took": max(taken) if taken else None,
        }
        if OURS in systems and system != OURS:
            ours = scores[:, systems.index(OURS)]
            entry["wins"] = _wins(ours, scores[:, k], families)
        found["rows"].append(entry)
    found["rows"].sort(key=lambda entry: entry["rank"])
    if OURS in systems:
        found["behind_defaults"] = _behind(places)
    return found


def _score(cell: Mapping[str, Any]) -> float:
    value = cell.get("score")
    return -np.inf if value is None else float(value)


def _relative(scores: Floats) -> Floats:
    """0 for the worst result of a place, 1 for the best; a failure is a 0."""
    known = np.where(np.isfinite(scores), scores, np.nan)
    low = np.nanmin(known, axis=1, keepdims=True, initial=np.inf, where=~np.isnan(known))
    high = np.nanmax(known, axis=1, keepdims=True, initial=-np.inf, where=~np.isnan(known))
    spread = np.where(high - low > TIE, high - low, 1.0)
    part = np.where(high - low > TIE, (known - low) / spread, 1.0)
    return np.nan_to_num(part, nan=0.0)


def _wins(ours: Floats, theirs: Floats, families: Any) -> dict[str, Any]:
    """Share of places won, ties half, with its interval."""
    both = np.where(np.isfinite(ours) | np.isfinite(theirs), ours, 0.0)
    other = np.where(np.isfinite(ours) | np.isfinite(theirs), theirs, 0.0)
    won, lost = both > other + TIE, both < other - TIE
    share = np.where(won, 1.0, np.where(lost, 0.0, 0.5))
    rng, number = np.random.default_rng(0), int(families.max()) + 1
    sums, counts = np.bincount(families, weights=share), np.bincount(families)
    drawn = rng.integers(number, size=(_RESAMPLES, number))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {
        "won": int(won.sum()),
        "tied": int((~won & ~lost).sum()),
        "lost": int(lost.sum()),
        "share": round(float(share.mean()), 3),
        "low": round(float(low), 3),
        "high": round(float(high), 3),
    }


def _behind(places: Mapping[tuple[str, str, int], Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Tables on which our mean score is below that of the best untuned default, worst first."""
    tables: dict[str, list[tuple[float, Mapping[str, float]]]] = {}
    for (_, table, _), row in places.items():
        each = next((c["each"] for c in row.values() if c.get("each")), None)
        ours = row[OURS].get("score")
        if each is not None and ours is not None:
            tables.setdefault(table, []).append((ours, each))
    found = []
    for table, pairs in tables.items():
        mean = float(np.mean([ours for ours, _ in pairs]))
        names = set.intersection(*(set(each) for _, each in pairs))
        best = max(float(np.mean([each[n] for _, each in pairs])) for n in names)
        if mean < best:
            found.append({"table": table, "ours": round(mean, 4), "default": round(best, 4)})
    return sorted(found, key=lambda entry: entry["ours"] - entry["default"])
