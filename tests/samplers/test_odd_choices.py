"""Studies over lists, tuples and other objects: the prior says the same in text, and is heard."""

from __future__ import annotations

import math
from typing import Any

import optuna
import pytest
from sklearn.neural_network import MLPRegressor

import autometa
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace, same

pytestmark = pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")

LISTS: list[list[Any]] = [
    [[64], [64, 32], [8]],
    [(64,), (64, 32), (8,)],
    [{"w": 64}, {"w": (64, 32)}, {}],
    [math.nan, 1.0, math.inf],
    [dict, list, set],
]


def study(choices: list[Any], seed: int, **more: Any) -> optuna.Study:
    def objective(trial: optuna.Trial) -> float:
        layers = trial.suggest_categorical("layers", choices)
        best = same(layers, choices[1])
        return (trial.suggest_float("x", 0.0, 1.0) - 0.3) ** 2 + (not best)

    sampler = more.pop("sampler", optuna.samplers.RandomSampler(seed=seed))
    made = optuna.create_study(study_name=f"s{seed}", sampler=sampler, **more)
    made.optimize(objective, n_trials=12 if not isinstance(sampler, autometa.MetaSampler) else 3)
    return made


@pytest.mark.parametrize("choices", LISTS)
def test_a_search_over_odd_choices_starts_from_what_studies_over_them_taught(
    choices: list[Any],
) -> None:
    prior = Portfolio.from_studies([study(choices, seed) for seed in range(4)])
    found = study(choices, 9, sampler=autometa.MetaSampler(prior=prior, seed=0))
    first = found.trials[0].params
    assert same(first["layers"], choices[1])
    assert abs(first["x"] - 0.3) < 0.1
    assert {type(t.params["layers"]) for t in found.trials} <= {type(c) for c in choices}


def test_a_study_that_has_trials_of_odd_choices_goes_on_with_a_prior() -> None:
    choices = LISTS[1]
    prior = Portfolio.from_studies([study(choices, seed) for seed in range(4)])
    made = study(choices, 9)
    autometa.warm_start(made, prior)

    def objective(trial: optuna.Trial) -> float:
        best = trial.suggest_categorical("layers", choices) == choices[1]
        trial.suggest_categorical("nameless", NAMELESS)
        return (trial.suggest_float("x", 0.0, 1.0) - 0.3) ** 2 + (not best)

    made.optimize(objective, n_trials=8)
    assert sum(t.params["layers"] == choices[1] for t in made.trials[-8:]) >= 4


NAMELESS: list[Any] = [lambda: 1, lambda: 2]


def test_what_stands_for_an_object_is_the_same_as_it() -> None:
    assert same((64, 32), "[64, 32]")
    assert same("[64, 32]", [64, 32])
    assert same(math.nan, "nan")
    assert not same((64, 32), "[64,32]")
    assert not same(object(), "object")
    assert not same(0.5, "0.5")
    assert not same(True, 1)
    kind = optuna.distributions.CategoricalDistribution(["[64, 32]", "[64]"])
    given: Any = {"k": (64,)}
    assert SearchSpace({"k": kind}).check(given) == {"k": "[64]"}


@pytest.mark.filterwarnings("ignore")  # three iterations do not converge
@pytest.mark.parametrize("sizes", [[(4,), (8,)], [[4], [8]]])
def test_metasearchcv_takes_a_prior_of_lists(sizes: list[Any], tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    made = optuna.create_study(storage=url, study_name="lists")
    for seed in range(6):
        trial = made.ask()
        trial.suggest_categorical("hidden_layer_sizes", sizes)
        trial.suggest_float("alpha", 1e-4, 1.0, log=True)
        made.tell(trial, float(seed))
    search = autometa.MetaSearchCV(
        MLPRegressor(max_iter=3),
        {
            "hidden_layer_sizes": sizes,
            "alpha": optuna.distributions.FloatDistribution(1e-4, 1.0, log=True),
        },
        n_trials=2,
        cv=2,
        prior=url,
        refit=False,
        random_state=0,
    )
    search.fit([[float(i)] for i in range(12)], [float(i) for i in range(12)])
    assert search.best_params_["hidden_layer_sizes"] in sizes
