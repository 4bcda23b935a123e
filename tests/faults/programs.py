"""The programs that the fault tests kill: `python -m tests.faults.programs NAME ARGUMENT ...`.

Each prints a line for everything that it was told is safe: what was acknowledged must be there
afterwards, whatever happened to the program.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pandas as pd

from autometa import children
from autometa.portfolio import Portfolio
from autometa.task import Task, TaskHistory

ROOT = Path(__file__).parents[2]
CHILD = "svm"


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def say(what: Any) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201 - the line is the acknowledgement


def prior(tasks: int = 4) -> Portfolio:
    space, rng = children.get(CHILD).space, np.random.default_rng(0)
    histories = []
    for k in range(tasks):
        raw = space.sample_raw(30, rng)
        values = -np.nansum((space.encode_raw(raw) - 0.1 * k) ** 2, axis=1)
        task = Task(name=f"t{k}", space=space, direction="maximize", metric="balanced_accuracy")
        histories.append(TaskHistory(task=task, raw=raw, values=values))
    return Portfolio(histories)


class Formula:
    """An evaluator that takes a moment instead of training."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def prepare(self, table: Any, child: Any) -> None:
        pass

    def run(self, child: Any, config: Any, table: Any, **options: Any) -> Any:
        from autometa.children import Outcome
        from autometa.task import CompletedTrial

        time.sleep(self.seconds)
        return Outcome(trial=CompletedTrial(config=config, value=value_of(config)))

    def close(self) -> None:
        pass


def value_of(config: Any) -> float:
    return -float(np.nansum((children.get(CHILD).space.encode(config) - 0.4) ** 2))


def search_spec(storage: Any, name: str) -> Any:
    from autometa.tables import Table
    from autometa.tuning.scoring import Scoring
    from autometa.tuning.search_spec import SearchSpec

    y = pd.Series(np.arange(20) % 2)
    table = Table(name="tiny", X=pd.DataFrame({"a": y + 0.5}), y=y)
    return SearchSpec(
        table=table,
        children=(CHILD,),
        folds=2,
        seed=0,
        trial_timeout=None,
        storage=storage,
        study_name=name,
        features={},
        scoring=Scoring.of(None, "classification"),
        predictions=Path(mkdtemp(prefix="autometa-")),
    )


def search(url: str, name: str, target: str, model: str, seconds: str, jump: str = "") -> None:
    """Fill a study, as one of any number of processes; the clock may jump."""
    import optuna

    from autometa.meta import MetaModel
    from autometa.storages.connect import open_storage

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if jump:
        _jumping_clock()
    whole = search_spec(open_storage(url, heartbeat=1, grace=4), name)
    worker = whole.warm(CHILD, MetaModel.load(Path(model)), whole.judge(Formula(float(seconds))))
    say("ready")
    for trial in worker.fill(int(target), lambda: False):
        say([trial.config, trial.value])


def _jumping_clock() -> None:
    """The wall clock goes back and forth by days; the monotonic one, as promised, does not."""
    import datetime

    real, jumps = time.time, np.random.default_rng(0)

    class Jumping(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            off = datetime.timedelta(days=float(jumps.uniform(-3, 3)))
            return datetime.datetime.fromtimestamp(real(), tz) + off

    time.time = lambda: real() + float(jumps.uniform(-3e5, 3e5))
    for module in list(sys.modules.values()):
        named = module.__name__.startswith("optuna")
        if named and getattr(module, "datetime", None) is datetime.datetime:
            module.datetime = Jumping  # type: ignore[attr-defined]


def proxy(url: str, port: str) -> None:
    from optuna.storages import get_storage, run_grpc_proxy_server

    from autometa.storages.connect import open_storage

    run_grpc_proxy_server(get_storage(open_storage(url)), host="127.0.0.1", port=int(port))


def train(folder: str, path: str) -> None:
    """Meta-train and write the model, over and over."""
    from autometa.meta import MetaLearner

    portfolio = Portfolio.load(folder)
    say("ready")
    for seed in range(1_000_000):
        MetaLearner(seed=seed, steps=3).fit(portfolio).save(path)
        say(seed)


def collect(folder: str) -> None:
    from autometa.collect import Collection, Protocol, workers

    workers._evaluator = _Instant  # type: ignore[assignment]
    say("ready")
    collection(Path(folder), Collection, Protocol).run(processes=1)


class _Instant:
    """Scores by a hash of the config."""

    def run(self, child: Any, config: Any, table: Any, **options: Any) -> Any:
        from autometa.children import Outcome
        from autometa.task import CompletedTrial

        time.sleep(0.002)
        text = json.dumps([table.name, child.name, config], sort_keys=True)
        value = float(np.random.default_rng(list(text.encode())).random())
        trial = CompletedTrial(config=config, value=value, fold_scores=(value, value))
        return Outcome(trial=trial)


def collection(folder: Path, cls: Any, protocol: Any) -> Any:
    from autometa.tables import Table

    y = pd.Series(np.arange(30) % 2)
    tables = tuple(
        Table(name=name, X=pd.DataFrame({"a": y + shift, "b": y * shift}), y=y)
        for name, shift in (("one", 0.1), ("two", 0.2))
    )
    return cls(
        tables=tables,
        folder=folder,
        children=("svm", "linear"),
        configs=40,
        protocol=protocol(folds=2, rows=30, seed=0),
    )


def write(folder: str, prefix: str, rounds: str = "1000000") -> None:
    """Add tasks to a portfolio, one by one."""
    space, rng = children.get(CHILD).space, np.random.default_rng(0)
    if int(rounds) >= 10:
        say("ready")
    for k in range(int(rounds)):
        task = Task(name=f"{prefix}{k}", space=space, direction="maximize")
        raw = space.sample_raw(10, rng)
        history = TaskHistory(task=task, raw=raw, values=rng.random(10))
        Portfolio.update(folder, lambda old, new=history: old.merge(Portfolio([new])))  # type: ignore[misc]
        say(task.name)


def fill_up(what: str, folder: str, model: str) -> None:
    """Write until the disk is full; what was acknowledged, then the error."""
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails instead
    from autometa.errors import AutometaError

    try:
        if what == "collection":
            collect(folder)
        elif what == "portfolio":
            write(folder, "t")
        elif what == "model":
            from autometa.meta import MetaModel

            say("ready")
            MetaModel.load(Path(model)).save(Path(folder) / "m.model")
        else:
            _search_here(f"{what}:///{folder}/study", model, 1_000_000)
    except AutometaError:
        say("documented error")


def _search_here(url: str, model: str, target: int) -> None:
    from autometa.storages import connect as storage

    storage.PATIENCE = 1.0
    search(url, "s", str(target), model, "0.0")


def after_full(what: str, folder: str, model: str) -> None:
    """What is there after the disk was full, and a write that succeeds."""
    if what == "portfolio":
        found = [t.name for t in Portfolio.load(folder).tasks]
        other = Portfolio(
            [replace(h, task=replace(h.task, name="after")) for h in prior().histories[:1]]
        )
        Portfolio.update(folder, lambda old: old.merge(other))
        say(found)
    elif what == "model":
        from autometa.meta import MetaModel

        assert not list(Path(folder).iterdir())
        MetaModel.load(Path(model)).save(Path(folder) / "m.model")
        say(["ready"])
    elif what == "collection":
        from autometa.collect import Collection, Protocol, workers

        workers._evaluator = _Instant  # type: ignore[assignment]
        mine = collection(Path(folder), Collection, Protocol)
        assert len(mine.entries.trials) > 10
        mine.run(processes=1)
        assert len(mine.entries.trials) == 168
        say(["ready"])
    else:
        import optuna

        from autometa.storages.connect import open_storage
        from autometa.tuning.trials import evaluated

        storage = open_storage(f"{what}:///{folder}/study")
        study = optuna.load_study(study_name="s", storage=storage)
        trials = [t for t in study.get_trials() if evaluated(t)]
        study.enqueue_trial({})  # a write that succeeds
        say(["ready", *([t.params, t.value] for t in trials)])


def refused(folder: str, model: str) -> None:
    """Without root's rights, try to write into a folder; what was refused as documented."""
    from autometa.collect import Collection, Protocol
    from autometa.errors import AutometaError
    from autometa.meta import MetaModel
    from autometa.storages.connect import open_storage

    import_module("autometa.storages.journal")  # while this process may still read its own files
    place, learned = Path(folder) / "new", MetaModel.load(Path(model))
    portfolio, mine = prior(), collection(Path(folder) / "c", Collection, Protocol)
    if os.getuid() == 0:
        for above in (Path(folder), *Path(folder).parents[:-2]):
            above.chmod(0o755)
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    attempts: dict[str, Callable[[], object]] = {
        "portfolio": lambda: portfolio.save(place),
        "model": lambda: learned.save(place),
        "journal": lambda: open_storage(f"journal:///{place}"),
        "collection": lambda: mine.run(processes=1),
    }
    for name, attempt in attempts.items():
        try:
            attempt()
        except AutometaError:
            say(name)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
