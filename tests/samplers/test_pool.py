from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution

import autometa
from autometa.errors import SpaceError
from autometa.meta import MetaLearner, MetaModel
from autometa.samplers.asking import suggest
from autometa.space import Config, SearchSpace
from autometa.suggest.suggestion import UNRELATED
from autometa.testing.families import Bowls


@pytest.fixture(scope="module")
def model() -> MetaModel:
    return MetaLearner(seed=0, steps=300).fit(Bowls().portfolio(8, 40))


def configs(n: int) -> list[Config]:
    space = Bowls().space
    return space.from_raw(space.sample_raw(n, np.random.default_rng(3)))


def test_only_configs_of_the_pool_are_tried_each_once_and_good_ones_first(
    model: MetaModel,
) -> None:
    family, pool = Bowls(), configs(60)
    objective = family.objective(101)
    values = np.array([objective(c) for c in pool])
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0, pool=pool))
    for _ in range(12):
        trial = study.ask()
        config = suggest(trial, family.space)
        assert config in pool
        study.tell(trial, objective(config))
    assert len({str(t.params) for t in study.trials}) == 12
    assert study.best_value >= np.sort(values)[-3]
    rules = [t.user_attrs["autometa:rule"] for t in study.trials]
    assert rules[:3] == ["portfolio"] * 3
    assert "transfer" in rules


def test_where_others_take_every_suggestion_the_pool_is_still_kept_to(
    model: MetaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autometa.samplers.concurrent_trials.ConcurrentTrials.had", lambda *_: True)
    family, pool = Bowls(), configs(8)
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0, pool=pool))
    for _ in range(6):
        trial = study.ask()
        config = suggest(trial, family.space)
        assert config in pool
        study.tell(trial, family.objective(101)(config))
    assert len({str(t.params) for t in study.trials}) == 6


def test_a_pool_that_is_used_up_goes_on(model: MetaModel) -> None:
    family, pool = Bowls(), configs(4)
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0, pool=pool))
    for _ in range(7):
        trial = study.ask()
        study.tell(trial, family.objective(101)(suggest(trial, family.space)))
    assert all(t.params in pool for t in study.trials)
    assert len({str(t.params) for t in study.trials[:4]}) == 4


def test_a_pool_without_configs_or_of_another_space_is_refused(model: MetaModel) -> None:
    with pytest.raises(SpaceError, match="a pool without configs"):
        model.sampler(seed=0, pool=[])
    with pytest.raises(SpaceError):
        model.sampler(seed=0, pool=[{"no such parameter": 1}])


def test_a_pool_of_numpy_numbers_is_kept_to_in_any_storage(model: MetaModel) -> None:
    pool = configs(6)
    boxed: Any = [{n: np.asarray(v)[()] for n, v in config.items()} for config in pool]
    assert any(isinstance(v, np.integer | np.floating) for c in boxed for v in c.values())
    sampler = model.sampler(seed=0, pool=boxed)
    study = optuna.create_study(storage="sqlite://", direction="maximize", sampler=sampler)
    for _ in range(6):
        trial = study.ask()
        study.tell(trial, Bowls().objective(101)(suggest(trial, Bowls().space)))
    assert all(t.params in pool for t in study.trials)
    assert len({str(t.params) for t in study.trials}) == 6


def test_a_pool_may_hold_less_and_more_than_prior_tasks_know(model: MetaModel) -> None:
    known = {n: model.space.distributions[n] for n in ("learning_rate", "depth")}
    space = {**known, "new": FloatDistribution(0.0, 1.0)}
    searched = SearchSpace(space)
    rows = searched.sample_raw(20, np.random.default_rng(1))
    pool: list[Config] = searched.from_raw(rows)
    sampler = autometa.MetaSampler(model, seed=0, pool=pool, space=space)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for _ in range(12):
        trial = study.ask()
        config = suggest(trial, searched)
        assert config in pool
        study.tell(trial, -float(config["depth"]) - float(config["new"]))  # type: ignore[arg-type]
    rules = [t.user_attrs["autometa:rule"] for t in study.trials]
    assert rules[:3] == ["portfolio"] * 3
    assert "transfer" in rules
    first = model.warm_start(1, within=searched)[0].config
    at = searched.encode_raw(searched.to_raw([{**first, "new": 0.5}]))
    near = ((searched.encode_raw(rows) - at) ** 2).sum(axis=1).argmin()
    assert study.trials[0].params == pool[int(near)]


def test_a_pool_of_which_prior_tasks_know_nothing_is_kept_to(model: MetaModel) -> None:
    space = {"new": FloatDistribution(0.0, 1.0)}
    pool: list[Config] = [{"new": k / 8} for k in range(8)]
    sampler = autometa.MetaSampler(model, seed=0, pool=pool, space=space)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(lambda t: t.suggest_float("new", 0.0, 1.0), n_trials=8)
    assert sorted(t.params["new"] for t in study.trials) == [k / 8 for k in range(8)]
    assert study.trials[0].user_attrs["autometa:reason"] == UNRELATED
