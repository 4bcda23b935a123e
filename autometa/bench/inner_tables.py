"""Suite inner-tables: a learned start and learned rates for a perceptron on real small tables.

Classification tables are split by family. On the training families a start and inner rates are
meta-learned (10 full-batch steps on 100 rows); tuned Adam and SGD, the peers, train the same
network from its ordinary start, at the learning rate that was best on the *training* tables. On the
held-out tables: the validation loss after each step, and how many steps a peer needs for the loss
that the learned child has after ten.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autometa.bench.data import folder
from autometa.bench.inner_results import mean_interval
from autometa.children.folds import prepared
from autometa.inner import MAML, Episodes, Outer, RateRule
from autometa.inner.stateless import bind, frozen_copy, parameters
from autometa.inner.tabular import Rows, Tables, network
from autometa.tables import load_table

SHOTS, QUERIES, STEPS, FOLLOWED, LONG = 100, 100, 10, 20, 200
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
TEST_SHARE, SPLIT_SEED, TEST_SEED, EPISODES = 0.25, 7, 20_260_103, 10
PROTOCOL = {
    "task": f"{SHOTS} support and {QUERIES} query rows of a classification table, full batches",
    "split": "a quarter of the families is held out",
    "measure": "cross entropy of the queries after k steps; ci95 over held-out tables",
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
        fold = prepared(table.subsample(1000, np.random.default_rng(0)), 2, 0, "scaled")[0]
        rows = Rows(
            np.concatenate([fold.X, fold.X_test]), np.concatenate([fold.y, fold.y_test]), table.name
        )
        parts["test" if row["family"] in held_out else "train"].append(rows)
    return parts


def run(
    parts: Mapping[str, Sequence[Rows]],
    seed: int,
    *,
    iterations: int = 3000,
    state: str | Path | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Meta-learn, tune the peers, compare; returns a record for `inner_results.add_records`."""
    classes = 1 + max(int(rows.y.max()) for rows in (*parts["train"], *parts["test"]))
    child = network(classes, seed)
    recipe = MAML(
        child,
        "cross_entropy",
        rates=RateRule(kind="layer_step", initial=0.1, highest=2.0),
        steps=STEPS,
        outer=Outer(tasks=8, schedule="cosine"),
        seed=seed,
    )
    began = time.perf_counter()
    source = Tables(tuple(parts["train"]), classes, SHOTS, QUERIES)
    place = None if state is None else Path(state) / f"tables-{seed}-{iterations}"
    fitted = recipe.fit(source, iterations=iterations, checkpoint=place, progress=progress)
    seconds = time.perf_counter() - began
    test = _episodes(source, parts["test"])
    ours = _by_table(fitted.curve(test, FOLLOWED), len(parts["test"]))
    tuning = _episodes(source, parts["train"])
    result: dict[str, Any] = {"learned": _row(ours[:, : FOLLOWED + 1])}
    target = ours[:, STEPS]
    for name, optimiser in (("adam", _adam), ("sgd", _sgd)):
        losses = [peer(child, tuning, optimiser, rate, FOLLOWED).mean(0) for rate in RATES]
        best = RATES[int(torch.stack([row[STEPS] for row in losses]).nan_to_num(1e9).argmin())]
        curve = _by_table(peer(child, test, optimiser, best, LONG), len(parts["test"]))
        needed = [_first(row, float(t)) for row, t in zip(curve, target, strict=True)]
        result[name] = {
            **_row(curve[:, : FOLLOWED + 1]),
            "learning_rate": best,
            "median_steps_to_match": float(
                np.median([LONG + 1 if n is None else n for n in needed])
            ),
            "never_matched_within_200": sum(n is None for n in needed),
        }
    return {
        "variant": "layer-step-10",
        "seed": seed,
        "iterations": iterations,
        "seconds": round(seconds, 1),
        "train_tables": [rows.name for rows in parts["train"]],
        "test_tables": [rows.name for rows in parts["test"]],
        "methods": result,
        "cross_entropy": {name: found["after"][str(STEPS)] for name, found in result.items()},
    }


Update = Callable[[Tensor, Tensor, Tensor, int, float], tuple[Tensor, Tensor, Tensor]]


def peer(
    child: torch.nn.Module, episodes: Episodes, update: Update, rate: float, steps: int
) -> Tensor:
    """Query loss after 0 ... `steps` full-batch steps of an ordinary optimiser, (B, steps + 1)."""
    module = frozen_copy(child)
    loss = bind(module, "cross_entropy")
    sx, sy, qx, qy = episodes.parts
    now = {k: v.expand(len(episodes), *v.shape) for k, v in parameters(module).items()}
    first, second = ({k: torch.zeros_like(v) for k, v in now.items()} for _ in range(2))
    gradient = torch.func.vmap(torch.func.grad(loss))
    judge = torch.func.vmap(loss)
    with torch.no_grad():
        path = [judge(now, (qx, qy))]
        for k in range(steps):
            slope = gradient(now, (sx, sy))
            moved = {}
            for name, value in now.items():
                delta, first[name], second[name] = update(
                    slope[name], first[name], second[name], k + 1, rate
                )
                moved[name] = value - delta
            now = moved
            path.append(judge(now, (qx, qy)))
    return torch.stack(path, 1)


def _adam(
    slope: Tensor, first: Tensor, second: Tensor, k: int, rate: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Kingma & Ba (2015), with the usual constants."""
    first = 0.9 * first + 0.1 * slope
    second = 0.999 * second + 0.001 * slope.square()
    ahead = first / (1 - 0.9**k)
    return rate * ahead / ((second / (1 - 0.999**k)).sqrt() + 1e-8), first, second


def _sgd(
    slope: Tensor, first: Tensor, second: Tensor, k: int, rate: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Momentum 0.9."""
    first = 0.9 * first + slope
    return rate * first, first, second


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
        "after": {str(k): mean_interval(curve[:, k].numpy()) for k in (1, 3, 5, 10, 20)},
    }


def _first(curve: Tensor, target: float) -> int | None:
    """The first step at or under `target`."""
    below = (curve <= target).nonzero()
    return int(below[0]) if len(below) else None
