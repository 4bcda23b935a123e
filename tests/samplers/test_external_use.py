"""What other people's programs do to a sampler: prune, pickle, copy, share, send away."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.pruners import BasePruner

from autometa.meta import MetaLearner, MetaModel
from autometa.portfolio import Portfolio
from autometa.samplers.base_samplers import sample_carefully
from autometa.samplers.pruner import MetaPruner
from autometa.space import Config, SearchSpace
from autometa.storages.per_study import PerStudy
from autometa.task import Task, TaskHistory
from tests.samplers.test_study_space import distinct

SPACE = SearchSpace({"x": FloatDistribution(0.0, 1.0), "y": FloatDistribution(0.0, 1.0)})
STEPS = 9


@pytest.fixture(scope="module")
def model() -> MetaModel:
    rng = np.random.default_rng(0)
    histories = []
    for best in np.linspace(0.2, 0.4, 8):
        raw = SPACE.sample_raw(40, rng)
        task = Task(name=f"{best:.3f}", space=SPACE, direction="maximize")
        values = -((raw[:, 0] - best) ** 2) - (raw[:, 1] - 0.6) ** 2
        histories.append(TaskHistory(task=task, raw=raw, values=values))
    return MetaLearner(seed=0, steps=50).fit(Portfolio(histories))


def value(x: float, y: float) -> float:
    return -((x - 0.3) ** 2) - (y - 0.6) ** 2


def objective(trial: optuna.Trial) -> float:
    return value(trial.suggest_float("x", 0.0, 1.0), trial.suggest_float("y", 0.0, 1.0))


def curved(trial: optuna.Trial) -> float:
    end = objective(trial)
    for step in range(STEPS):
        trial.report(end - 1.0 / (step + 1), step)
        if trial.should_prune():
            raise optuna.TrialPruned
    time.sleep(0.001)
    return end


def rules(study: optuna.Study) -> list[Any]:
    return [t.user_attrs.get("autometa:rule") for t in study.trials]


# Pruners ------------------------------------------------------------------------------------------


PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "hyperband": lambda: optuna.pruners.HyperbandPruner(1, STEPS, 3),
    "hyperband, auto": lambda: optuna.pruners.HyperbandPruner(),
    "halving": lambda: optuna.pruners.SuccessiveHalvingPruner(),
    "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=2),
    "percentile": lambda: optuna.pruners.PercentilePruner(25.0, n_startup_trials=2),
    "patient": lambda: optuna.pruners.PatientPruner(optuna.pruners.MedianPruner(), 1),
    "threshold": lambda: optuna.pruners.ThresholdPruner(lower=-1.5),
    "wilcoxon": lambda: optuna.pruners.WilcoxonPruner(),
    "none": lambda: optuna.pruners.NopPruner(),
    "ours, hyperband behind": lambda: MetaPruner(
        None, fallback=optuna.pruners.HyperbandPruner(1, STEPS, 3)
    ),
}


@pytest.mark.parametrize("name", PRUNERS)
@pytest.mark.parametrize("jobs", [1, 4])
def test_every_pruner_sees_each_config_once(model: MetaModel, name: str, jobs: int) -> None:
    study = optuna.create_study(
        study_name="a", direction="maximize", sampler=model.sampler(seed=0), pruner=PRUNERS[name]()
    )
    study.optimize(curved, n_trials=14, n_jobs=jobs)
    assert [t.number for t in study.trials] == list(range(14))
    assert distinct(study) == 14
    assert "transfer" in rules(study)
    slots = [t.user_attrs.get("autometa:slot") for t in study.trials]
    taken = [s for s in slots if s is not None]
    assert sorted(taken) == list(range(len(taken)))
    assert len(taken) == 3 if jobs == 1 else 3 <= len(taken) <= 8


def test_a_bracket_knows_what_the_others_have_shown(model: MetaModel) -> None:
    """A study in which Hyperband hides most trials from each trial."""
    study = optuna.create_study(
        study_name="a",
        direction="maximize",
        sampler=model.sampler(seed=0),
        pruner=optuna.pruners.HyperbandPruner(1, STEPS, 3),
    )
    study.optimize(objective, n_trials=7)  # nothing is reported, so nothing pruned
    plain = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0))
    plain.optimize(objective, n_trials=7)
    assert [t.params for t in study.trials] == [t.params for t in plain.trials]


# Pickles, copies, processes -----------------------------------------------------------------------


COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("base", [None, optuna.samplers.TPESampler])
def test_a_copy_in_the_middle_goes_on_alike(model: MetaModel, how: str, base: Any) -> None:
    whole, study = (
        optuna.create_study(
            direction="maximize",
            sampler=model.sampler(seed=0, base=base and base(seed=0)),
            pruner=model.pruner(),
        )
        for _ in range(2)
    )
    whole.optimize(objective, n_trials=8)
    study.optimize(objective, n_trials=5)
    study.sampler = COPIES[how](study.sampler)
    study.pruner = COPIES[how](study.pruner)
    study.optimize(objective, n_trials=3)
    assert [t.params for t in study.trials] == [t.params for t in whole.trials]


@pytest.mark.parametrize("how", ["pickle", "deepcopy"])
def test_a_study_is_copied_with_a_running_trial(model: MetaModel, how: str) -> None:
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0))
    study.optimize(objective, n_trials=4)
    trial = study.ask()
    planned = study.trials[-1].user_attrs["autometa:config"]
    copied_study, copied_trial = COPIES[how]((study, trial))
    assert copied_trial.suggest_float("x", 0.0, 1.0) == planned["x"]
    copied_study.optimize(objective, n_trials=3)
    assert trial.suggest_float("x", 0.0, 1.0) == planned["x"]
    assert len(study.trials) == 5


def _told(trial: optuna.Trial) -> tuple[int, float]:
    return trial.number, objective(trial)


def _worked(storage: str, sampler: Any) -> None:
    study = optuna.load_study(study_name="s", storage=storage, sampler=sampler)
    study.optimize(objective, n_trials=3)


def test_trials_are_asked_here_and_evaluated_in_other_processes(
    model: MetaModel, tmp_path: Path
) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    study = optuna.create_study(
        direction="maximize", sampler=model.sampler(seed=0), storage=storage
    )
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        for _ in range(2):
            asked = [study.ask() for _ in range(3)]
            for number, result in pool.map(_told, asked):
                study.tell(number, result)
    for trial in study.trials:
        assert trial.params == trial.user_attrs["autometa:config"]
    assert rules(study) == ["portfolio"] * 3 + ["transfer"] * 3


def test_joblib_threads_and_its_hashes(model: MetaModel, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    sampler = model.sampler(seed=0)
    optuna.create_study(study_name="s", direction="maximize", storage=storage)
    joblib.Parallel(2, backend="threading")(
        joblib.delayed(_worked)(storage, copy.deepcopy(sampler)) for _ in range(2)
    )
    study = optuna.load_study(study_name="s", storage=storage)
    assert len(study.trials) == distinct(study) == 6
    assert joblib.hash(sampler) == joblib.hash(model.sampler(seed=0))


def test_dask_workers_unpickle_the_sampler(model: MetaModel, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    serialise = pytest.importorskip("distributed.protocol")
    sampler = model.sampler(seed=0)
    header, frames = serialise.serialize(sampler, on_error="raise")
    assert distributed
    other = serialise.deserialize(header, frames)
    study = optuna.create_study(direction="maximize", sampler=other)
    study.optimize(objective, n_trials=2)
    assert rules(study) == ["portfolio"] * 2


# Studies of one name ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_two_studies_of_one_name_share_a_sampler(
    model: MetaModel, kind: str, tmp_path: Path
) -> None:
    sampler = model.sampler(seed=0)
    studies = [
        optuna.create_study(
            study_name="s",
            direction=direction,
            sampler=sampler,
            storage=None if kind == "memory" else f"sqlite:///{tmp_path / direction}.db",
        )
        for direction in ("maximize", "minimize")
    ]
    for study, sign in zip(studies, (1.0, -1.0), strict=True):
        study.optimize(lambda t, sign=sign: sign * objective(t), n_trials=5)  # type: ignore[misc]
    asked = [study.ask() for study in studies]
    alone = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0))
    alone.optimize(objective, n_trials=6)
    for study, trial in zip(studies, asked, strict=True):
        x = trial.suggest_float("x", 0.0, 1.0)
        assert (
            x == study.trials[-1].user_attrs["autometa:config"]["x"] == alone.trials[5].params["x"]
        )


def test_a_study_made_anew_under_its_old_name_is_new(model: MetaModel, tmp_path: Path) -> None:
    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'study.db'}")
    sampler = model.sampler(seed=0)
    for _ in range(2):
        study = optuna.create_study(
            study_name="s", storage=storage, direction="maximize", sampler=sampler
        )
        study.optimize(objective, n_trials=5)
        assert rules(study)[3] == "transfer"
        optuna.delete_study(study_name="s", storage=storage)


def test_what_is_remembered_of_a_study_goes_with_its_storage() -> None:
    remembered: PerStudy[list[int]] = PerStudy(list)
    for _ in range(3):
        study = optuna.create_study()
        remembered(study).append(1)
        assert remembered(study) == [1]
        del study
        gc.collect()
    assert not remembered._known
    assert pickle.loads(pickle.dumps(remembered))(optuna.create_study()) == []


# Pools --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [170, 1000])
def test_a_pool_of_any_size_is_used_up_without_a_repeat(model: MetaModel, size: int) -> None:
    """From a study that has tried nearly all of it, more than a suggestion looks at."""
    left = 10
    pool: list[Config] = SPACE.from_raw(SPACE.sample_raw(size, np.random.default_rng(1)))
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0, pool=pool))
    for config in pool[left:]:
        study.add_trial(
            optuna.create_trial(
                params=config,
                distributions=dict(SPACE.distributions),
                value=value(**config),  # type: ignore[arg-type]
            )
        )
    study.optimize(objective, n_trials=left)
    assert distinct(study) == size


# Threads ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "base", ["GridSampler", "RandomSampler", "BruteForceSampler", "QMCSampler"]
)
def test_bases_of_other_kinds_behind_threads(model: MetaModel, base: str) -> None:
    grid = {"x": [0.1, 0.5, 0.9], "y": [0.1, 0.4, 0.7, 0.8, 0.9]}
    options: dict[str, Any] = {"search_space": grid} if base == "GridSampler" else {}
    sampler = model.sampler(seed=0, base=getattr(optuna.samplers, base)(**options, seed=0))
    study = optuna.create_study(direction="maximize", sampler=sampler)

    def stepped(trial: optuna.Trial) -> float:
        step = 0.1 if base == "BruteForceSampler" else None
        x = trial.suggest_float("x", 0.0, 1.0, step=step)
        return value(x, trial.suggest_float("y", 0.0, 1.0, step=step))

    study.optimize(stepped, n_trials=13, n_jobs=2)
    assert len(study.trials) == 13
    assert all(t.state == optuna.trial.TrialState.COMPLETE for t in study.trials)
    cold = [t for t in study.trials if t.user_attrs["autometa:rule"] == "cold"]
    assert cold
    if base == "GridSampler":
        assert all(t.params["x"] in grid["x"] and t.params["y"] in grid["y"] for t in cold)


def test_the_trial_of_a_thread_is_told_by_another(model: MetaModel) -> None:
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0))
    asked = [study.ask() for _ in range(4)]
    threads = [
        threading.Thread(target=lambda t=t: study.tell(t, objective(t))) for t in reversed(asked)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [t.params for t in study.trials] == [
        t.user_attrs["autometa:config"] for t in study.trials
    ]


def test_a_base_that_nobody_chose_never_ends_a_search(model: MetaModel) -> None:
    """Optuna's GPSampler fails at ranges beyond all floats' squares once it models them."""
    study = optuna.create_study(sampler=model.sampler(seed=0))

    def beyond(trial: optuna.Trial) -> float:
        wide = trial.suggest_float("wide", -8e307, 8e307)
        large = trial.suggest_int("large", -(2**62), 2**62)
        return objective(trial) + (wide > 0) + (large > 0)

    study.optimize(beyond, n_trials=13)
    assert len({str(t.params) for t in study.trials}) == 13
    asked = study, study.trials[0], dict(SPACE.distributions)
    told = [sample_carefully(_Failing(), 3, *asked) for _ in range(2)]
    assert told[0] == told[1]
    assert told[0].keys() == SPACE.distributions.keys()
    with pytest.raises(ConnectionError):  # an outage is waited for elsewhere
        sample_carefully(_Failing(ConnectionError()), 3, study, study.trials[0], {})


class _Failing(optuna.samplers.RandomSampler):
    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error or ValueError("no such model")

    def sample_relative(self, *args: Any) -> Any:
        raise self.error
