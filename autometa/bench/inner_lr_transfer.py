"""Suite inner-lr-transfer: an inner learning rate predicted for a task that was never seen.

Three variants, whole families of tasks held out. For several random configs of the other parameters
the best rate of a held-out task is looked up on a grid and set beside `MetaModel.predict_inner_lr`,
the centre of the space's range, the best single rate of the prior tasks and the default 1e-3.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from optuna.distributions import FloatDistribution

from autometa.bench.data import folder
from autometa.bench.inner_lr_taskset import FAMILIES, history, tables, truth
from autometa.bench.suite import Split
from autometa.bench.suites.lcbench import LCBench
from autometa.bench.suites.tables import Tables
from autometa.encoding import Floats
from autometa.meta import MetaLearner
from autometa.meta.model import MetaModel
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace

CONFIGS, EVALUATIONS = 20, 500
MLP_CONFIGS, MLP_PRIOR_CONFIGS, MLP_GRID = 12, 3, 13
_GRID, _WORST, _DEFAULT, _RESAMPLES = 61, 2.0, -3.0, 2000
_SAME = 1e-6  # rounding of a bound of the space
_METHODS = ("predicted", "single", "default", "centre")

PROTOCOL = {
    "split": "lcbench: the suite's test tasks, prior = its development tasks (500 random configs "
    "each). taskset: all tasks of one kind of cell (LSTM, GRU, IRNN, VRNN) in turn, prior = the "
    "other kinds. mlp: test families of the suite `tables`, prior = the embedded portfolio without "
    "any of them",
    "configs": "random configs of the other parameters: 20 a task (mlp: 12); taskset: 20 of the "
    "1,000 recorded ones",
    "truth": "the rate with the highest score on a grid of rates, given the config. lcbench: the "
    "surrogate, 61 rates. taskset: mean of a Gaussian process and of regression trees, both fitted "
    "on the task's own 1,000 runs, 61 rates; how far the two maxima lie apart is "
    "`truth_disagreement`. mlp: real training at 13 rates, three folds; the curve is smoothed by "
    "(1, 2, 1) / 4 and its maximum refined by a parabola",
    "single": "the best single rate: the median of the truths on prior tasks (mlp: on development "
    "tables, three configs each), which minimises the mean absolute error there",
    "error": "`mean` is the median over tasks and configs of |log10 rate - log10 truth|; ci95 half "
    "the width of the 95 % bootstrap interval over tasks",
    "marginal": "the same without a config: against the rate that is best on average over a task's "
    "configs",
    "regret": "after one trial of the config with the rate: (best on the grid - value) / (best - "
    "median of random configs of the task), within [0, 2]; mean over tasks and configs. taskset: "
    "scores are normal scores",
    "coverage": "share of truths inside the predicted interval",
    "tuned": "the method's constants, on development tasks of lcbench and of the tables only",
}


def facts() -> dict[str, Any]:
    """Protocol and bars, for the results file."""
    asked = (
        ("ratio", "error to single", "minimize", 0.7),
        ("coverage", "interval", "maximize", 0.8),
        ("coverage", "interval", "minimize", 0.95),
        ("ratio", "regret to default", "minimize", 0.5),
    )
    bars = [
        {"variant": v, "part": part, "measure": measure, "direction": direction, "bar": bar}
        for v in VARIANTS
        for part, measure, direction, bar in asked
    ]
    return {"protocol": PROTOCOL, "bars": bars}


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A task, some configs of it, and its scores over the rate.

    Args:
        name: Of the task.
        meta_features: Of the task.
        raw: Configs, (c, p).
        grid: Rates, log10, (g,).
        scores: Higher is better, (c, g).
        best: The best rate of each config, log10, (c,).
        scale: Score of the task's best config less that of its median one.
        doubt: What is known of the truth's own error, (c,); zeros where nothing is.
    """

    name: str
    meta_features: dict[str, float]
    raw: Floats
    grid: Floats
    scores: Floats
    best: Floats
    scale: float
    doubt: Floats

    def regret(self, rates: Floats) -> Floats:
        """Of each config with its rate (log10), (c,)."""
        at = [np.interp(r, self.grid, row) for r, row in zip(rates, self.scores, strict=True)]
        result: Floats = np.clip((self.scores.max(1) - at) / self.scale, 0.0, _WORST)
        return result


# A prior, the best single rate on it, and the held-out tasks.
Round = tuple[Portfolio, float, list[Case]]


def run(variant: str, seed: int, *, data: Path | None, split: Split = "test") -> dict[str, Any]:
    """Fit on the prior tasks, predict for the held-out ones.

    Args:
        variant: In `VARIANTS`.
        seed: Of the prior's trials, of the configs (not of mlp) and of the fit.
        data: Root of the public data; None = AUTOMETA_DATA.
        split: "development" to choose constants on; taskset has no such tasks.

    Returns:
        A record for `inner_results.add_records`.

    Raises:
        InputError: the data are not there.
    """
    began = time.perf_counter()
    cases: list[Case] = []
    rates: list[dict[str, Floats]] = []
    for portfolio, single, held_out in VARIANTS[variant](data, seed, split):
        model = MetaLearner(seed=seed).fit(portfolio)
        cases += held_out
        rates += [_rates(model, case, single) for case in held_out]
    return {
        "variant": variant,
        "seed": seed,
        "seconds": round(time.perf_counter() - began, 1),
        "tasks": [case.name for case in cases],
        **judge(cases, rates),
    }


def judge(cases: list[Case], rates: list[dict[str, Floats]]) -> dict[str, Any]:
    """All measures, with intervals over tasks.

    Args:
        cases: Held-out tasks.
        rates: For each, method -> log10 rates (c,), "low" and "high" of the predicted interval,
            and under "marginal" the rate without a config, (1,).
    """
    error = {
        m: [np.abs(r[m] - c.best) for c, r in zip(cases, rates, strict=True)] for m in _METHODS
    }
    regret = {m: [c.regret(r[m]) for c, r in zip(cases, rates, strict=True)] for m in _METHODS}
    overall = [c.grid[c.scores.mean(0).argmax()] for c in cases]
    marginal = {
        m: [
            np.abs((r["marginal"] if m == "predicted" else r[m][:1]) - best)
            for best, r in zip(overall, rates, strict=True)
        ]
        for m in _METHODS
    }
    inside = [
        ((r["low"] - _SAME <= c.best) & (c.best <= r["high"] + _SAME)).astype(float)
        for c, r in zip(cases, rates, strict=True)
    ]
    return {
        "error": {m: _interval(np.median, e) for m, e in error.items()},
        "regret": {m: _interval(np.mean, e) for m, e in regret.items()},
        "marginal": {m: _interval(np.median, e) for m, e in marginal.items()},
        "coverage": {"interval": _interval(np.mean, inside)},
        "ratio": {
            "error to single": _interval(np.median, error["predicted"], error["single"]),
            "regret to default": _interval(np.mean, regret["predicted"], regret["default"]),
            "regret to single": _interval(np.mean, regret["predicted"], regret["single"]),
        },
        "interval_width": float(np.median([np.median(r["high"] - r["low"]) for r in rates])),
        "truth_disagreement": float(np.median(np.concatenate([c.doubt for c in cases]))),
    }


def _rates(model: MetaModel, case: Case, single: float) -> dict[str, Floats]:
    start, stop = _range(model.space)
    found = [
        model.predict_inner_lr(case.meta_features, config)
        for config in model.space.from_raw(case.raw)
    ]
    n = len(found)
    return {
        "predicted": np.array([f.mean for f in found]),
        "low": np.array([f.low for f in found]),
        "high": np.array([f.high for f in found]),
        "single": np.full(n, single),
        "default": np.full(n, _DEFAULT),
        "centre": np.full(n, 0.5 * (start + stop)),
        "marginal": np.array([model.predict_inner_lr(case.meta_features).mean]),
    }


def _interval(
    measure: Callable[[Floats], Any], above: list[Floats], below: list[Floats] | None = None
) -> dict[str, float]:
    """A measure over all tasks' values, or the ratio of two, and half its bootstrap interval."""

    def value(rows: np.ndarray[Any, Any]) -> float:
        top = float(measure(np.concatenate([above[i] for i in rows])))
        if below is None:
            return top
        return top / max(float(measure(np.concatenate([below[i] for i in rows]))), 1e-9)

    rng = np.random.default_rng(0)
    count = len(above)
    low, high = np.quantile(
        [value(rng.integers(count, size=count)) for _ in range(_RESAMPLES)], [0.025, 0.975]
    )
    return {"mean": value(np.arange(count)), "ci95": float(high - low) / 2.0}


# Where the cases come from -----------------------------------------------------------------------


def _lcbench(data: Path | None, seed: int, split: Split) -> Iterator[Round]:
    suite = LCBench(folder(data, "yahpo/lcbench"))

    def case(name: str) -> Case:
        rng = np.random.default_rng([seed, zlib.crc32(name.encode()), 3])
        raw, grid = suite.space.sample_raw(CONFIGS, rng), _grid(suite.space, _GRID)
        task = suite.by_name[name]
        scores = suite.values(task.task, _crossed(suite.space, raw, grid)).reshape(len(raw), -1)
        reference = suite.reference(task)
        return Case(
            name=name,
            meta_features={},
            raw=raw,
            grid=grid,
            scores=scores,
            best=grid[scores.argmax(1)],
            scale=reference.best - reference.middle,
            doubt=np.zeros(len(raw)),
        )

    for fold in sorted({t.fold for t in suite.tasks if t.split == split}):
        prior = suite.prior(fold, EVALUATIONS, seed)
        single = np.median([case(h.task.name).best for h in prior.histories])
        yield prior, float(single), [case(t.name) for t in suite.tasks if t.fold == fold]


def _taskset(data: Path | None, seed: int, split: Split) -> Iterator[Round]:
    del split  # all tasks are held out once, and nothing was chosen on them
    frames = tables(folder(data, "taskset"))
    histories = {name: history(name, frame) for name, frame in frames.items()}
    space = next(iter(histories.values())).task.space
    grid = _grid(space, _GRID)
    cases = {}
    for name, each in histories.items():
        rng = np.random.default_rng([seed, zlib.crc32(name.encode()), 3])
        raw = each.raw[rng.permutation(len(each))[:CONFIGS]]
        smooth, trees = truth(each, _crossed(space, raw, grid), rng)
        smooth, trees = smooth.reshape(len(raw), -1), trees.reshape(len(raw), -1)
        scores = 0.5 * (smooth + trees)
        cases[name] = Case(
            name=name,
            meta_features={},
            raw=raw,
            grid=grid,
            scores=scores,
            best=grid[scores.argmax(1)],
            scale=float(np.quantile(scores, 1.0) - np.median(scores)),
            doubt=np.abs(grid[smooth.argmax(1)] - grid[trees.argmax(1)]),
        )
    for family in FAMILIES:
        prior = [h for h in histories.values() if h.task.family != family]
        single = np.median([cases[h.task.name].best for h in prior])
        held_out = [cases[n] for n, h in histories.items() if h.task.family == family]
        yield Portfolio(prior), float(single), held_out


def _mlp(data: Path | None, seed: int, split: Split) -> Iterator[Round]:
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
        grid = _grid(space, MLP_GRID)
        assert callable(evaluate)
        found = [evaluate(c) for c in space.from_raw(_crossed(space, raw, grid))]
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
        )

    return (
        suite,
        tuple(case(name, MLP_CONFIGS) for name in held_out),
        tuple(case(name, MLP_PRIOR_CONFIGS) for name in others),
    )


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


def _range(space: SearchSpace) -> tuple[float, float]:
    scale = space.distributions[space.inner_lr or ""]
    assert isinstance(scale, FloatDistribution)
    return float(np.log10(scale.low)), float(np.log10(scale.high))


def _grid(space: SearchSpace, count: int) -> Floats:
    """Rates evenly over the space's range, log10, (count,)."""
    return np.linspace(*_range(space), count)


def _crossed(space: SearchSpace, raw: Floats, grid: Floats) -> Floats:
    """Each config at each rate, raw, (c * g, p)."""
    rows = np.repeat(raw, len(grid), axis=0)
    name = space.inner_lr or ""
    scale = space.distributions[name]
    assert isinstance(scale, FloatDistribution)
    rates = np.clip(10.0 ** np.tile(grid, len(raw)), scale.low, scale.high)
    rows[:, space.names.index(name)] = rates
    return rows


VARIANTS: dict[str, Callable[[Path | None, int, Split], Iterator[Round]]] = {
    "lcbench": _lcbench,
    "taskset": _taskset,
    "mlp": _mlp,
}
