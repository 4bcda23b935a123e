"""The base that nobody chose is Optuna's own sampler, hooks and all, and says nothing of itself."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

import autometa
from autometa.samplers.base_samplers import sample_carefully, usual_base
from autometa.samplers.explanation import explain_study


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("objectives", "kind"),
    [(1, optuna.samplers.GPSampler), (2, optuna.samplers.TPESampler)],
)
def test_the_base_that_nobody_chose_warns_of_nothing(objectives: int, kind: type) -> None:
    assert type(usual_base(0, objectives, None)) is kind


def _cold(space: dict[str, BaseDistribution], **options: Any) -> optuna.Study:
    study = autometa.create_study("minimize", **options)
    for number in range(13):  # Optuna's own starts to model after ten
        trial = study.ask(space)
        study.tell(trial, float(number % 5))
    return study


@pytest.mark.parametrize(
    "long",
    [
        IntDistribution(0, 2**32 - 1),
        IntDistribution(1, 10**12, log=True),
        FloatDistribution(0.0, 1.0, step=1e-12),
    ],
)
def test_a_parameter_of_more_values_than_can_be_listed_is_drawn_by_itself(
    long: IntDistribution | FloatDistribution,
) -> None:
    # Optuna's GPSampler keeps a list of all values: 32 GB of a seed.
    space: dict[str, BaseDistribution] = {"x": FloatDistribution(0.0, 1.0), "long": long}
    past = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    past.optimize(lambda trial: trial.suggest_float("of nothing here", 0.0, 1.0), n_trials=10)
    study = _cold(space, prior=past)
    assert {e.rule for e in explain_study(study)[1:]} == {"base"}
    assert len({t.params["long"] for t in study.trials}) == len(study.trials)
    assert all(long.low <= t.params["long"] <= long.high for t in study.trials)


def test_what_can_be_listed_is_left_to_the_base() -> None:
    asked: list[set[str]] = []

    class Base(optuna.samplers.RandomSampler):
        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
            asked.append(set(search_space))
            return {}

    space: dict[str, BaseDistribution] = {
        "listed": IntDistribution(1, 9_000_000),
        "long": IntDistribution(1, 11_000_000),
        "steps": IntDistribution(0, 10**9, step=1000),
        "smooth": FloatDistribution(0.0, 1e9),
        "choice": CategoricalDistribution(["a", "b"]),
    }
    study = optuna.create_study()
    study.ask()
    frozen = study.get_trials()[0]
    assert sample_carefully(Base(), 0, study, frozen, space) == {}
    assert asked == [set(space) - {"long"}]


@pytest.mark.parametrize("objectives", [1, 2])
def test_what_not_all_trials_ask_for_is_drawn_without_a_warning(
    objectives: int, caplog: pytest.LogCaptureFixture
) -> None:
    def objective(trial: optuna.Trial) -> list[float]:
        kernel = trial.suggest_categorical("kernel", ["linear", "rbf"])
        value = trial.suggest_float("gamma", 0.0, 1.0) if kernel == "rbf" else 0.5
        return [value] * objectives

    optuna.logging.enable_propagation()
    try:
        sampler = usual_base(0, objectives, None)
        study = optuna.create_study(directions=["minimize"] * objectives, sampler=sampler)
        study.optimize(objective, n_trials=16)  # past the random ones
    finally:
        optuna.logging.disable_propagation()
    assert {len(t.params) for t in study.trials} == {1, 2}
    assert "independently" not in caplog.text
