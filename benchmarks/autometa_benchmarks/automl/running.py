"""Runs jobs one after another, each in a process of its system, and keeps what came of them.

A cell is a line of a journal, so that the same command goes on where it was stopped. Each process
has one thread of every library and, unless told otherwise, one core. How busy the machine was is
kept with each cell: where others use its core, seconds say little.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from autometa.bench.provenance import commit
from autometa.children.evaluation.threads import ONE_THREAD
from autometa.children.metrics import DEFAULT, METRICS, scores
from autometa.children.prediction import Prediction
from autometa.reading import parse_json
from autometa_benchmarks.automl.protocol import Job, divided
from autometa_benchmarks.automl.systems import PROGRAMS, SYSTEMS

PATIENCE, GRACE = 4.0, 600.0
"""A process may take PATIENCE times what it was given, and GRACE more (models fitted before)."""


def run(
    jobs: Iterable[Job],
    pythons: Mapping[str, Path | str],
    data: Path,
    journal: Path,
    *,
    metric: str = "",
    pinned: bool = True,
    told: Callable[[Job, dict[str, Any]], None] = lambda job, cell: None,
) -> list[dict[str, Any]]:
    """The cells of some jobs; those that the journal has are not run again.

    Args:
        jobs: In order.
        pythons: System -> its Python, or why it has none.
        data: Folder of tables.
        journal: File of cells, a JSON object a line.
        metric: Of classifications; the default one where "".
        pinned: Whether each process keeps to one core.
        told: Told of each cell.
    """
    done = {cell["key"]: cell for cell in read(journal)}
    cells = []
    for job in jobs:
        cell = done.get(job.key)
        if cell is None or (cell.get("missing") and not isinstance(pythons[job.system], str)):
            cell = _cell(job, pythons[job.system], data, metric, pinned)
            with journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(cell) + "\n")
        told(job, cell)
        cells.append(cell)
    return cells


def read(journal: Path) -> list[dict[str, Any]]:
    """Cells of a journal; a last line that was torn is left out."""
    cells = []
    for line in journal.read_text(encoding="utf-8").splitlines() if journal.exists() else ():
        try:
            cells.append(parse_json(line))
        except ValueError:
            continue
    return cells


def _cell(job: Job, python: Path | str, data: Path, metric: str, pinned: bool) -> dict[str, Any]:
    name = (metric or DEFAULT["classification"]) if job.kind == "classification" else "r2"
    cell: dict[str, Any] = {
        "key": job.key,
        "system": job.system,
        "table": job.table,
        "family": job.family,
        "seed": job.seed,
        "asked": job.seconds,
        "metric": name,
        "commit": commit(),
    }
    if isinstance(python, str):
        return {**cell, "missing": python}
    train, test, truth, classes = divided(data, job)
    system = SYSTEMS[job.system]
    with TemporaryDirectory(prefix="autometa-automl-") as place:
        folder = Path(place)
        train.to_parquet(folder / "train.parquet")
        test.to_parquet(folder / "test.parquet")
        about = {
            "table": job.table,
            "family": job.family,
            "kind": job.kind,
            "classes": classes,
            "seed": job.seed,
            "seconds": job.seconds,
            "metric": name,
            "options": dict(system.options),
        }
        (folder / "job.json").write_text(json.dumps(about), encoding="utf-8")
        load = os.getloadavg()[0]
        begun = time.perf_counter()
        error = _process([str(python), str(PROGRAMS / system.program), place], job, pinned)
        cell |= {
            "wall": round(time.perf_counter() - begun, 2),
            "load": [round(load, 2), round(os.getloadavg()[0], 2)],
        }
        if error:
            return {**cell, "error": error}
        return {**cell, **_judged(folder, truth, classes, name)}


def _process(words: list[str], job: Job, pinned: bool) -> str:
    """Run it; what went wrong, or ""."""

    def one_core() -> None:
        if pinned and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

    process = subprocess.Popen(
        words,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **ONE_THREAD},
        preexec_fn=one_core,
        start_new_session=True,
    )
    try:
        _, said = process.communicate(timeout=PATIENCE * job.seconds + GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"more than {PATIENCE * job.seconds + GRACE:g} s"
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    text = said.decode(errors="replace").strip()
    return "" if process.returncode == 0 else text[-500:] or f"exit code {process.returncode}"


def _judged(folder: Path, truth: Any, classes: int, metric: str) -> dict[str, Any]:
    """Scores on the rows apart, higher is better in `score`."""
    try:
        about = parse_json((folder / "done.json").read_text(encoding="utf-8"))
        said = np.load(folder / "said.npy", allow_pickle=False)
        if classes:
            shares = np.load(folder / "shares.npy", allow_pickle=False)
            prediction = Prediction(said.astype(np.int64), shares)
        else:
            prediction = Prediction(said.astype(np.float64).reshape(len(truth)))
        found = scores(truth, prediction, "classification" if classes else "regression")
    except (OSError, ValueError) as error:
        return {"error": f"no predictions: {error}"}
    sign = 1 if METRICS[metric].direction == "maximize" else -1
    each = {
        name: sign * _score(truth, np.asarray(labels), classes, metric)
        for name, labels in about.pop("each", {}).items()
    }
    return {
        "score": sign * found[metric] if math.isfinite(found[metric]) else None,
        "scores": {k: v for k, v in found.items() if math.isfinite(v)},
        **({"each": each} if each and all(map(math.isfinite, each.values())) else {}),
        "took": round(float(about.pop("seconds")), 2),
        "about": about,
    }


def _score(truth: Any, labels: Any, classes: int, metric: str) -> float:
    """Of labels or values alone; NaN where the metric asks for probabilities."""
    if not classes:
        return METRICS[metric].score(truth, Prediction(labels.astype(np.float64)), None)
    try:
        return METRICS[metric].score(truth, Prediction(labels.astype(np.int64)), None)
    except AssertionError:
        return math.nan
