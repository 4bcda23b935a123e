"""What the sampler and the learner themselves cost: `python -m autometa_benchmarks.overhead`.

One thread, made data of fourteen parameters, methods in turn on one study length. All times are
processor times of this process, which other work on the machine disturbs little; still only ratios
within one file mean something. Optuna's own part of `ask` and `tell` is in all of them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, GPSampler, TPESampler

from autometa import MetaSampler, reading
from autometa.bench import show
from autometa.bench.provenance import commit, versions
from autometa.meta import MetaLearner, MetaModel
from autometa.portfolio import Portfolio
from autometa.samplers.asking import suggest
from autometa.space import SearchSpace
from autometa.threads import one_thread
from autometa_benchmarks.measuring import alone, bowls, peak, resident

SPACE = SearchSpace(
    {
        **{f"x{i}": FloatDistribution(0.0, 1.0) for i in range(6)},
        **{f"l{i}": FloatDistribution(1e-5, 1.0, log=True) for i in range(3)},
        **{f"n{i}": IntDistribution(1, 64) for i in range(3)},
        "c": CategoricalDistribution(["a", "b", "c"]),
        "d": CategoricalDistribution(["a", "b"]),
    },
    name="overhead",
)
TASKS, LENGTHS, ASKS = 119, (10, 100, 1000), 15
FIT_MEMORY = (
    "Resident memory of the process, in megabytes. Before: Python, all that a fit imports (torch, "
    "scikit-learn) and the portfolio's own arrays. Peak: the most at any moment, before or in the "
    "fit. Of the fit: the difference, none of the former in it."
)


def made(tasks: int, trials: int) -> Portfolio:
    """Bowls whose places differ from task to task."""
    return bowls(SPACE, tasks, trials, places=(0.3, 0.7))


def suggestions(model: MetaModel, asks: int) -> dict[str, Any]:
    """Milliseconds of ask and suggest after n trials, median and 95 % quantile over the asks."""
    result: dict[str, Any] = {}
    for length in LENGTHS:
        samplers: dict[str, BaseSampler] = {
            "autometa": MetaSampler(model, seed=0),
            "cold-tpe": TPESampler(seed=0),
            "cold-gp": GPSampler(seed=0, deterministic_objective=False),
        }
        if length > 100:
            del samplers["cold-gp"]  # seconds each
        studies = {m: _study(s, length) for m, s in samplers.items()}
        spent: dict[str, list[float]] = {m: [] for m in studies}
        for number in range(asks + 1):
            for method, study in studies.items():
                begin = time.process_time()
                trial = study.ask()
                suggest(trial, SPACE)
                spent[method].append(1000 * (time.process_time() - begin))
                study.tell(trial, -float(number % 7))
        for method, times in spent.items():
            # The first one reads what was added at once.
            middle, high = np.quantile(times[1:], [0.5, 0.95])
            result.setdefault(method, {})[str(length)] = {
                "median": round(float(middle), 2),
                "p95": round(float(high), 2),
            }
            sys.stderr.write(f"{method} after {length} trials: {result[method][str(length)]}\n")
    return result


def _study(sampler: BaseSampler, trials: int) -> optuna.Study:
    study = optuna.create_study(direction="maximize", sampler=sampler)
    raw = SPACE.sample_raw(trials, np.random.default_rng(1))
    values = -((SPACE.encode_raw(raw) - 0.45) ** 2).sum(1)
    distributions = dict(SPACE.distributions)
    study.add_trials(
        optuna.trial.create_trial(params=config, distributions=distributions, value=float(value))
        for config, value in zip(SPACE.from_raw(raw), values, strict=True)
    )
    return study


def fits(sizes: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Processor seconds and peak memory of a fit, each in a process of its own."""
    found = []
    for size in sizes:
        found.append(alone("autometa_benchmarks.overhead", ["--fit", *size]))
        sys.stderr.write(f"fit: {found[-1]}\n")
    return found


def _fit(tasks: int, trials: int) -> dict[str, Any]:
    MetaLearner(seed=0).fit(made(3, 20))  # imports torch and scikit-learn
    portfolio = made(tasks, trials)
    held = resident()
    begin = time.process_time()
    MetaLearner(seed=0).fit(portfolio)
    return {
        "tasks": tasks,
        "trials": trials,
        "cpu_seconds": round(time.process_time() - begin, 2),
        "megabytes_before": round(held),
        "peak_megabytes": round(peak()),
        "megabytes_of_the_fit": round(peak() - held),
    }


def fit_part() -> dict[str, Any]:
    """The part of the results that says what a fit costs."""
    return {
        "fit": fits([(TASKS, 4000), (100, 1000), (1000, 1000), (10_000, 100), (10_000, 1000)]),
        "fit_memory": FIT_MEMORY,
        "fit_commit": commit(),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write `benchmarks/results/overhead.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=Path("benchmarks/results/overhead.json"))
    parser.add_argument("--asks", type=int, default=ASKS)
    parser.add_argument("--only-fits", action="store_true", help="keep what the file says of asks")
    parser.add_argument("--fit", type=int, nargs=2, metavar=("TASKS", "TRIALS"))
    asked = parser.parse_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if asked.fit:
        sys.stdout.write(f"{json.dumps(_fit(*asked.fit))}\n")
        return
    if asked.only_fits:
        show.save({**reading.parse_json(asked.into.read_bytes()), **fit_part()}, asked.into)
        return
    with one_thread():
        model = MetaLearner(seed=0).fit(made(TASKS, 400))
        found = suggestions(model, asked.asks)
    results = {
        "suite": "overhead",
        "parameters": len(SPACE.names),
        "prior_tasks": TASKS,
        "milliseconds": found,
        **fit_part(),
        "commit": commit(),
        "versions": versions(),
    }
    show.save(results, asked.into)


if __name__ == "__main__":
    main()
