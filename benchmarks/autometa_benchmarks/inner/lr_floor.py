"""Suite inner-lr-floor: how good a prediction of the inner rate could be, were the rest known.

For the truths of inner-lr-transfer, all tasks at the same random configs. "config known": the
median, at the config itself, of the *true* best rates of the tasks of other families: what a model
that knows prior tasks perfectly and the new one not at all can reach. "task known": the task's own
median over configs, blind to the config. "both known": the first plus the task's own median
distance from it, which no prediction before the first trial can know. Nothing is fitted here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autometa.bench.data import folder
from autometa.bench.suite import Split
from autometa.encoding import Floats
from autometa_benchmarks.inner.lr_case import crossed, interval, rate_grid
from autometa_benchmarks.inner.lr_taskset import history, tables, truth
from autometa_benchmarks.suites.lcbench import LCBench

CONFIGS, RATES = 60, 61
PROTOCOL = {
    "truth": "as in inner-lr-transfer, at 60 random configs that all tasks share",
    "error": "`mean` is the median over tasks and configs of |log10 rate - log10 truth|; ci95 half "
    "the width of the 95 % bootstrap interval over tasks",
    "ratio": "the same over the error of `single`, the median of the truths of other families",
}


def facts() -> dict[str, Any]:
    """Protocol, for the results file."""
    return {"protocol": PROTOCOL, "bars": []}


def run(variant: str, seed: int, *, data: Path | None) -> dict[str, Any]:
    """Errors of what nobody can know, a record for `record_file.add_records`.

    Args:
        variant: In `VARIANTS`.
        seed: Of the configs.
        data: Root of the public data; None = AUTOMETA_DATA.

    Raises:
        InputError: the data are not there.
    """
    best, families = VARIANTS[variant](data, seed)
    others = [best[families != family] for family in families]
    at = np.stack([np.median(rows, axis=0) for rows in others])
    guesses = {
        "single": np.stack([np.full(best.shape[1], np.median(rows)) for rows in others]),
        "config known": at,
        "task known": np.median(best, axis=1, keepdims=True),
        "both known": at + np.median(best - at, axis=1, keepdims=True),
    }
    error = {name: list(np.abs(best - guess)) for name, guess in guesses.items()}
    return {
        "variant": variant,
        "seed": seed,
        "error": {name: interval(np.median, rows) for name, rows in error.items()},
        "ratio": {
            name: interval(np.median, rows, error["single"])
            for name, rows in error.items()
            if name != "single"
        },
    }


def _lcbench(split: Split) -> Callable[[Path | None, int], tuple[Floats, NDArray[np.str_]]]:
    def best(data: Path | None, seed: int) -> tuple[Floats, NDArray[np.str_]]:
        suite = LCBench(folder(data, "yahpo/lcbench"))
        raw = suite.space.sample_raw(CONFIGS, np.random.default_rng(seed))
        grid = rate_grid(suite.space, RATES)
        rows = crossed(suite.space, raw, grid)
        tasks = [t.task for t in suite.tasks if t.split == split]
        found = [grid[suite.values(t, rows).reshape(CONFIGS, -1).argmax(1)] for t in tasks]
        return np.stack(found), np.array([t.family for t in tasks])

    return best


def _taskset(data: Path | None, seed: int) -> tuple[Floats, NDArray[np.str_]]:
    rng = np.random.default_rng(seed)
    histories = [history(n, frame) for n, frame in tables(folder(data, "taskset")).items()]
    space = histories[0].task.space
    grid = rate_grid(space, RATES)
    raw = histories[0].raw[rng.permutation(len(histories[0]))[:CONFIGS]]
    rows = crossed(space, raw, grid)
    found = [np.mean(truth(h, rows, rng), axis=0).reshape(CONFIGS, -1) for h in histories]
    return (
        np.stack([grid[scores.argmax(1)] for scores in found]),
        np.array([h.task.family for h in histories]),
    )


VARIANTS: dict[str, Callable[[Path | None, int], tuple[Floats, NDArray[np.str_]]]] = {
    "lcbench-development": _lcbench("development"),
    "lcbench-test": _lcbench("test"),
    "taskset": _taskset,
}
