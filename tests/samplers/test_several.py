"""Studies of several objectives that start from prior tasks of the same objectives."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.samplers import PartialFixedSampler

import autometa
from autometa.errors import InputError, RecordError
from autometa.meta import MetaLearner
from autometa.meta.front_model import FrontModel
from autometa.meta.spaces.study_space import StudySpace
from autometa.portfolio import Portfolio
from autometa.priors.beginning import START
from autometa.priors.knowing import Wish
from autometa.priors.several import learned_of
from autometa.samplers.explanation import explain_study
from autometa.space import SearchSpace
from autometa.suggest import Observations, Policy, Setup, Situation, suggest
from autometa.suggest.suggestion import FRONT, OTHER_OBJECTIVES
from autometa.task import Direction, Task, TaskHistory

QUICK = MetaLearner(seed=0, steps=20, basis_size=12)
SPACE = SearchSpace({"x": FloatDistribution(0.0, 1.0), "y": FloatDistribution(0.0, 1.0)})
BOTH: tuple[Direction, Direction] = ("maximize", "minimize")


def values(x: Any, y: Any, best: float = 0.5) -> tuple[Any, Any]:
    """The front lies at y = .6 between x = best and x = 0."""
    return -((x - best) ** 2) - (y - 0.6) ** 2, x**2 + (y - 0.6) ** 2


def objective(trial: optuna.Trial) -> tuple[float, float]:
    found = values(trial.suggest_float("x", 0.0, 1.0), trial.suggest_float("y", 0.0, 1.0))
    return float(found[0]), float(found[1])


def scored(tasks: int = 6, trials: int = 30, sign: float = 1.0) -> Portfolio:
    """Tasks by two metrics whose trials took as long as the second says."""
    rng = np.random.default_rng(0)
    histories = []
    for best in np.linspace(0.4, 0.6, tasks):
        raw = SPACE.sample_raw(trials, rng)
        first, second = values(raw[:, 0], raw[:, 1], best)
        task = Task(
            name=f"{best:.3f}",
            space=SPACE,
            direction="maximize",
            metric="good",
            metrics={"dear": "minimize"},
        )
        histories.append(
            TaskHistory(
                task=task,
                raw=raw,
                values=sign * first,
                metrics={"dear": sign * second[:, None]},
                seconds=second + 0.01,
            )
        )
    return Portfolio(histories)


def learned(sign: float = 1.0) -> FrontModel:
    found = learned_of(scored(sign=sign), Wish(), ("good", "dear"), 0, QUICK)
    assert isinstance(found, FrontModel)
    return found


@pytest.fixture(scope="module")
def front() -> FrontModel:
    return learned()


def searched(sampler: optuna.samplers.BaseSampler, n: int, **more: Any) -> optuna.Study:
    study = optuna.create_study(directions=BOTH, sampler=sampler)
    study.optimize(objective, n_trials=n, **more)
    return study


def volume(study: optuna.Study) -> float:
    """Hypervolume above (-.4, .4)."""
    points = [(t.values[0] + 0.4, 0.4 - t.values[1]) for t in study.trials if t.values]
    kept = sorted((p for p in points if min(p) > 0.0), reverse=True)
    total, height = 0.0, 0.0
    for first, second in kept:
        total += first * max(second - height, 0.0)
        height = max(height, second)
    return total


def test_a_search_has_a_start_then_hypervolume_and_beats_random(front: FrontModel) -> None:
    study = searched(autometa.MetaSampler(front, seed=0), 14)
    explained = explain_study(study)
    assert [e.rule for e in explained[:3]] == ["portfolio"] * 3
    assert "fronts of 6 prior tasks" in explained[0].reason
    informed = [e for e in explained if e.rule == "transfer"]
    assert {e.reason for e in informed} == {FRONT}
    assert all(e.weights and e.transfer is not None for e in informed)
    assert [e.number for e in explained if e.rule == "cold"] == [8, 12]
    random = [searched(optuna.samplers.RandomSampler(seed=s), 14) for s in range(5)]
    assert volume(study) > max(map(volume, random))
    assert len({t.params["x"] for t in study.best_trials}) >= 3  # along the front


def test_a_random_scalarisation_is_the_same_search_along_one_direction(front: FrontModel) -> None:
    policy = Policy(front_directions=1)
    study = searched(autometa.MetaSampler(front, seed=0, policy=policy), 8)
    random = searched(optuna.samplers.RandomSampler(seed=0), 8)
    assert volume(study) > volume(random)


def test_no_prior_task_has_a_say_in_a_cold_trial(front: FrontModel) -> None:
    rng = np.random.default_rng(1)
    unit = rng.uniform(size=(9, 2))
    first, second = values(*unit.T)
    each = (Observations.of(unit, first), Observations.of(unit, -second))
    now = Situation(
        number=12,
        space=StudySpace(SPACE),
        observed=each[0],
        objectives=2,
        directions=BOTH,
        each=each,
        places=frozenset(range(9)),
    )
    told = [suggest(Setup.of(model, seed=0), now) for model in (front, learned(sign=-1.0))]
    assert {s.rule for s in told} == {"cold"}
    assert told[0].config == told[1].config


def test_stopped_copied_and_resumed_it_is_the_same_search(front: FrontModel) -> None:
    def split(at: int, copied: Any) -> list[Any]:
        study = optuna.create_study(directions=BOTH, sampler=autometa.MetaSampler(front, seed=3))
        study.optimize(objective, n_trials=at)
        study.sampler = copied(study.sampler)
        study.optimize(objective, n_trials=9 - at)
        return [t.params for t in study.trials]

    whole = split(9, copy.copy)
    assert split(4, lambda s: pickle.loads(pickle.dumps(s))) == whole  # our own sampler
    assert split(2, copy.deepcopy) == whole


def test_many_workers_get_different_configs_of_the_start(front: FrontModel) -> None:
    study = searched(autometa.MetaSampler(front, seed=0), 10, n_jobs=4)
    assert len({tuple(t.params.values()) for t in study.trials}) == 10
    assert all(e.rule != "base" for e in explain_study(study))


def test_what_somebody_else_fixes_is_held(front: FrontModel) -> None:
    study = searched(PartialFixedSampler({"y": 0.25}, autometa.MetaSampler(front, seed=0)), 7)
    assert {t.params["y"] for t in study.trials} == {0.25}
    assert {e.rule for e in explain_study(study)[4:]} == {"transfer"}


def test_failures_and_infinities_of_any_objective_are_failures(front: FrontModel) -> None:
    def failing(trial: optuna.Trial) -> tuple[float, float]:
        first, second = objective(trial)
        if trial.number in (1, 4):
            return first, float("inf")
        if trial.number == 2:
            raise optuna.TrialPruned
        return first, second

    study = optuna.create_study(directions=BOTH, sampler=autometa.MetaSampler(front, seed=0))
    study.optimize(failing, n_trials=9)
    assert [e.rule for e in explain_study(study)].count("transfer") >= 4


def test_a_study_of_other_objectives_is_left_to_the_base_sampler(front: FrontModel) -> None:
    others: list[list[Direction]] = [["minimize", "maximize"], ["maximize"] * 3]
    for directions in others:
        study = optuna.create_study(
            directions=directions, sampler=autometa.MetaSampler(front, seed=0)
        )
        for _ in range(2):
            trial = study.ask()
            study.tell(trial, [*objective(trial), 1.0][: len(directions)])
        assert {(e.rule, e.reason) for e in explain_study(study)} == {("base", OTHER_OBJECTIVES)}


def studies(count: int = 3, trials: int = 12) -> list[optuna.Study]:
    made = []
    for i in range(count):
        study = optuna.create_study(
            directions=BOTH, study_name=f"s{i}", sampler=optuna.samplers.RandomSampler(seed=i)
        )
        study.optimize(objective, n_trials=trials)
        made.append(study)
    return made


@pytest.mark.parametrize("door", ["create", "list", "warm", "sampler"])
def test_every_door_takes_studies_of_several_objectives(door: str) -> None:
    prior = studies()
    options: dict[str, Any] = {"seed": 1, "learner": QUICK}
    if door == "sampler":
        sampler = autometa.MetaSampler(prior, seed=1, learner=QUICK)
        study = optuna.create_study(directions=BOTH, sampler=sampler)
    elif door == "warm":
        study = autometa.warm_start(optuna.create_study(directions=BOTH), prior, **options)
    elif door == "list":
        study = autometa.create_study(BOTH, prior=prior, **options)
    else:
        study = autometa.create_study(directions=BOTH, prior=prior, **options)
    study.optimize(objective, n_trials=5)
    rules = [e.rule for e in explain_study(study)]
    assert rules == ["portfolio"] * 3 + ["transfer"] * 2
    if door != "sampler":
        assert "starts from 3 prior tasks" in study.user_attrs[START]


@pytest.mark.parametrize("door", ["create", "warm", "sampler"])
def test_a_search_of_one_objective_says_by_which_of_theirs_it_learns(door: str) -> None:
    """Both at once would teach that what is bad is good."""
    prior = studies()

    def started(**options: Any) -> optuna.Study:
        study = optuna.create_study(direction="maximize")
        if door == "sampler":
            study.sampler = autometa.MetaSampler(prior, seed=1, learner=QUICK, **options)
            return study
        options |= {"seed": 1, "learner": QUICK}
        if door == "warm":
            return autometa.warm_start(study, prior, **options)
        return autometa.create_study("maximize", prior=prior, **options)

    if door != "sampler":  # which is told by the study
        with pytest.raises(InputError, match=r"several objectives .*metric='value/0'"):
            started()
    with pytest.raises(InputError, match=r"several objectives .*'value'.*metric='value/0'"):
        started(metric="value")
    found = []
    for k in range(2):
        study = started(metric=f"value/{k}")
        study.optimize(lambda trial: objective(trial)[0], n_trials=4)
        reasons = [e.reason for e in explain_study(study)]
        assert all(f"/{1 - k}" not in reason for reason in reasons)
        found.append([t.params for t in study.trials[:3]])
    assert found[0] != found[1]


def naming(study: optuna.Study, *names: str) -> optuna.Study:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(list(names))
    return study


def first_config(study: optuna.Study) -> Any:
    study.ask()
    return study.trials[0].user_attrs["autometa:config"]


def test_objectives_that_studies_name_are_found_by_their_names() -> None:
    prior = [naming(study, "good", "dear") for study in studies()]
    turned = autometa.create_study(
        directions=BOTH[::-1], prior=prior, metric=["dear", "good"], learner=QUICK
    )
    assert "good" in turned.user_attrs[START]
    assert turned.user_attrs[START].index("dear") < turned.user_attrs[START].index("good")
    with pytest.raises(InputError, match=r"no prior task .*'good', 'dear'"):
        autometa.create_study(directions=BOTH, prior=prior, metric=["dear", "good"])
    one = autometa.create_study("minimize", prior=prior, metric="dear", learner=QUICK)
    same = autometa.create_study("minimize", prior=studies(), metric="value/1", learner=QUICK)
    assert first_config(one) == first_config(same)


def test_some_of_a_studys_objectives_can_be_asked_for() -> None:
    prior = naming(optuna.create_study(directions=["minimize", *BOTH]), "size", "good", "dear")
    prior.sampler = optuna.samplers.RandomSampler(seed=0)
    prior.optimize(lambda trial: (1.0, *objective(trial)), n_trials=12)
    found = autometa.create_study(
        directions=BOTH, prior=prior, metric=["good", "dear"], learner=QUICK
    )
    assert "size" not in found.user_attrs[START]


def test_tasks_by_several_metrics_are_named_and_their_time_is_one_of_them() -> None:
    study = autometa.create_study(
        directions=BOTH, prior=scored(), metric=["good", "seconds"], learner=QUICK
    )
    study.optimize(objective, n_trials=4)
    assert "good" in study.user_attrs[START]
    assert [e.rule for e in explain_study(study)][:1] == ["portfolio"]
    task = scored().tasks[0]
    named = autometa.create_study(task, metric=["good", "dear"], prior=scored(), learner=QUICK)
    assert [d.name.lower() for d in named.directions] == list(BOTH)


def test_the_study_itself_is_no_prior_of_its_own_and_its_trials_count() -> None:
    prior = studies()
    study = autometa.warm_start(prior[0], prior, learner=QUICK)
    assert "starts from 2 prior tasks" in study.user_attrs[START]
    study.optimize(objective, n_trials=2)
    assert len(study.trials) == 14
    assert [e.rule for e in explain_study(study)[12:]] == ["portfolio", "portfolio"]


def test_mistakes_are_told() -> None:
    prior = scored(2)
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"directions": BOTH}, r'metric=\["accuracy", "seconds"\]'),
        ({"directions": BOTH, "metric": "good"}, "a name for each"),
        ({"directions": BOTH, "metric": ["good"]}, "a name for each"),
        ({"directions": ["maximize"]}, "two or more"),
        ({"directions": "maximize"}, "one for each objective"),
        ({"task": "maximize", "directions": BOTH}, "alone"),
        ({"task": BOTH, "directions": BOTH}, "twice"),
        ({"task": "maximize", "metric": ["good", "dear"]}, "one for each"),
        ({"task": prior.tasks[0], "metric": ["good", "auc"]}, "good, dear|seconds, dear, good"),
        ({"directions": ("minimize", "minimize"), "metric": ["good", "dear"]}, "no prior task"),
        # A family's own names and units would be taken for the user's.
        ({"directions": BOTH, "metric": ["accuracy", "seconds"], "prior": "svm"}, "Say space="),
        ({"directions": BOTH, "metric": ["r2", "seconds"], "prior": ["svm", prior]}, "Say space="),
    ]
    for wrong, match in mistakes:
        with pytest.raises(InputError, match=match):
            autometa.create_study(**{"prior": prior, "learner": QUICK, **wrong})
    with pytest.raises(InputError, match="Say space="):
        autometa.MetaSampler("svm", metric=["accuracy", "seconds"])
    with pytest.raises(RecordError):
        autometa.create_study(directions=["up", "down"], prior=prior)  # type: ignore[list-item]
    with pytest.raises(RecordError):
        autometa.create_study(prior=prior)
    single = optuna.create_study(directions=BOTH)
    with pytest.raises(InputError, match="Say space="):
        autometa.warm_start(single, "svm", metric=["accuracy", "seconds"])
    with pytest.raises(InputError, match="model of one objective"):
        autometa.warm_start(single, QUICK.fit(prior))


def test_directions_of_another_study_are_taken_as_they_are() -> None:
    other: Any = optuna.create_study(directions=BOTH)
    several = autometa.create_study(directions=other.directions, space=SPACE)
    assert several.directions == other.directions
    assert autometa.create_study(other.directions, space=SPACE).directions == other.directions
    one = autometa.create_study(other.directions[1], space=SPACE)
    assert one.direction == optuna.study.StudyDirection.MINIMIZE
    neither: list[Any] = [optuna.study.StudyDirection.NOT_SET, 3]
    for task in neither:
        with pytest.raises(RecordError, match="'maximize' or 'minimize'"):
            autometa.create_study(task, space=SPACE)
    with pytest.raises(InputError, match="alone"):
        autometa.create_study(other.directions[0], directions=BOTH, space=SPACE)


def test_without_a_prior_it_starts_cold_and_says_so() -> None:
    study = autometa.create_study(directions=BOTH, space=SPACE)
    study.optimize(objective, n_trials=3)
    assert {e.rule for e in explain_study(study)} == {"base"}
    assert "cold" in study.user_attrs[START]
