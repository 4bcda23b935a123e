"""The base that nobody chose is the sampler it wraps, but for what fails in it."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from autometa.samplers.base_samplers import Careful, usual_base


class Recorder(optuna.samplers.RandomSampler):
    """Notes which of its hooks are called."""

    def __init__(self) -> None:
        super().__init__(seed=0)
        self.called: list[str] = []

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self.called.append("before")

    def after_trial(self, *told: Any) -> None:
        self.called.append("after")

    def reseed_rng(self) -> None:
        self.called.append("reseed")


def test_every_hook_reaches_the_sampler() -> None:
    inner = Recorder()
    careful: BaseSampler = Careful(inner, seed=0)
    study = optuna.create_study(sampler=careful)
    study.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0), n_trials=2)
    assert inner.called == ["before", "after"] * 2
    careful.reseed_rng()
    assert inner.called[-1] == "reseed"


@pytest.mark.filterwarnings("error")
def test_the_base_that_nobody_chose_warns_of_nothing() -> None:
    assert isinstance(usual_base(0, 1, None), Careful)
