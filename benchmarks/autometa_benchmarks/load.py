"""What many workers, long studies and large portfolios cost: `python -m autometa_benchmarks.load`.

By hand, on one machine, with everything on the loopback. PostgreSQL runs as a throw-away cluster of
the user `postgres`, with Optuna's gRPC proxy in front of it; both are stopped by their process ids.
A machine that does other things too makes every number smaller, so methods take turns within
seconds of each other and only their ratios count.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler

from autometa import MetaSampler
from autometa.bench import show
from autometa.bench.provenance import commit, versions
from autometa.meta import MetaLearner, MetaModel
from autometa.portfolio import Portfolio
from autometa.samplers.asking import suggest
from autometa.space import Config, SearchSpace
from autometa.task import Task, TaskHistory
from autometa_benchmarks import load_servers
from autometa_benchmarks.measuring import alone, bowls, peak, resident
from autometa_benchmarks.postgres import Cluster

SPACE = SearchSpace(
    {
        **{f"x{i}": FloatDistribution(0.0, 1.0) for i in range(5)},
        **{f"l{i}": FloatDistribution(1e-5, 1.0, log=True) for i in range(2)},
        **{f"n{i}": IntDistribution(1, 64) for i in range(2)},
        "c": CategoricalDistribution(["a", "b", "c"]),
    },
    name="load",
)
METHODS = ("autometa", "tpe", "gp")
STUDY_SIZES = (200, 1000, 3000, 10_000)


def value(config: Config, task: int) -> float:
    """A bowl whose place differs from task to task; 0 is its best."""
    unit = SPACE.encode(config)
    place = np.random.default_rng([task]).uniform(0.35, 0.65, len(unit))
    return -float(((unit - place) ** 2).sum())


def prior(tasks: int, trials: int) -> Portfolio:
    """Random trials of tasks 1, 2, ..."""
    histories = []
    for number in range(1, tasks + 1):
        raw = SPACE.sample_raw(trials, np.random.default_rng([number, 1]))
        values = np.array([value(c, number) for c in SPACE.from_raw(raw)])
        task = Task(name=f"t{number}", space=SPACE, direction="maximize")
        histories.append(TaskHistory(task=task, raw=raw, values=values))
    return Portfolio(histories)


def sampler(method: str, model: MetaModel, seed: int) -> BaseSampler:
    """A method's sampler."""
    if method == "autometa":
        return MetaSampler(model, seed=0)  # one seed: workers differ by the trial's number
    if method == "tpe":
        return optuna.samplers.TPESampler(seed=seed)
    return optuna.samplers.GPSampler(seed=seed)


# Workers on a database --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Window:
    """How workers are measured.

    Args:
        workers: Processes.
        seconds: They work for this long.
        objective: Seconds that a trial takes besides its suggestion.
    """

    workers: int
    seconds: float
    objective: float


def throughput(method: str, model: MetaModel, proxy: int, name: str, window: Window) -> Any:
    """Trials of one study by forked workers: how many were finished, and the best value.

    Workers are forked after the imports, before anything of gRPC starts, and begin together.
    """
    storage_of = load_servers.storage_of
    begin = time.time() + 6.0
    workers = []
    for number in range(window.workers):
        pid = os.fork()
        if pid == 0:
            try:
                _work(method, model, storage_of(proxy), name, window, number, begin)
            finally:
                os._exit(0)
        workers.append(pid)
    for pid in workers:
        os.waitpid(pid, 0)
    return load_servers.ask_in_process(proxy, name, begin, begin + window.seconds)


def _work(
    method: str,
    model: MetaModel,
    storage: Any,
    name: str,
    window: Window,
    number: int,
    begin: float,
) -> None:
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        direction="maximize",
        load_if_exists=True,
        sampler=sampler(method, model, number),
    )
    time.sleep(max(0.0, begin - time.time()))
    while time.time() < begin + window.seconds:
        trial = study.ask()
        found = value(suggest(trial, SPACE), 0)
        time.sleep(window.objective)
        study.tell(trial, found)


def workers(model: MetaModel, window: Window, rounds: int) -> dict[str, Any]:
    """All methods in turn, `rounds` times."""
    runs: dict[str, list[Any]] = {m: [] for m in METHODS}
    with Cluster.in_folder() as cluster, load_servers.proxy(cluster.url) as port:
        for number in range(rounds):
            for method in METHODS:
                name = f"{method}-{number}-{window.objective:g}"
                runs[method].append(throughput(method, model, port, name, window))
                _say(f"{window.workers} workers, {name}: {runs[method][-1]}")
    rate = {m: statistics.median(r["trials"] for r in found) for m, found in runs.items()}
    return {
        "workers": window.workers,
        "seconds": window.seconds,
        "objective_seconds": window.objective,
        "rounds": rounds,
        "trials_per_second": {m: round(r / window.seconds, 2) for m, r in rate.items()},
        "autometa_against": {
            m: round(rate["autometa"] / rate[m], 3) for m in METHODS[1:] if rate[m]
        },
        "best_value": {m: [r["best"] for r in found] for m, found in runs.items()},
    }


# A long study ------------------------------------------------------------------------------------


def long_study(model: MetaModel, asks: int) -> dict[str, Any]:
    """Time of a suggestion and the process's memory as one study grows, methods in turn."""
    found: dict[str, Any] = {m: {"milliseconds": {}, "megabytes": {}} for m in METHODS[:2]}
    studies = {
        m: optuna.create_study(direction="maximize", sampler=sampler(m, model, 0)) for m in found
    }
    rng = np.random.default_rng(0)
    for size in STUDY_SIZES:
        missing = {m: size - len(s.trials) for m, s in studies.items()}
        for m, study in studies.items():
            configs = SPACE.from_raw(SPACE.sample_raw(missing[m], rng))
            study.add_trials(
                optuna.trial.create_trial(
                    params=c, distributions=dict(SPACE.distributions), value=value(c, 0)
                )
                for c in configs
            )
        spent: dict[str, list[float]] = {m: [] for m in studies}
        for _ in range(asks + 1):
            for m, study in studies.items():
                started = time.process_time()
                trial = study.ask()
                config = suggest(trial, SPACE)
                spent[m].append(1000 * (time.process_time() - started))
                study.tell(trial, value(config, 0))
        for m, times in spent.items():
            # The first one reads what was added at once.
            found[m]["milliseconds"][str(size)] = round(statistics.median(times[1:]), 2)
            found[m]["megabytes"][str(size)] = round(resident())
        _say(f"study of {size}: {found}")
    for part in found.values():
        times = part["milliseconds"]
        part["slower_at_the_end"] = round(times[str(STUDY_SIZES[-1])] / times["200"], 2)
    return found


# A large portfolio -------------------------------------------------------------------------------


def large_portfolio(tasks: int, trials: int, folder: Path) -> dict[str, Any]:
    """Made data: what it costs to open, to read and to fit, each in a process of its own."""
    made = _alone("make", tasks, trials, folder)
    opened = _alone("open", tasks, trials, folder)
    read = _alone("read", tasks, trials, folder)
    fitted = _alone("fit", tasks, trials, folder)
    size = sum(p.stat().st_size for p in folder.iterdir()) / 2**20
    return {
        "tasks": tasks,
        "trials": tasks * trials,
        "folder_megabytes": round(size),
        "make": made,
        "open": opened,
        "read": read,
        "fit": fitted,
        "counted": "open: Portfolio.load. read: after it, a look at every trial. fit: after it, "
        "MetaLearner.fit and a warm start. Peak: the whole process, what it imports included.",
    }


def _alone(step: str, tasks: int, trials: int, folder: Path) -> dict[str, Any]:
    words = [step, "--tasks", tasks, "--trials", trials, "--folder", folder]
    found = alone("autometa_benchmarks.load", words)
    _say(f"{step}: {found}")
    return found


def _step(step: str, tasks: int, trials: int, folder: Path) -> dict[str, float]:
    clocks = time.perf_counter(), time.process_time()
    if step == "make":
        bowls(SPACE, tasks, trials, places=(0.35, 0.65)).save(folder)
    else:
        portfolio = Portfolio.load(folder)
        if step != "open":
            clocks = time.perf_counter(), time.process_time()
        if step == "read":
            assert sum(int(h.complete.sum()) for h in portfolio.histories) == tasks * trials
        if step == "fit":
            MetaLearner(seed=0).fit(portfolio).warm_start(3)
    wall, cpu = time.perf_counter() - clocks[0], time.process_time() - clocks[1]
    return {
        "seconds": round(wall, 2),
        "cpu_seconds": round(cpu, 2),
        "peak_megabytes": round(peak()),
    }


# A soak ------------------------------------------------------------------------------------------


def soak(model: MetaModel, minutes: float) -> dict[str, Any]:
    """Searches of 60 trials with one sampler a study, one after another; memory all the while."""
    ends = time.monotonic() + 60 * minutes
    memory: list[float] = []
    files: list[int] = []
    trials = 0
    while time.monotonic() < ends:
        study = optuna.create_study(direction="maximize", sampler=MetaSampler(model, seed=trials))
        for _ in range(60):
            trial = study.ask()
            study.tell(trial, value(suggest(trial, SPACE), trials % 7))
            trials += 1
        memory.append(resident())
        files.append(len(list(Path("/proc/self/fd").iterdir())))
    third = max(1, len(memory) // 3)
    first, last = statistics.median(memory[third : 2 * third]), statistics.median(memory[-third:])
    return {
        "minutes": minutes,
        "searches": len(memory),
        "trials": trials,
        "megabytes_second_third": round(first, 1),
        "megabytes_last_third": round(last, 1),
        "growth": round(last / first - 1, 4),
        "open_files": [files[0], files[-1]],
    }


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@contextmanager
def _kept(into: Path) -> Iterator[dict[str, Any]]:
    """The results so far; parts that are measured again replace the old ones."""
    results: dict[str, Any] = json.loads(into.read_text()) if into.exists() else {}
    yield results
    show.save(dict(sorted(results.items())), into)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the parts that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="+")
    parser.add_argument("--into", type=Path, default=Path("benchmarks/results/load.json"))
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    if asked.parts[0] in ("make", "open", "read", "fit"):
        found = _step(asked.parts[0], asked.tasks, asked.trials, asked.folder)
        sys.stdout.write(json.dumps(found) + "\n")
        return
    model = MetaLearner(seed=0).fit(prior(8, 60))

    def window(objective: float) -> Window:
        return Window(workers=asked.workers, seconds=asked.seconds, objective=objective)

    def portfolio() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            return large_portfolio(asked.tasks, asked.trials, asked.folder or Path(folder))

    known: dict[str, Callable[[], dict[str, Any]]] = {
        "workers": lambda: workers(model, window(0.0), asked.rounds),
        "workers-1s": lambda: workers(model, window(1.0), asked.rounds),
        "long-study": lambda: long_study(model, 15),
        "portfolio": portfolio,
        "soak": lambda: soak(model, asked.minutes),
    }
    for part in asked.parts:
        if part not in known:
            parser.error(f"{part!r} is none of {', '.join(known)}")
    for part in asked.parts:
        measured = known[part]()
        with _kept(asked.into) as results:
            load = round(os.getloadavg()[0], 1)
            results[part] = {**measured, "machine_load": load, "commit": commit()}
            results["versions"] = versions()


if __name__ == "__main__":
    main()
