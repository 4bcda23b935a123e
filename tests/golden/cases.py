"""Five spaces with a made portfolio each, and all that is kept of a fit, a start and a search.

Whoever changes what a search does on purpose writes the files anew, `python -m tests.golden.cases`,
and says in the changelog why. Files hold the versions that they were written with: the last bit
depends on the libraries and on the processor, so elsewhere they say nothing.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from math import log10
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import numpy as np
import optuna
import torch
from optuna.distributions import BaseDistribution
from threadpoolctl import threadpool_info

import autometa
from autometa import (
    CompletedTrial,
    MetaLearner,
    MetaModel,
    MetaSampler,
    Portfolio,
    SearchSpace,
    State,
    Task,
    TaskHistory,
)

FOLDER = Path(__file__).parent
TASKS, TRIALS, SEARCH = 5, 24, 30

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One space and how a config of it does on a task with an optimum of its own."""

    name: str
    space: SearchSpace
    value: Callable[[Config, float], float]


def _rate(config: Config, optimum: float) -> float:
    return float((log10(config["rate"]) + 2 + optimum) ** 2 + (config["momentum"] - 0.5) ** 2)


def _trees(config: Config, optimum: float) -> float:
    depth = abs(config["depth"] - 6 - 2 * optimum) / 4
    kind = {"a": 0.0, "b": 0.2, "c": 0.5}[config["kind"]]
    return float(depth + 0.3 * abs(log10(config["trees"]) - 2) + kind)


def _branches(config: Config, optimum: float) -> float:
    if config["kernel"] == "linear":
        return float(0.6 + 0.1 * log10(config["C"]) ** 2)
    return 0.2 + (log10(config["gamma"]) + 1 + optimum) ** 2 / 4 + 0.1 * log10(config["C"]) ** 2


def _many(config: Config, optimum: float) -> float:
    return float(sum((config[f"x{j}"] - 0.5 - 0.3 * optimum / (j + 1)) ** 2 for j in range(8)))


def _steps(config: Config, optimum: float) -> float:
    width = round(abs(config["width"] / 16 - 8 - optimum) / 3)
    return float(width + round(2 * abs(config["drop"] - 0.3)))


Float, Int = optuna.distributions.FloatDistribution, optuna.distributions.IntDistribution
Categorical = optuna.distributions.CategoricalDistribution

CASES = (
    Case(
        name="rates",
        space=SearchSpace(
            {"rate": Float(1e-5, 1.0, log=True), "momentum": Float(0.0, 1.0)}, inner_lr="rate"
        ),
        value=_rate,
    ),
    Case(
        name="mixed",
        space=SearchSpace(
            {
                "depth": Int(1, 12),
                "trees": Int(10, 1000, log=True),
                "kind": Categorical(["a", "b", "c"]),
            }
        ),
        value=_trees,
    ),
    Case(
        name="conditional",
        space=SearchSpace(
            {
                "kernel": Categorical(["linear", "rbf"]),
                "C": Float(1e-3, 1e3, log=True),
                "gamma": Float(1e-4, 10.0, log=True),
            },
            conditions={"gamma": ("kernel", ("rbf",))},
        ),
        value=_branches,
    ),
    Case(
        name="wide",
        space=SearchSpace({f"x{j}": Float(0.0, 1.0) for j in range(8)}),
        value=_many,
    ),
    Case(
        name="steps",
        space=SearchSpace({"width": Int(16, 256, step=16), "drop": Float(0.0, 0.9, step=0.1)}),
        value=_steps,
    ),
)


def portfolio(case: Case) -> Portfolio:
    """Tasks of a case, the same each time; some trials failed, some were measured by folds."""
    histories = []
    for i in range(TASKS):
        rng = np.random.default_rng([7, i])
        optimum = float(rng.uniform(-1.0, 1.0))
        configs = case.space.from_raw(case.space.sample_raw(TRIALS, rng))
        task = Task(
            name=f"t{i}", space=case.space, direction="minimize", meta_features={"size": optimum}
        )
        values = [case.value(c, optimum) + 0.01 * float(rng.normal()) for c in configs]
        trials = [CompletedTrial(config=c, value=v) for c, v in zip(configs, values, strict=True)]
        trials[i] = CompletedTrial(config=configs[i], value=None, state=State.FAILED)
        histories.append(TaskHistory.of(task, trials))
    return Portfolio(histories)


def found(case: Case) -> dict[str, Any]:
    """What is kept of a case: JSON-able, floats to the last bit."""
    model = MetaLearner(seed=0).fit(portfolio(case))
    start = model.warm_start(5, meta_features={"size": 0.3})
    return {
        "model": digest(model),
        "start": [[c.config, _text(c.expected)] for c in start],
        "search": search(case, model, seed=1),
        "narrowed": narrowed(case, model, seed=2),
    }


def search(case: Case, model: MetaModel, *, seed: int) -> list[Any]:
    """A search of a task that the model has not seen: rule, config and value of each trial."""
    study = optuna.create_study(sampler=MetaSampler(model, seed=seed))

    def objective(trial: optuna.Trial) -> float:
        config: dict[str, Any] = {}
        for name, distribution in case.space.distributions.items():
            if name in case.space.active(config):
                config[name] = asked(trial, name, distribution)
        return case.value(config, 0.5)

    study.optimize(objective, n_trials=SEARCH)
    return _kept(study)


def asked(trial: optuna.Trial, name: str, distribution: BaseDistribution) -> Any:
    """The value of one parameter of a trial."""
    if isinstance(distribution, Categorical):
        return trial.suggest_categorical(name, distribution.choices)
    suggest = trial.suggest_int if isinstance(distribution, Int) else trial.suggest_float
    given: Any = distribution
    return suggest(name, given.low, given.high, step=given.step, log=given.log)


def narrowed(case: Case, model: MetaModel, *, seed: int) -> list[Any]:
    """Ask and tell, four at a time, in a narrower space of the study's own; one trial fails."""
    space = {
        name: halved(distribution)
        for name, distribution in case.space.distributions.items()
        if name not in case.space.conditions
    }
    study = optuna.create_study(sampler=MetaSampler(model, seed=seed))
    for _ in range(3):
        asked = [study.ask(space) for _ in range(4)]
        for trial in asked:
            config = {**dict.fromkeys(case.space.conditions, 1.0), **trial.params}
            if trial.number == 2:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, case.value(config, 0.5))
    return _kept(study)


def halved(distribution: BaseDistribution) -> BaseDistribution:
    """The lower half of a number's range, on its own scale; choices stay."""
    if isinstance(distribution, Categorical):
        return distribution
    given: Any = distribution
    middle = (given.low * given.high) ** 0.5 if given.log else (given.low + given.high) / 2
    if given.step:
        middle = given.low + int((middle - given.low) / given.step) * given.step
    if isinstance(given, Int):
        middle = int(middle)
    half: BaseDistribution = type(given)(given.low, middle, log=given.log, step=given.step)
    return half


def _kept(study: optuna.Study) -> list[Any]:
    return [
        [t.user_attrs.get("autometa:rule"), t.params, None if t.values is None else _text(t.value)]
        for t in study.trials
    ]


def _text(value: float | None) -> str:
    assert value is not None
    return float(value).hex()


def digest(model: MetaModel) -> str:
    """Of all arrays that a model holds."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        model.save(path)
        hashed = sha256()
        with ZipFile(path) as archive:
            for name in sorted(n for n in archive.namelist() if n.endswith(".safetensors")):
                hashed.update(archive.read(name))
    return hashed.hexdigest()


def surroundings() -> dict[str, str]:
    """All that decides the last bit."""
    packages = ("numpy", "scipy", "torch", "scikit-learn", "optuna")
    cores = {i.get("architecture") for i in threadpool_info() if i["internal_api"] == "openblas"}
    return {
        **{name: version(name) for name in packages},
        "python": ".".join(platform.python_version_tuple()[:2]),
        "machine": platform.machine(),
        "blas": ", ".join(sorted(str(c) for c in cores)),
        "torch_cpu": torch.backends.cpu.get_cpu_capability(),
    }


def path_of(case: Case) -> Path:
    """The file of a case."""
    return FOLDER / f"{case.name}.json"


def main() -> None:
    """Write all files anew."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for case in CASES:
        held = {"surroundings": surroundings(), "autometa": autometa.__version__, **found(case)}
        path_of(case).write_text(json.dumps(held, indent=1) + "\n")


if __name__ == "__main__":
    main()
