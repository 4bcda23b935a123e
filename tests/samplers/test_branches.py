"""Objectives with branches of which no prior task told: what is not asked for is not varied."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState

from autometa.meta import MetaLearner, MetaModel
from autometa.meta.spaces.study_space import ObservedSpace, study_space
from autometa.samplers.create import create_study
from autometa.samplers.sampler import MetaSampler
from autometa.samplers.unasked import UnaskedReader
from autometa.space import Config, SearchSpace
from tests.samplers.test_study_space import distinct, past, quadratic, rules

FLAT: dict[str, BaseDistribution] = {
    "booster": CategoricalDistribution(["gbtree", "dart", "gblinear"]),
    "rate": CategoricalDistribution([0.01, 0.1, 0.3]),
    "layers": IntDistribution(1, 3),
    "depth": IntDistribution(1, 8),
    "drop": FloatDistribution(0.0, 0.5),
}
LEFT = {"booster": 1.0, "rate": 0.0, "layers": 1.0, "depth": 4.0}


@pytest.fixture(scope="module")
def flat() -> MetaModel:
    return MetaLearner(seed=0, steps=60).fit(quadratic(SearchSpace(FLAT), LEFT, tasks=4))


def ask(trial: optuna.Trial, *names: str) -> dict[str, Any]:
    return {n: trial._suggest(n, FLAT[n]) for n in names}


def by_category(trial: optuna.Trial) -> float:
    params = ask(trial, "booster", "rate")
    if params["booster"] != "gblinear":
        params |= ask(trial, "depth")
    if params["booster"] == "dart":
        params |= ask(trial, "drop")
    return float(-abs(params["rate"] - 0.1) - params.get("drop", 0.1) + params.get("depth", 1) / 10)


def by_count(trial: optuna.Trial) -> float:
    layers = ask(trial, "layers")["layers"]
    return float(layers + sum(ask(trial, n)[n] for n in ("depth", "drop")[: layers - 1]))


def by_two(trial: optuna.Trial) -> float:
    """No single parameter says whether the depth is asked for."""
    params = ask(trial, "booster", "rate")
    if params["booster"] == "dart" and params["rate"] > 0.05:
        return float(ask(trial, "depth")["depth"])
    return float(params["rate"])


def by_nobody(trial: optuna.Trial) -> float:
    return float(ask(trial, "rate", "layers")["layers"])


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("objective", [by_category, by_count])
def test_no_trial_repeats_another(flat: MetaModel, objective: Any, declared: bool) -> None:
    space = FLAT if declared else None
    study = create_study("maximize", prior=flat, space=space)
    study.optimize(objective, n_trials=16)
    assert distinct(study) == 16
    assert rules(study)[:3] == ["portfolio"] * 3


@pytest.mark.parametrize(("objective", "there_are"), [(by_two, 7 + 2 * 8), (by_nobody, 9)])
def test_nor_where_no_single_parameter_explains_it(
    flat: MetaModel, objective: Any, there_are: int
) -> None:
    study = create_study("maximize", prior=flat, space=FLAT)
    study.optimize(objective, n_trials=there_are - 2)
    assert distinct(study) == there_are - 2


def test_one_that_failed_is_repeated_once_at_most(flat: MetaModel) -> None:
    """The first failure in a branch may have been cut short, the second was none."""
    study = create_study("maximize", prior=flat, space=FLAT)
    study.optimize(lambda t: by_category(t) and math.nan, n_trials=8)
    assert distinct(study) >= 8 - 2  # there are two branches that do without something


def test_a_trial_cut_short_says_nothing_of_what_it_did_not_come_to(flat: MetaModel) -> None:
    study = create_study("maximize", prior=flat, space=FLAT)
    first = study.ask()
    ask(first, "booster", "rate")
    study.tell(first, state=TrialState.FAIL)  # the storage was away when it asked for the rest
    study.optimize(lambda t: ask(t, *FLAT)["rate"], n_trials=3)
    assert _unasked(study) == {}
    study.optimize(lambda t: ask(t, "booster", "rate")["rate"], n_trials=1)
    left = {"layers", "depth", "drop"}
    assert _unasked(study) == {4: left}
    again = study.ask()
    ask(again, "booster", "rate")
    study.tell(again, state=TrialState.FAIL)  # as one before it that ended by itself
    assert _unasked(study) == {4: left, 5: left}


def test_nor_one_that_was_told_as_failed_before_there_was_a_result(flat: MetaModel) -> None:
    study = create_study("maximize", prior=flat, space=FLAT)
    study.optimize(lambda t: ask(t, *FLAT)["rate"], n_trials=1)
    for _ in range(2):
        dropped = study.ask()
        ask(dropped, "booster", "rate")
        dropped.set_user_attr("autometa:dropped", True)
        study.tell(dropped, state=TrialState.FAIL)
    assert _unasked(study) == {}


def _unasked(study: optuna.Study) -> dict[int, frozenset[str]]:
    deciding = optuna.trial.create_trial(state=TrialState.RUNNING)
    deciding.number = len(study.trials)
    return dict(UnaskedReader().read(study, deciding, study.trials))


def test_nor_in_a_pool(flat: MetaModel) -> None:
    pool: list[Config] = [
        {"booster": b, "rate": 0.1, "layers": 1, "depth": d, "drop": 0.25}
        for b in ("dart", "gblinear")
        for d in (1, 4, 8)
    ]
    study = optuna.create_study(direction="maximize", sampler=flat.sampler(seed=0, pool=pool))
    study.optimize(lambda t: by_category(t) and math.nan, n_trials=5)
    assert distinct(study) == 4  # three darts, and the linear one, which is tried once more


def test_a_parameter_that_is_new_in_the_objective_leaves_what_was_tried_free(
    flat: MetaModel,
) -> None:
    study = create_study("maximize", prior=flat, space=FLAT)
    study.sampler = optuna.samplers.RandomSampler(seed=0)
    study.optimize(lambda t: ask(t, "booster", "rate")["rate"], n_trials=30)
    study.sampler = MetaSampler(flat, space=SearchSpace(FLAT))
    study.optimize(lambda t: float(ask(t, *FLAT)["depth"]), n_trials=5)
    first = study.trials[30:33]
    assert [t.user_attrs["autometa:rule"] for t in first] == ["portfolio"] * 3
    assert [t.params for t in first] == [c.config for c in flat.warm_start(3)]


def test_a_branch_is_searched_whole_once_it_is_taken(flat: MetaModel) -> None:
    study = create_study("maximize", prior=flat, space=FLAT)
    study.optimize(by_category, n_trials=24)
    darts = [t for t in study.trials if t.params["booster"] == "dart"]
    assert len({t.params["drop"] for t in darts}) > 4
    planned = [t.user_attrs["autometa:config"] for t in study.trials[6:]]
    assert all(("drop" in c) == (c["booster"] == "dart") for c in planned)
    assert all(("depth" in c) == (c["booster"] != "gblinear") for c in planned)


# Of a prior that has conditions itself -----------------------------------------------------------

BRANCHED = SearchSpace(
    {
        "model": CategoricalDistribution(["svm", "nu", "tree"]),
        "C": CategoricalDistribution([0.1, 1.0, 10.0]),
        "gamma": FloatDistribution(0.0, 1.0),
        "depth": IntDistribution(1, 9),
    },
    conditions={
        "C": ("model", ["svm", "nu"]),
        "gamma": ("model", ["svm", "nu"]),
        "depth": ("model", ["tree"]),
    },
)


@pytest.fixture(scope="module")
def branched() -> MetaModel:
    return MetaLearner(seed=0, steps=60).fit(quadratic(BRANCHED, {"model": 0.0}, tasks=4))


def _branch(trial: optuna.Trial, *names: str) -> dict[str, Any]:
    return {n: trial._suggest(n, BRANCHED.distributions[n]) for n in names}


def _where(trial: optuna.Trial, asks: Callable[[str, float], bool]) -> float:
    """Asks for `gamma` of an `svm` or `nu` where (model, C) says so."""
    model = _branch(trial, "model")["model"]
    if model == "tree":
        return float(_branch(trial, "depth")["depth"] / 100 - 1.0)
    cost = _branch(trial, "C")["C"]
    if not asks(model, cost):
        return float(-abs(math.log10(cost)) / 100)
    return float(-abs(_branch(trial, "gamma")["gamma"] - 0.3) - 0.1)


def _is_rbf(trial: optuna.Trial) -> bool:
    return bool(trial.suggest_categorical("kernel", ["linear", "rbf"]) == "rbf")


def by_a_new_switch(trial: optuna.Trial) -> float:
    """Every `svm` and `nu` of the prior asked for gamma, here those with one kernel do."""
    return _where(trial, lambda model, cost: _is_rbf(trial))


def by_fewer_choices(trial: optuna.Trial) -> float:
    return _where(trial, lambda model, cost: model == "svm")


def by_a_switch_and_a_number(trial: optuna.Trial) -> float:
    """No single parameter says whether gamma is asked for."""
    return _where(trial, lambda model, cost: _is_rbf(trial) and cost <= 1.0)


@pytest.mark.parametrize("objective", [by_a_new_switch, by_fewer_choices, by_a_switch_and_a_number])
def test_a_branch_within_a_branch_of_the_prior_is_not_varied_where_it_is_not_asked_for(
    branched: MetaModel, objective: Any
) -> None:
    study = create_study("maximize", prior=branched)
    study.optimize(objective, n_trials=25)
    assert distinct(study) == 25
    planned = [t.user_attrs["autometa:config"] for t in study.trials[12:]]
    if objective is by_a_new_switch:
        assert all(("gamma" in c) == (c.get("kernel") == "rbf") for c in planned)
    if objective is by_fewer_choices:
        assert all(("gamma" in c) == (c["model"] == "svm") for c in planned)


KERNEL = CategoricalDistribution(["linear", "rbf"])


@pytest.mark.parametrize(
    ("switched", "gamma"),
    [
        ({}, ("model", ("svm", "nu"))),
        ({"gamma": ("model", ("nu", "tree"))}, ("model", ("nu",))),  # both hold
        ({"gamma": ("kernel", ("rbf",))}, ("model", ("svm", "nu"))),  # of models that have none
        (
            {"kernel": ("model", ("svm", "tree")), "gamma": ("kernel", ("rbf",))},
            ("model", ("svm", "nu")),
        ),
        ({"kernel": ("model", ("svm",)), "gamma": ("kernel", ("rbf",))}, ("kernel", ("rbf",))),
        (
            {
                "kernel": ("model", ("nu", "svm")),
                "shape": ("kernel", ("rbf",)),
                "gamma": ("shape", ("b",)),
            },
            ("shape", ("b",)),
        ),
        ({"gamma": ("C", (0.1,))}, ("C", (0.1,))),
        ({"gamma": ("depth", (3,))}, ("model", ("svm", "nu"))),  # of another branch
    ],
)
def test_a_condition_of_the_prior_gives_way_to_a_narrower_one_only(
    switched: dict[str, Any], gamma: Any
) -> None:
    new = {"kernel": KERNEL, "shape": CategoricalDistribution(["a", "b"])}
    shown = {**BRANCHED.distributions, **new}
    found = study_space(BRANCHED, ObservedSpace(latest=shown, widest=shown, switched=switched))
    assert found.space.conditions["gamma"] == gamma


def test_what_was_not_asked_for_lies_where_candidates_do() -> None:
    shown = dict(BRANCHED.distributions)
    study = study_space(
        BRANCHED, ObservedSpace(latest=shown, widest=shown, lacked=frozenset({"gamma"}))
    )
    unit = study.project({"model": "svm", "C": 1.0})
    assert unit is not None
    whole = study.project({"model": "svm", "C": 1.0, "gamma": 0.5})
    np.testing.assert_array_equal(unit, whole)
    tree = study.project({"model": "tree", "depth": 3})
    assert tree is not None
    assert [tree[study.space.flags[n]] for n in ("C", "gamma", "depth")] == [0.0, 0.0, 1.0]


# Of a prior whose branches the study does not all have -------------------------------------------


def _optimizer(choices: list[str], trial: optuna.Trial) -> float:
    chosen = trial.suggest_categorical("optimizer", choices)
    rate = trial.suggest_float(f"{chosen}_rate", 1e-5, 1.0, log=True)
    value = -((math.log10(rate) + len(chosen)) ** 2)  # adam at 1e-4, sgd at 1e-3
    return value - (trial.suggest_float("momentum", 0.0, 1.0) if chosen == "sgd" else 0.5)


def _layers(most: int, trial: optuna.Trial) -> float:
    layers = trial.suggest_int("layers", 1, most)
    widths = [trial.suggest_int(f"width_{i}", 8, 512, log=True) for i in range(layers)]
    return -sum(abs(math.log2(w) - 6.0) for w in widths) - abs(layers - 2)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (partial(_optimizer, ["adam", "sgd", "adamw"]), partial(_optimizer, ["adam"])),
        (partial(_optimizer, ["adam", "sgd", "adamw"]), partial(_optimizer, ["sgd", "adam"])),
        (partial(_optimizer, ["adam", "sgd"]), partial(_optimizer, ["sgd", "adamw"])),
        (partial(_layers, 5), partial(_layers, 2)),
        (partial(_layers, 5), partial(_layers, 1)),
    ],
)
def test_a_study_may_have_fewer_branches_than_the_prior(before: Any, now: Any) -> None:
    found = create_study("maximize", prior=past(before, trials=30))
    found.optimize(now, n_trials=8)
    assert "base" not in rules(found)
    assert "transfer" in rules(found)
