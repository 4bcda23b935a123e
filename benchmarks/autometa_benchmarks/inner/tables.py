"""Suite inner-tables: a learned start and learned rates for a perceptron on real small tables.

Classification tables are split by family. On the training families a start and inner rates are
meta-learned (10 full-batch steps on 100 rows); the peers train the same network from its ordinary
start: Adam and SGD at the learning rate that was best on the *training* tables after ten steps,
Prodigy and schedule-free Adam as they come. On the held-out tables: the loss on unseen rows after
each step, and how many steps a peer needs for the loss that the learned child has after one, three
and ten. A full-batch step is an epoch.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from autometa.bench.data import folder
from autometa.bench.record_file import mean_interval
from autometa.children.starts.learning import rows_of
from autometa.inner import Episodes
from autometa.inner.few_steps import QUERIES, SHOTS, STEPS, recipe
from autometa.inner.tabular import Rows, Tables
from autometa.tables import load_table
from autometa_benchmarks.inner.peers import PEERS

FOLLOWED, LONG = 20, 100
COLUMNS = (0, 1, 3, 5, 10, 20)
TEST_SHARE, SPLIT_SEED, TEST_SEED, EPISODES = 0.25, 7, 20_260_103, 10
ITERATIONS = 2000
PROTOCOL = {
    "task": f"{SHOTS} support and {QUERIES} query rows of a classification table, full batches",
    "split": "a quarter of the families is held out",
    "network": "32-64-64-classes on principal axes of the prepared columns, for all methods",
    "peers": "adam, sgd (momentum .9): rate chosen on training tables by the loss after "
    f"{STEPS} steps; prodigy, schedule-free: their packages' defaults",
    "measure": f"cross entropy of the queries after k steps, mean over held-out tables ({EPISODES} "
    "episodes each); ci95 over tables",
    "steps_to_match": "a peer's first step at or under the learned child's mean loss on the table "
    f"after k steps; median over tables, {LONG + 1} where not within {LONG}",
}


def facts() -> dict[str, Any]:
    """Protocol, for the results file."""
    return {"protocol": PROTOCOL, "bars": []}


def load(data: Path | None) -> dict[str, list[Rows]]:
    """Classification tables with enough rows: "train" and "test" share no family."""
    root = folder(data, "tables")
    with (root / "index.csv").open(encoding="utf-8") as file:
        index = [
            row
            for row in csv.DictReader(file)
            if row["kind"] == "classification" and int(row["rows"]) >= SHOTS + QUERIES
        ]
    families = sorted({row["family"] for row in index})
    order = np.random.default_rng(SPLIT_SEED).permutation(len(families))
    held_out = {families[i] for i in order[: round(TEST_SHARE * len(families))]}
    parts: dict[str, list[Rows]] = {"train": [], "test": []}
    for row in index:
        table = load_table(root / f"{row['name']}.parquet", "target")
        parts["test" if row["family"] in held_out else "train"].append(rows_of(table))
    return parts


def run(
    parts: Mapping[str, Sequence[Rows]],
    seed: int,
    *,
    iterations: int = ITERATIONS,
    state: str | Path | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Meta-learn, tune the peers, compare.

    Args:
        parts: "train" and "test" tables, see `load`.
        seed: Of the network and of the training episodes.
        iterations: Outer updates.
        state: Folder for checkpoints; training goes on from there.
        progress: Show a progress bar.

    Returns:
        A record for `record_file.add_records`.
    """
    classes = 1 + max(int(rows.y.max()) for rows in (*parts["train"], *parts["test"]))
    source = Tables(tuple(parts["train"]), classes, SHOTS, QUERIES)
    method = recipe(classes, seed)
    began = time.perf_counter()
    place = None if state is None else Path(state) / f"tables-{seed}-{iterations}"
    fitted = method.fit(
        source, iterations=iterations, checkpoint=place, every=100, progress=progress
    )
    seconds = time.perf_counter() - began
    test, tuning = _episodes(source, parts["test"]), _episodes(source, parts["train"])
    ours = _by_table(fitted.curve(test, FOLLOWED), len(parts["test"]))
    found: dict[str, Any] = {"learned": _row(ours)}
    steps: dict[str, Any] = {}
    for name, peer in PEERS.items():
        if not peer.installed:
            found[name] = {"skipped": f"the package {peer.package} is not installed"}
            continue
        tried = [
            float(peer.path(method.child, tuning, rate, STEPS)[:, STEPS].mean().nan_to_num(1e9))
            for rate in (peer.rates if len(peer.rates) > 1 else ())
        ]
        rate = peer.rates[int(np.argmin(tried))] if tried else peer.rates[0]
        curve = _by_table(peer.path(method.child, test, rate, LONG), len(parts["test"]))
        found[name] = {**_row(curve[:, : FOLLOWED + 1]), "learning_rate": rate}
        for k in (1, 3, STEPS):
            needed = [_first(row, float(t)) for row, t in zip(curve, ours[:, k], strict=True)]
            steps[f"{name} @{k}"] = {"mean": float(np.median(needed)), "ci95": None}
    return {
        "variant": f"layer-step-{STEPS}",
        "seed": seed,
        "iterations": iterations,
        "seconds": round(seconds, 1),
        "recipe": fitted.info["recipe"],
        "train_tables": [rows.name for rows in parts["train"]],
        "test_tables": [rows.name for rows in parts["test"]],
        "methods": found,
        "cross_entropy": {
            f"{name} @{k}": row["after"][str(k)]
            for name, row in found.items()
            if "after" in row
            for k in COLUMNS
        },
        "steps_to_match": steps,
    }


def _episodes(source: Tables, tables: Sequence[Rows]) -> Episodes:
    """`EPISODES` fixed episodes of each table, a table's next to each other."""
    rng = np.random.default_rng(TEST_SEED)
    return source.stack(rng, [rows for rows in tables for _ in range(EPISODES)])


def _by_table(curve: Tensor, tables: int) -> Tensor:
    """Means over a table's episodes, (tables, steps + 1)."""
    return curve.reshape(tables, EPISODES, -1).mean(1)


def _row(curve: Tensor) -> dict[str, Any]:
    return {
        "curve": [float(value) for value in curve.mean(0).nan_to_num(1e30).clamp(max=1e30)],
        "after": {str(k): mean_interval(curve[:, k].numpy()) for k in COLUMNS},
    }


def _first(curve: Tensor, target: float) -> int:
    """The first step at or under `target`; one more than there are where none is."""
    below = (curve <= target).nonzero()
    return int(below[0]) if len(below) else len(curve)
