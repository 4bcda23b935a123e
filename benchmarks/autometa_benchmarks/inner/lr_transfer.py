"""Suite inner-lr-transfer: an inner learning rate predicted for a task that was never seen.

Three variants, whole families of tasks held out. For several random configs of the other parameters
the best rate of a held-out task is looked up on a grid and set beside `MetaModel.predict_inner_lr`,
the centre of the space's range, the best single rate of the prior tasks and the default 1e-3.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from autometa.bench.data import folder
from autometa.bench.suite import Split
from autometa.encoding import Floats
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.inspect.rate_probe import RateProbe, fit_rate_probe
from autometa.meta.parts.inner_rate import log_range
from autometa.portfolio import Portfolio
from autometa.space import Config
from autometa_benchmarks.inner import lr_mlp
from autometa_benchmarks.inner.lr_case import Case, Round, crossed, interval, rate_grid
from autometa_benchmarks.inner.lr_taskset import FAMILIES, history, tables, truth
from autometa_benchmarks.suites.lcbench import LCBench

CONFIGS, EVALUATIONS = 20, 500
_GRID, _DEFAULT = 61, -3.0
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
    "probe": "mlp only: the same prediction beside a probe of one batch (`children.starts.probe`), "
    "used as far as prior tasks, families left out, say that it helps: `saved` log10 units of "
    "error there; zero coefficients where that is not two standard errors from nothing",
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


def run(variant: str, seed: int, *, data: Path | None, split: Split = "test") -> dict[str, Any]:
    """Fit on the prior tasks, predict for the held-out ones.

    Args:
        variant: In `VARIANTS`.
        seed: Of the prior's trials, of the configs (not of mlp) and of the fit.
        data: Root of the public data; None = AUTOMETA_DATA.
        split: "development" to choose constants on; taskset has no such tasks.

    Returns:
        A record for `record_file.add_records`.

    Raises:
        InputError: the data are not there.
    """
    began = time.perf_counter()
    cases: list[Case] = []
    rates: list[dict[str, Floats]] = []
    probes: list[dict[str, Any]] = []
    for portfolio, single, held_out in VARIANTS[variant](data, seed, split):
        model = MetaLearner(seed=seed).fit(portfolio)
        cases += held_out
        rates += [_rates(model, case, single) for case in held_out]
        if variant in PROBES:
            learned = fit_rate_probe(model, portfolio, PROBES[variant](data, split), seed=seed)
            probes.append(_probed(model, held_out, learned))
    return {
        "variant": variant,
        "seed": seed,
        **({"probe": probes[0]} if probes else {}),
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
        "error": {m: interval(np.median, e) for m, e in error.items()},
        "regret": {m: interval(np.mean, e) for m, e in regret.items()},
        "marginal": {m: interval(np.median, e) for m, e in marginal.items()},
        "coverage": {"interval": interval(np.mean, inside)},
        "ratio": {
            "error to single": interval(np.median, error["predicted"], error["single"]),
            "regret to default": interval(np.mean, regret["predicted"], regret["default"]),
            "regret to single": interval(np.mean, regret["predicted"], regret["single"]),
        },
        "interval_width": float(np.median([np.median(r["high"] - r["low"]) for r in rates])),
        "truth_disagreement": float(np.median(np.concatenate([c.doubt for c in cases]))),
    }


def _rates(model: MetaModel, case: Case, single: float) -> dict[str, Floats]:
    start, stop = log_range(model.space)
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


def _probed(model: MetaModel, cases: list[Case], learned: RateProbe) -> dict[str, Any]:
    """What a probe of one batch adds, and what prior tasks said of it beforehand."""
    errors = []
    for case in cases:
        assert case.probe is not None
        found = [
            model.predict_inner_lr(case.meta_features, config, probe=learned.at(float(value))).mean
            for config, value in zip(model.space.from_raw(case.raw), case.probe, strict=True)
        ]
        errors.append(np.abs(np.array(found) - case.best))
    return {
        "tasks": learned.tasks,
        "saved": learned.saved,
        "standard_error": learned.error,
        "coefficients": list(learned.coefficients),
        "error": interval(np.median, errors),
    }


# Where the cases come from -----------------------------------------------------------------------


def _lcbench(data: Path | None, seed: int, split: Split) -> Iterator[Round]:
    suite = LCBench(folder(data, "yahpo/lcbench"))

    def case(name: str) -> Case:
        rng = np.random.default_rng([seed, zlib.crc32(name.encode()), 3])
        raw, grid = suite.space.sample_raw(CONFIGS, rng), rate_grid(suite.space, _GRID)
        task = suite.by_name[name]
        scores = suite.values(task.task, crossed(suite.space, raw, grid)).reshape(len(raw), -1)
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
    grid = rate_grid(space, _GRID)
    cases = {}
    for name, each in histories.items():
        rng = np.random.default_rng([seed, zlib.crc32(name.encode()), 3])
        raw = each.raw[rng.permutation(len(each))[:CONFIGS]]
        smooth, trees = truth(each, crossed(space, raw, grid), rng)
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


VARIANTS: dict[str, Callable[[Path | None, int, Split], Iterator[Round]]] = {
    "lcbench": _lcbench,
    "taskset": _taskset,
    "mlp": lr_mlp.rounds,
}
PROBES: dict[str, Callable[[Path | None, Split], Callable[[str, Config], float | None]]] = {
    "mlp": lr_mlp.probes,
}
