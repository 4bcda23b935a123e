"""Sweeps of eight small modules at three widths and budgets: a family of the law of rates.

`autometa bench inner small-sweeps --into benchmarks/results/small-sweeps.json` trains them; the
law reads that file. The loss of a run is the share of its sweep's gain that it leaves, at most 1.2.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from autometa.inner.rate_curve import Runs
from autometa.reading import parse_json, read_bytes
from autometa_benchmarks.inner.small_problems import DEVELOPMENT, Problem
from autometa_benchmarks.inner.suggested import trained

FILE = Path(__file__).parents[2] / "results" / "small-sweeps.json"
RATES = tuple(float(10.0**k) for k in np.linspace(-3.5, -0.5, 7))
CELLS = ((1.0, 1.0, 1.0), (0.5, 2.0, 0.5), (2.0, 0.5, 1.0))  # width, updates, batch: times so much
_WORST, _MOST_BYTES = 1.2, 2**20


def sized(problem: Problem, cell: tuple[float, float, float]) -> Problem:
    """The problem at another width and budget."""
    width, steps, batch = cell
    return replace(
        problem,
        build=lambda k: problem.build(k * width),
        steps=int(problem.steps * steps),
        batch=int(problem.batch * batch),
    )


def sweep(problem: Problem, data: Path | None) -> dict[str, Any]:
    """Losses at all rates, and untrained."""
    content = problem.data(data)
    return {
        "name": problem.name,
        "parameters": sum(p.numel() for p in problem.build(1.0).parameters()),
        "updates": problem.steps,
        "batch": problem.batch,
        "untrained": trained(problem, content, 0, None),
        "rates": list(RATES),
        "losses": [min(trained(problem, content, 0, rate), 1e9) for rate in RATES],
    }


def sweeps() -> list[Problem]:
    """What is swept, in order."""
    return [sized(problem, cell) for cell in CELLS for problem in DEVELOPMENT]


def save(found: list[dict[str, Any]], into: Path) -> None:
    """Write what `sweep` gave, for `read`."""
    into.write_text(json.dumps({"sweeps": found}, indent=1) + "\n")


def read(_data: Path | None = None, file: Path = FILE) -> Runs:
    """The sweeps that were recorded, as runs."""
    rows = []
    for group, entry in enumerate(parse_json(read_bytes(file, _MOST_BYTES))["sweeps"]):
        losses = np.array(entry["losses"])
        left = (losses - losses.min()) / (entry["untrained"] - losses.min())
        examples = entry["updates"] * entry["batch"]
        sizes = np.log10([entry["parameters"], examples, entry["batch"]])
        rows += [
            [np.log10(rate), min(loss, _WORST), group, *sizes]
            for rate, loss in zip(entry["rates"], left, strict=True)
        ]
    table = np.array(rows, dtype=float)
    return Runs(
        log_rate=table[:, 0],
        loss=table[:, 1],
        group=table[:, 2],
        sizes=table[:, 3:6],
        others=np.empty((len(table), 0)),
    )
