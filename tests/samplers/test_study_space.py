"""A search in a space of its own: narrower, wider, shifted, of other parameters, or changing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.errors import SpaceError
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.spaces.study_space import StudySpace
from autometa.portfolio import Portfolio
from autometa.samplers.create import create_study
from autometa.samplers.read_space import SpaceReader
from autometa.samplers.read_trials import TrialsReader
from autometa.space import SearchSpace
from autometa.space.clipping import is_beyond
from autometa.task import Task, TaskHistory

Objective = Callable[[optuna.Trial], float]


def quadratic(space: SearchSpace, centres: dict[str, float], tasks: int = 8) -> Portfolio:
    """Tasks whose values fall with the squared distance from a place near the centres."""
    rng = np.random.default_rng(0)
    histories = []
    for i in range(tasks):
        raw = space.sample_raw(40, rng)
        values = np.zeros(len(raw))
        for name, centre in centres.items():
            column = raw[:, space.names.index(name)]
            values -= (np.nan_to_num(column) - centre - 0.05 * rng.standard_normal()) ** 2
        task = Task(name=f"t{i}", space=space, direction="maximize")
        histories.append(TaskHistory(task=task, raw=raw, values=values))
    return Portfolio(histories)


@pytest.fixture(scope="module")
def square() -> MetaModel:
    space = SearchSpace({n: FloatDistribution(0.0, 1.0) for n in "xy"})
    return MetaLearner(seed=0, steps=200).fit(quadratic(space, {"x": 0.7, "y": 0.5}))


def search(
    model: MetaModel, objective: Objective, trials: int, *, seed: int = 0, **more: Any
) -> optuna.Study:
    sampler = model.sampler(seed=seed, **more)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=trials)
    return study


def rules(study: optuna.Study) -> list[str]:
    return [t.user_attrs["autometa:rule"] for t in study.trials]


def past(objective: Callable[[optuna.Trial], float], trials: int) -> list[optuna.Study]:
    """Three finished studies of random trials."""
    studies = []
    for i in range(3):
        study = optuna.create_study(
            study_name=str(i), direction="maximize", sampler=optuna.samplers.RandomSampler(seed=i)
        )
        study.optimize(objective, n_trials=trials)
        studies.append(study)
    return studies


def distinct(study: optuna.Study) -> int:
    return len({str(sorted(t.params.items())) for t in study.trials})


@pytest.mark.parametrize(
    ("low", "high", "best"),
    [(0.0, 0.3, 0.15), (0.0, 0.9, 0.4), (-2.0, 3.0, -1.3), (5.0, 9.0, 6.2), (0.65, 0.75, 0.7)],
)
def test_a_range_of_the_studys_own_is_searched_whole(
    square: MetaModel, low: float, high: float, best: float
) -> None:
    """Narrower with the optimum outside of the prior's best region, wider, elsewhere, inside."""
    width = high - low
    study = search(
        square,
        lambda t: (
            -(((t.suggest_float("x", low, high) - best) / width) ** 2)
            - (t.suggest_float("y", 0.0, 1.0) - 0.5) ** 2
        ),
        20,
    )
    assert study.best_value > -1e-3
    assert distinct(study) >= 19
    assert sum("autometa:moved" in t.user_attrs for t in study.trials[1:]) == 0


def test_other_kinds_and_scales_of_the_same_parameter(square: MetaModel) -> None:
    study = search(
        square,
        lambda t: (
            -((np.log10(t.suggest_float("x", 1e-3, 1.0, log=True)) + 2.0) ** 2)
            - (t.suggest_categorical("y", [0.1, 0.5, "off"]) != "off")
        ),
        20,
    )
    assert study.best_params["y"] == "off"
    assert study.best_value > -0.05


def test_what_is_not_searched_is_marginalised(square: MetaModel) -> None:
    study = search(square, lambda t: -((t.suggest_float("x", 0.0, 1.0) - 0.68) ** 2), 10)
    assert rules(study)[:8] == ["portfolio"] * 3 + ["transfer"] * 5
    assert study.best_value > -1e-3


def test_ranges_that_change_between_trials(square: MetaModel) -> None:
    """Each suggestion lies in the latest range, and trials of earlier ones still count."""

    def objective(trial: optuna.Trial) -> float:
        low = 0.0 if trial.number < 8 else 0.4
        high = 0.3 if trial.number < 8 else 0.9
        x = trial.suggest_float("x", low, high)
        return -((x - 0.6) ** 2) - (trial.suggest_float("y", 0.0, 1.0) - 0.5) ** 2

    study = search(square, objective, 20)
    assert all("autometa:moved" not in t.user_attrs for t in study.trials[9:])
    assert study.best_value > -1e-3
    assert distinct(study) >= 19


def test_parameters_of_a_branch_and_names_that_come_and_go(square: MetaModel) -> None:
    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        value = -((x - 0.7) ** 2)
        if trial.suggest_categorical("branch", ["a", "b"]) == "a":
            value -= (trial.suggest_float("of_a", 0.0, 1.0) - 0.9) ** 2 + 0.1
        else:
            value -= (trial.suggest_float("of_b", 0.0, 1.0) - 0.2) ** 2
        if trial.number % 3 == 0:
            trial.suggest_int("sometimes", 1, 5)
        return value

    studies = [search(square, objective, 25, seed=seed) for seed in range(3)]
    assert all(rules(study).count("transfer") > 5 for study in studies)
    best = sorted(studies, key=lambda study: study.best_value)[1]
    assert best.best_params["branch"] == "b"
    assert best.best_value > -0.01


def test_conditions_of_the_prior_hold_where_the_study_keeps_to_them() -> None:
    space = SearchSpace(
        {
            "kind": CategoricalDistribution(["plain", "rbf", "poly"]),
            "gamma": FloatDistribution(1e-3, 1e3, log=True),
            "degree": IntDistribution(1, 9),
        },
        conditions={"gamma": ("kind", ["rbf", "poly"]), "degree": ("kind", ["poly"])},
    )
    model = MetaLearner(seed=0, steps=100).fit(quadratic(space, {"degree": 4.0}))

    def objective(trial: optuna.Trial) -> float:
        kind = trial.suggest_categorical("kind", ["rbf", "plain", "new"])
        if kind == "plain":
            return -1.0
        gamma = trial.suggest_float("gamma", 0.1, 10.0, log=True)
        return -(math.log10(gamma) ** 2) - (0.0 if kind == "new" else 0.3)

    studies = [search(model, objective, 25, seed=seed) for seed in range(3)]
    best = sorted(studies, key=lambda study: study.best_value)[1]
    assert best.best_params["kind"] == "new"
    assert best.best_value > -0.05
    assert all("degree" not in t.params for study in studies for t in study.trials)


@pytest.mark.parametrize("fixed", [0.11, 0.9])
def test_optunas_partial_fixed_sampler(square: MetaModel, fixed: float) -> None:
    """The free parameter is decided for the value that the other one is fixed at."""

    def objective(trial: optuna.Trial) -> float:
        x, y = trial.suggest_float("x", 0.0, 1.0), trial.suggest_float("y", 0.0, 1.0)
        return -((x - y) ** 2)

    study = search(square, objective, 6)
    study.sampler = optuna.samplers.PartialFixedSampler({"y": fixed}, study.sampler)
    study.optimize(objective, n_trials=12)
    late = study.trials[6:]
    assert all(t.params["y"] == fixed for t in late)
    assert max(t.value for t in late if t.value is not None) > -1e-3
    planned = [t.user_attrs["autometa:config"]["y"] for t in late[1:]]
    assert np.allclose(planned, fixed)


def test_an_enqueued_part_is_completed_around_it(square: MetaModel) -> None:
    def objective(trial: optuna.Trial) -> float:
        x, y = trial.suggest_float("x", 0.0, 1.0), trial.suggest_float("y", 0.0, 1.0)
        return -((x - y) ** 2)

    study = search(square, objective, 12)
    for y in (0.25, 0.85):
        for _ in range(4):
            study.enqueue_trial({"y": y})
        study.optimize(objective, n_trials=4)
        added = study.trials[-4:]
        assert all(t.params["y"] == t.user_attrs["autometa:config"]["y"] == y for t in added)
        assert min(abs(t.params["x"] - y) for t in added) < 0.1


@pytest.mark.filterwarnings("ignore:Choices for a categorical")
def test_ranges_of_one_value_and_choices_that_are_no_plain_data(square: MetaModel) -> None:
    class Kernel:
        pass

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0.25, 0.25)
        trial.suggest_categorical("kernel", [Kernel, Kernel])  # type: ignore[list-item]
        return -((x - 0.7) ** 2) - (trial.suggest_float("y", 0.0, 1.0) - 0.5) ** 2

    study = search(square, objective, 10)
    assert study.best_value > -((0.25 - 0.7) ** 2) - 1e-2


@pytest.mark.parametrize("odd", ["an empty name", "too large numbers"])
def test_what_no_space_can_hold_is_the_base_samplers(square: MetaModel, odd: str) -> None:
    def objective(trial: optuna.Trial) -> float:
        if odd == "an empty name":
            trial.suggest_float("", 0.0, 1.0)
        else:
            trial.suggest_int("n", -(2**62), 2**62)
        return -((trial.suggest_float("x", 0.0, 1.0) - 0.7) ** 2)

    study = search(square, objective, 8)
    assert study.best_value > -1e-2
    assert distinct(study) == 8
    assert set(Portfolio.from_studies(study).space.names) == {"x"}


@pytest.mark.parametrize(
    ("name", "told"),
    [("", "parameter name ''.*non-empty"), ("n", "'n' goes from 0 to .*Narrow the range")],
)
def test_a_study_of_nothing_that_a_space_can_hold_says_what_would_do(name: str, told: str) -> None:
    study = optuna.create_study()
    trial = study.ask()
    trial.suggest_int(name, 0, 2**62)
    study.tell(trial, 1.0)
    with pytest.raises(SpaceError, match=f"no parameter that a space can hold.*{told}"):
        Portfolio.from_studies(study)


def test_eight_asks_before_any_result_keep_to_the_space_that_the_first_one_shows(
    square: MetaModel,
) -> None:
    study = optuna.create_study(direction="maximize", sampler=square.sampler(seed=0))
    space = {"x": FloatDistribution(0.0, 0.3), "z": IntDistribution(1, 9)}
    trials = [study.ask(space) for _ in range(3)]
    assert all(0.0 <= t.params["x"] <= 0.3 for t in trials)
    assert all("z" in t.user_attrs["autometa:config"] for t in study.trials[1:])


def asked_lists(trial: optuna.Trial) -> float:
    choices: list[Any] = [[1] * n for n in range(5)]
    return len(trial.suggest_categorical("x", choices)) / 4


ASKED: dict[str, Callable[[optuna.Trial], float]] = {
    "lists": asked_lists,
    "an integer": lambda trial: trial.suggest_int("x", 1, 9) / 9,
    "a logarithm": lambda trial: trial.suggest_float("x", 0.1, 1.0, log=True),
    "a step": lambda trial: trial.suggest_float("x", 0.0, 1.0, step=0.1),
    "choices": lambda trial: float(trial.suggest_categorical("x", [0.1, 0.3, 0.7, 0.9])),
}


@pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("declared", [True, False])
def test_an_objective_may_ask_otherwise_than_was_declared(
    square: MetaModel, asked: str, declared: bool
) -> None:
    space = {n: FloatDistribution(0.0, 1.0) for n in "xy"} if declared else None
    study = create_study("maximize", prior=square, space=space)

    def objective(trial: optuna.Trial) -> float:
        return -((ASKED[asked](trial) - 0.7) ** 2) - (trial.suggest_float("y", 0.0, 1.0) - 0.5) ** 2

    study.optimize(objective, n_trials=5)
    assert rules(study)[:3] == ["portfolio"] * 3
    assert distinct(study) == 5


def test_more_choices_than_were_declared(square: MetaModel) -> None:
    space = {n: FloatDistribution(0.0, 1.0) for n in "xy"}
    kinds = CategoricalDistribution(["a", "b"])
    study = create_study("maximize", prior=square, space={**space, "kind": kinds})

    def objective(trial: optuna.Trial) -> float:
        kind = trial.suggest_categorical("kind", ["a", "b", "cc"])
        return len(kind) + trial.suggest_float("x", 0, 1) + trial.suggest_float("y", 0, 1)

    study.optimize(objective, n_trials=8)
    assert "cc" in {t.params["kind"] for t in study.trials}


def test_items_of_the_start_that_lie_beside_one_bound_are_tried_once(square: MetaModel) -> None:
    space = {n: FloatDistribution(0.0, 1.0) for n in "xy"}
    study = create_study("maximize", prior=square, space=space)
    study.optimize(lambda t: float(t.suggest_int("x", 1, 5) + t.suggest_int("y", 1, 5)), n_trials=6)
    assert distinct(study) == 6


@pytest.mark.parametrize(
    "ask",
    [
        lambda t, n: t.suggest_float(n, 0.0, 1.0, step=0.25),
        lambda t, n: t.suggest_float(n, 0.1, 0.9, step=0.2),
        lambda t, n: t.suggest_int(n, -1, 3),
    ],
    ids=["quarters", "odd tenths", "whole numbers"],
)
def test_steps_that_prior_tasks_did_not_have_bring_no_config_twice(
    square: MetaModel, ask: Callable[[optuna.Trial, str], float]
) -> None:
    study = search(square, lambda t: -abs(ask(t, "x") - 0.7) - abs(ask(t, "y") - 0.5), 18)
    assert "transfer" in rules(study)
    assert distinct(study) == 18


# Ranges that depend on other parameters ----------------------------------------------------------


def _parts(trial: optuna.Trial) -> float:
    n = trial.suggest_int("n", 1, 20)
    k = trial.suggest_int("k", 1, n)
    share = trial.suggest_float("share", 0.0, k / n)
    return -(((n - 16) / 20) ** 2) - ((k - 9) / 20) ** 2 - (share - 0.5) ** 2


def _leaves(trial: optuna.Trial) -> float:
    depth = trial.suggest_int("depth", 2, 10)
    leaves = trial.suggest_int("leaves", 2, 2**depth, log=True)
    return -(((depth - 7) / 10) ** 2) - (math.log2(leaves / 40) / 10) ** 2


def _below(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", 0.0, 1.0)
    y = trial.suggest_float("y", 0.0, x)
    return -((x - 0.6) ** 2) - (y - 0.4) ** 2


@pytest.mark.parametrize("objective", [_parts, _leaves, _below])
def test_a_range_may_depend_on_another_parameter(objective: Objective) -> None:
    found = create_study("maximize", prior=past(objective, trials=25))
    found.optimize(objective, n_trials=30)
    assert distinct(found) >= 24
    assert found.best_value > -1e-3
    assert all("autometa:moved" not in t.user_attrs for t in found.trials[3:])
    anew = [t for t in found.trials if "autometa:beyond" in t.user_attrs]
    assert anew
    assert all(t.user_attrs["autometa:config"] == t.params for t in anew if t.number >= 3)


SHORT, LONG, OTHER = (IntDistribution(1, high) for high in (5, 9, 7))
FIFTH, SIXTH = (IntDistribution(1, high) for high in (11, 12))


@pytest.mark.parametrize(
    ("ranges", "latest"),
    [
        ([SHORT], SHORT),
        ([LONG, SHORT, SHORT], SHORT),  # somebody has narrowed it
        ([LONG, SHORT, OTHER], OTHER),  # and widened it
        ([SHORT, LONG, SHORT], LONG),  # comes back
        ([SHORT, SHORT, LONG, LONG, SHORT], LONG),
        ([SHORT, LONG, OTHER, FIFTH], FIFTH),
        ([SIXTH, SHORT, LONG, OTHER, FIFTH], SIXTH),  # changes again and again
        ([SHORT, LONG, SHORT, SHORT, SHORT], LONG),
    ],
)
def test_a_range_that_comes_back_depends_on_others(
    ranges: list[IntDistribution], latest: IntDistribution
) -> None:
    trials = [
        optuna.trial.create_trial(params={"k": 1}, distributions={"k": d}, value=0.0)
        for d in ranges
    ]
    for number, trial in enumerate(trials):
        trial.number = number
    shown = SpaceReader(SearchSpace({"k": OTHER})).read(trials)
    assert shown.latest["k"] == latest
    assert shown.varying == ({"k"} if latest != ranges[-1] else set()) or len(ranges) == 5
    running = optuna.trial.create_trial(
        params={"k": 1}, distributions={"k": SHORT}, state=optuna.trial.TrialState.RUNNING
    )
    running.number = len(trials)
    reader = SpaceReader(SearchSpace({"k": OTHER}))
    reader.read([*trials, running])
    assert reader.read(trials).latest["k"] == latest  # what runs may still end otherwise


def test_what_was_planned_and_not_allowed_counts_as_failed() -> None:
    space = SearchSpace({"x": FloatDistribution(0.0, 1.0), "y": FloatDistribution(0.0, 1.0)})
    study = optuna.create_study()

    def add(**attrs: Any) -> None:
        narrow = FloatDistribution(0.0, 0.3)
        study.add_trial(
            optuna.trial.create_trial(
                params={"x": 0.5, "y": 0.3},
                distributions={"x": FloatDistribution(0.0, 1.0), "y": narrow},
                user_attrs={f"autometa:{n}": value for n, value in attrs.items()},
                value=1.0,
            )
        )

    add(config={"x": 0.5, "y": 0.3})
    add(config={"x": 0.5, "y": 0.8})  # of the start
    add(config={"x": 0.5, "y": 0.3}, beyond={"x": 0.5, "y": 0.9})  # decided anew
    add(config={"x": 0.5, "y": 0.7}, words="lightgbm")  # by other names and in other units
    add(config="no plan")
    add(config={"x": "a", "y": "b"})
    add()
    asked = study.ask()
    reader = TrialsReader(StudySpace(space))
    seen = reader.read(study, study.trials[asked.number])
    np.testing.assert_allclose(seen.failed, [[0.5, 0.8], [0.5, 0.9]])
    assert len(seen.scores) == 7
    assert not seen.had(np.array([0.5, 0.31]))
    narrower = SearchSpace({"x": space.distributions["x"], "y": FloatDistribution(0.0, 0.3)})
    seen = TrialsReader(StudySpace(narrower)).read(study, study.trials[asked.number])
    assert not len(seen.failed)  # nothing lies beyond that could be planned


@pytest.mark.parametrize(
    ("allowed", "x"),
    [
        (FloatDistribution(0.2, 0.4), (0.2, 0.4)),
        (FloatDistribution(0.0, 2.0), (0.0, 1.0)),  # more than was ever shown
        (FloatDistribution(0.1, 0.4, log=True), (0.0, 1.0)),
        (IntDistribution(0, 1), (0.0, 1.0)),
    ],
)
def test_a_range_can_be_held(allowed: Any, x: tuple[float, float]) -> None:
    space = SearchSpace({n: FloatDistribution(0.0, 1.0) for n in "xy"})
    held = StudySpace(space).holding({"x": allowed, "y": 0.5, "nobody": allowed})
    drawn = held.candidates.random(200, np.random.default_rng(0))
    assert x[0] <= drawn[:, 0].min() < x[0] + 0.1
    assert x[1] - 0.1 < drawn[:, 0].max() <= x[1]
    assert (drawn[:, 1] == 0.5).all()


@pytest.mark.parametrize(
    ("allowed", "value", "beyond"),
    [
        (FloatDistribution(0.0, 0.3), 0.4, True),
        (FloatDistribution(0.0, 0.3), -0.1, True),
        (FloatDistribution(0.0, 0.3), 0.1 + 0.2, False),  # by a rounding error
        (FloatDistribution(0.0, 1.0, step=0.25), 0.3, False),  # between two of its values
        (IntDistribution(2, 8, step=2), 3, False),
        (IntDistribution(2, 8), 9, True),
        (IntDistribution(3, 3), 4, True),
        (IntDistribution(2, 8), "9", False),
        (IntDistribution(2, 8), None, False),
        (CategoricalDistribution([1, 2]), 3, False),
    ],
)
def test_what_lies_beyond_a_range(allowed: Any, value: Any, beyond: bool) -> None:
    assert is_beyond(allowed, value) == beyond


def _capped(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", 0.0, 1.0)
    return -abs(x - trial.suggest_float("y", 0.0, 0.2 if trial.number % 2 else 0.4))


def test_what_is_in_a_pool_stays_in_it(square: MetaModel) -> None:
    pool: list[Any] = [{"x": x, "y": y} for x in (0.1, 0.5, 0.9) for y in (0.3, 0.6, 0.9)]
    study = search(square, _capped, 9, pool=pool)
    assert all("autometa:beyond" not in t.user_attrs for t in study.trials)
    planned = [t.user_attrs["autometa:config"] for t in study.trials]
    assert all(planned.count(config) == 1 for config in pool)


def test_the_start_is_moved_and_what_follows_from_trials_is_decided_anew(
    square: MetaModel,
) -> None:
    study = search(square, _capped, 12)
    start = [t for t in study.trials if t.user_attrs["autometa:rule"] == "portfolio"]
    assert any("autometa:moved" in t.user_attrs for t in start)
    assert all("autometa:beyond" not in t.user_attrs for t in start)
    assert any("autometa:beyond" in t.user_attrs for t in study.trials)
