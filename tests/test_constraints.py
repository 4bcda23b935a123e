from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from autometa.constraints import count_infeasible, infeasible


def trial(
    constraints: Any = None, state: TrialState = TrialState.COMPLETE, **named: Any
) -> optuna.trial.FrozenTrial:
    return optuna.create_trial(
        state=state,
        value=1.0 if state == TrialState.COMPLETE else None,
        system_attrs={"constraints": constraints}
        | {f"constraints:{key}": value for key, value in named.items()},
    )


@pytest.mark.parametrize(
    ("constraints", "expected"),
    [
        ([], False),
        ([0.0, -1.0], False),
        ([-1.0, 1e-12], True),
        ((float("inf"),), True),
        (None, False),  # the function raised
        ([float("nan")], False),
        (["1"], False),
        ([True], False),
        (3, False),
        ({"a": 1.0}, False),
    ],
)
def test_one_value_above_zero_is_enough(constraints: Any, expected: bool) -> None:
    assert infeasible(trial(constraints=constraints)) is expected


def test_only_trials_with_a_value_can_be_infeasible() -> None:
    assert not infeasible(trial([1.0], TrialState.FAIL))
    assert not infeasible(trial([1.0], TrialState.RUNNING))
    assert infeasible(trial([1.0], TrialState.PRUNED))
    assert infeasible(trial(memory=2.0))
    assert not infeasible(trial(memory=-2.0))


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_what_optunas_samplers_write_is_read(kind: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Optuna 5 prefers `set_constraint`
        sampler = optuna.samplers.TPESampler(
            seed=0, constraints_func=lambda t: (t.params["x"] - 0.5,)
        )
    storage = None if kind == "memory" else f"sqlite:///{tmp_path / 'study.db'}"
    study = optuna.create_study(sampler=sampler, storage=storage)
    study.optimize(lambda t: t.suggest_float("x", 0.0, 1.0), n_trials=6)
    assert [infeasible(t) for t in study.trials] == [t.params["x"] > 0.5 for t in study.trials]
    assert 0 < count_infeasible(study.trials) < 6


@pytest.mark.skipif(not hasattr(optuna.Trial, "set_constraint"), reason="from Optuna 5 on")
def test_what_a_trial_sets_is_read() -> None:
    study = optuna.create_study()

    def objective(trial: optuna.Trial) -> float:
        trial.set_constraint("small", float(trial.number - 1))
        return 0.0

    study.optimize(objective, n_trials=4)
    assert [infeasible(t) for t in study.trials] == [False, False, True, True]
