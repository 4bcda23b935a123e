"""The part of the suite inner-lr-transfer that really trains: the torch MLP on small tables.

Truths are trained, three folds at 13 rates, once a process: all seeds share them. Beside them a
probe of one batch is taken of the held-out tables and of those of the prior, see `rate_probe`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np

from autometa.bench.data import folder
from autometa.bench.suite import Split
from autometa.children.starts.probe import probe
from autometa.encoding import Floats
from autometa.portfolio import Portfolio
from autometa.space import Config
from autometa_benchmarks.inner.lr_case import Case, Round, crossed, rate_grid
from autometa_benchmarks.suites.tables import Tables

CONFIGS, PRIOR_CONFIGS, GRID = 12, 3, 13


def rounds(data: Path | None, seed: int, split: Split) -> Iterator[Round]:
    """One round: test tables against the embedded portfolio without any of them."""
    del seed  # the configs are the same for every seed: training them is what takes long
    suite, test, development = _trained(folder(data, "tables"), split)
    kept = set.intersection(
        *({h.task.name for h in suite.prior(c.name, None, 0).histories} for c in test)
    )
    embedded = Portfolio.embedded("mlp")
    prior = Portfolio(h for h in embedded.histories if h.task.name in kept)
    known = np.concatenate([c.best for c in development])
    yield prior, float(np.median(known)), list(test)


@cache
def _trained(place: Path, split: Split) -> tuple[Tables, tuple[Case, ...], tuple[Case, ...]]:
    """The suite, its held-out cases, and those of development for the best single rate.

    On the development split its first fold of families is held out.
    """
    suite = Tables(place)
    tasks = [t for t in suite.tasks if t.task.space.name == "mlp"]
    held_out = [t.name for t in tasks if t.split == "test"]
    others = [t.name for t in tasks if t.split == "development"]
    if split == "development":
        held_out, others = others[::2], others[1::2]

    def case(name: str, configs: int) -> Case:
        task = suite.by_name[name]
        space, evaluate = task.task.space, suite.objective(task)
        raw = space.sample_raw(configs, np.random.default_rng([zlib.crc32(name.encode()), 3]))
        grid = rate_grid(space, GRID)
        assert callable(evaluate)
        found = [evaluate(c) for c in space.from_raw(crossed(space, raw, grid))]
        values = np.array([np.nan if v is None else v for v in found]).reshape(configs, -1)
        values = np.where(np.isnan(values), np.nanmin(values), values)
        reference = suite.reference(task)
        return Case(
            name=name,
            meta_features=dict(task.task.meta_features),
            raw=raw,
            grid=grid,
            scores=values,
            best=smooth_best(grid, values),
            scale=reference.best - reference.middle,
            doubt=np.zeros(configs),
            probe=np.array(
                [probe(suite.part(name.partition("/")[2]), c) for c in space.from_raw(raw)]
            ),
        )

    return (
        suite,
        tuple(case(name, CONFIGS) for name in held_out),
        tuple(case(name, PRIOR_CONFIGS) for name in others),
    )


def probes(data: Path | None, split: Split) -> Callable[[str, Config], float | None]:
    """Measures a prior task's table: (name, config) -> log10 rate."""
    suite, _, _ = _trained(folder(data, "tables"), split)
    return lambda name, config: probe(suite.part(name), config)


def smooth_best(grid: Floats, scores: Floats) -> Floats:
    """Where smoothed curves (c, g) over an even grid (g,) have their maximum, (c,)."""
    wide = np.pad(scores, ((0, 0), (1, 1)), mode="edge")
    smooth = (wide[:, :-2] + 2.0 * wide[:, 1:-1] + wide[:, 2:]) / 4.0
    rows, top = np.arange(len(smooth)), smooth.argmax(1)
    inner = np.clip(top, 1, len(grid) - 2)
    left, middle, right = (smooth[rows, inner + k] for k in (-1, 0, 1))
    bend = left - 2.0 * middle + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1.0), 0.0)
    refined = grid[inner] + np.clip(shift, -0.5, 0.5) * (grid[1] - grid[0])
    result: Floats = np.where(top == inner, refined, grid[top])
    return result
