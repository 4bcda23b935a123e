"""Results of the inner-learning-rate suites: one JSON a suite, one record a (variant, seed).

A suite can be run in pieces, on several days: a record replaces the one of the same variant, seed
and number of iterations, the rest of the file stays.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autometa.bench.provenance import commit, versions
from autometa.errors import StoreError
from autometa.reading import parse_json, read_bytes
from autometa.writing import write_whole

# What a record may measure, in the order in which it is shown: measure -> {"mean", "ci95"}.
# A measure "NAME @k" is that of a method NAME after k steps.
_ROUNDING = 1e-9  # of a mean over seeds
PARTS = (
    "mse",
    "accuracy",
    "cross_entropy",
    "steps_to_match",
    "error",
    "marginal",
    "regret",
    "coverage",
    "ratio",
    "correlation",
    "count",
)
Z95 = 1.959964  # two-sided 95 % quantile of the standard normal


def mean_interval(values: Sequence[float] | np.ndarray[Any, Any]) -> dict[str, float | None]:
    """Mean over tasks and half the width of its 95 % confidence interval (normal)."""
    array = np.asarray(values, dtype=float)
    mean, half = float(array.mean()), math.nan
    if len(array) > 1:
        half = float(Z95 * array.std(ddof=1) / math.sqrt(len(array)))
    return {"mean": _finite(mean), "ci95": _finite(half)}


def add_records(
    path: str | Path, suite: str, records: Sequence[Mapping[str, Any]], **facts: Any
) -> dict[str, Any]:
    """Merge `records` into the suite's JSON; returns the whole content.

    Args:
        path: The JSON file; made if absent.
        suite: Name of the suite.
        records: Each with "variant" and "seed".
        facts: Further top-level entries (protocol, bars, ...).
    """
    path = Path(path)
    old = read(path) if path.exists() else {}
    stamped = [{**record, "commit": commit(), "versions": versions()} for record in records]
    kept = {
        (r["variant"], r["seed"], r.get("iterations", 0)): r
        for r in [*old.get("records", []), *stamped]
    }
    merged = [kept[key] for key in sorted(kept)]
    content = {
        **old,
        "suite": suite,
        "commit": commit(),
        "versions": versions(),
        **facts,
        "seeds": sorted({record["seed"] for record in merged}),
        "records": merged,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(content, indent=1, allow_nan=False) + "\n")
    return content


def read(path: str | Path) -> dict[str, Any]:
    """The content of a results file.

    Raises:
        StoreError: absent, damaged, or not a file of these suites.
    """
    try:
        content: dict[str, Any] = parse_json(read_bytes(Path(path)))
        content["suite"], bars(content)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise StoreError(f"{path} is not a results file of `autometa bench inner`") from error
    return content


def measures(content: Mapping[str, Any]) -> list[tuple[str, int, str, float | None, float | None]]:
    """Rows (variant, seed, measure, mean, half its 95 % interval) of everything measured."""
    return [
        (record["variant"], record["seed"], f"{part} {name}", found["mean"], found["ci95"])
        for record in content["records"]
        for part in PARTS
        for name, found in record.get(part, {}).items()
    ]


def bars(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each bar beside what was measured: variant, measure, bar, value, ci95, reached.

    The value is the mean over the seeds of the record's own mean.
    """
    rows = []
    for bar in content.get("bars", []):
        found = [
            record[bar["part"]][bar["measure"]]
            for record in content["records"]
            if record["variant"] == bar["variant"]
            and record.get("iterations") == bar.get("iterations", record.get("iterations"))
        ]
        values = [each["mean"] for each in found]
        known = bool(values) and all(value is not None for value in values)
        value = float(np.mean(values)) if known else None
        better = -1 if bar["direction"] == "minimize" else 1
        rows.append(
            {
                **bar,
                "seeds": len(values),
                "value": value,
                "ci95": found[0]["ci95"] if len(found) == 1 else None,
                "reached": None if value is None else better * (value - bar["bar"]) >= -_ROUNDING,
            }
        )
    return rows


def markdown(content: Mapping[str, Any]) -> str:
    """The longest training of each variant as Markdown tables, means over seeds; then the commits.

    An interval is given where there is one seed: it is over test tasks.
    """
    full: dict[str, list[Mapping[str, Any]]] = {}
    for record in content["records"]:
        known = full.setdefault(record["variant"], [])
        longest = known[0].get("iterations", 0) if known else -1
        if record.get("iterations", 0) > longest:
            known.clear()
        if record.get("iterations", 0) >= longest:
            known.append(record)
    parts = []
    for part in PARTS:
        rows: dict[str, dict[str, str]] = {}
        for variant, records in full.items():
            for measure in records[0].get(part, {}):
                name, at, step = measure.rpartition(" @")
                row = rows.setdefault(name if at else variant, {})
                row[f"@{step}" if at else measure] = _cell([r[part][measure] for r in records])
        if rows:
            parts.append(_table(part, rows))
    judged = [record["diverged"] for record in content["records"] if "diverged" in record]
    if judged:
        parts.append(f"{sum(judged)} of {len(judged)} trained models diverged within 20 steps.")
    commits = sorted({record["commit"] for records in full.values() for record in records})
    measure = content.get("protocol", {}).get("measure", "")
    return "\n\n".join([measure, *parts, f"(commit {', '.join(commits)})"]).strip() + "\n"


def _table(part: str, rows: Mapping[str, Mapping[str, str]]) -> str:
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    lines = ["| " + " | ".join([part.replace("_", " "), *columns]) + " |"]
    lines.append("|---" + "|---:" * len(columns) + "|")
    for name, row in rows.items():
        lines.append("| " + " | ".join([name, *(row.get(c, "-") for c in columns)]) + " |")
    return "\n".join(lines)


def _cell(found: Sequence[Mapping[str, float | None]]) -> str:
    means = [each["mean"] for each in found if each["mean"] is not None]
    if len(means) < len(found):
        return "-"
    half = found[0]["ci95"] if len(found) == 1 else None
    return f"{np.mean(means):.3f}" + ("" if half is None else f" ± {half:.3f}")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
