"""Whether `autometa.tune` keeps to the time that it was given, on tables of 200 to 50,000 rows.

    python -m autometa_benchmarks.tune_time --seconds 30 --into tune-time.json
    python -m autometa_benchmarks.tune_time --seconds 60 --rows 100000 200000 500000 --into ...

Tables are drawn, so that any size can be had; one call a table and kind of problem. The JSON says
how busy the machine was: where others use its cores, a call that takes longer says little.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import autometa
from autometa.bench.provenance import commit
from autometa.writing import put_in_place

ROWS = (200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 40_000, 50_000)
APART = 10_000  # rows that nobody searched on, which the model is scored on
SHARE, LEAST = 0.05, 2.0  # of the time, or seconds, that a call may be away from what it was given


def drawn(rows: int, kind: str, seed: int) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """A table of 20 number columns and one of categories, three classes or a number to predict."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(rows, 20)), columns=[f"x{j}" for j in range(20)])
    X["letter"] = rng.choice(list("abcdef"), rows)
    z = X["x0"] + X["x1"] * X["x2"] + np.sin(3 * X["x3"]) + rng.normal(size=rows)
    return X, z if kind == "regression" else pd.Series(np.digitize(z, [-1.0, 1.0]))


def measured(rows: int, kind: str, seconds: float, seed: int) -> dict[str, Any]:
    """One call: what it took, and when it first said what to try."""
    X, y = drawn(rows, kind, seed)
    begun, first = time.perf_counter(), [float("nan")]

    def watch(standing: Any) -> None:
        if not standing.trials and np.isnan(first[0]):
            first[0] = time.perf_counter() - begun

    result = autometa.tune(X, y, time=seconds, seed=seed, watch=watch)
    took = time.perf_counter() - begun
    return {
        "rows": rows,
        "kind": kind,
        "asked": seconds,
        "took": round(took, 2),
        "kept": took - seconds <= max(SHARE * seconds, LEAST),
        "first_suggestion": round(first[0], 2),
        "trials": len(result.warm),
        "members": len(result.members),
        "score": result.best_value,
        "apart": round(result.score(*drawn(APART, kind, seed + 1)), 4),
        "notes": list(result.notes),
        "load": round(os.getloadavg()[0], 1),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m autometa_benchmarks.tune_time")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--into", type=Path, default=Path("tune-time.json"))
    asked = parser.parse_args(arguments)
    runs = []
    for rows in asked.rows:
        for kind in ("classification", "regression"):
            runs.append(measured(rows, kind, asked.seconds, seed=0))
            sys.stderr.write(f"{json.dumps(runs[-1])}\n")
    found = {
        "commit": commit(),
        "cores": os.cpu_count(),
        "kept": sum(run["kept"] for run in runs),
        "calls": len(runs),
        "runs": runs,
    }
    partial = asked.into.with_name(f".{asked.into.name}.partial")
    partial.write_text(json.dumps(found, indent=1), encoding="utf-8")
    put_in_place(partial, asked.into)
    return 0


if __name__ == "__main__":
    sys.exit(main())
