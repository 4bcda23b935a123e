"""Names and signatures that outsiders rely on: a change here breaks other people's programs."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

import autometa
from autometa.samplers.asking import suggest
from autometa.tuning.result import TuneResult

KEYWORD, EITHER = Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD


@pytest.mark.parametrize(
    ("called", "expected"),
    [
        (
            autometa.SearchSpace,
            {"distributions": EITHER, "conditions": KEYWORD, "defaults": KEYWORD},
        ),
        (
            autometa.Portfolio.from_frame,
            {
                "frame": EITHER,
                **dict.fromkeys(("task", "value", "direction", "space"), KEYWORD),
                **dict.fromkeys(("state", "fidelity", "seconds"), KEYWORD),
            },
        ),
        (autometa.Portfolio.embedded, {"child": EITHER}),
        (autometa.MetaLearner, {"seed": KEYWORD}),
        (
            autometa.create_study,
            {
                "task": EITHER,
                **dict.fromkeys(("prior", "metric", "data", "space", "fixed", "seed"), KEYWORD),
            },
        ),
        (
            autometa.MetaSampler,
            {"prior": EITHER, **dict.fromkeys(("metric", "seed", "data", "fixed"), KEYWORD)},
        ),
        (autometa.warm_start, {"study": EITHER, "prior": EITHER, "metric": KEYWORD}),
        (autometa.MetaModel.warm_start, {"n": EITHER, "meta_features": KEYWORD}),
        (
            autometa.MetaModel.sampler,
            {"seed": KEYWORD, "meta_features": KEYWORD, "base": KEYWORD},
        ),
        (
            autometa.MetaSearchCV,
            {
                "estimator": EITHER,
                "param_distributions": EITHER,
                **dict.fromkeys(("prior", "cv", "scoring", "n_trials", "timeout"), KEYWORD),
                **dict.fromkeys(("refit", "ensemble", "random_state", "study"), KEYWORD),
            },
        ),
        (
            autometa.suggest_lr,
            {
                "module": EITHER,
                **dict.fromkeys(("n_params", "n_tokens", "samples", "batch_size"), KEYWORD),
                **dict.fromkeys(("optimizer", "weight_decay", "pretrained", "probe"), KEYWORD),
            },
        ),
        (
            autometa.create_study,
            {"task": EITHER, **dict.fromkeys(("prior", "portfolio", "metric", "space"), KEYWORD)},
        ),
        (autometa.warm_start, {"study": EITHER, "prior": EITHER, "space": KEYWORD}),
        (autometa.MetaSampler, {"prior": EITHER, "seed": KEYWORD, "base": KEYWORD}),
        (autometa.MetaPruner, {"prior": EITHER, "fallback": KEYWORD}),
        (autometa.replay, {"sources": EITHER, "names": KEYWORD, "seeds": KEYWORD}),
        (
            autometa.tune,
            {
                "X": EITHER,
                "y": EITHER,
                **dict.fromkeys(("metric", "time", "families", "n_trials"), KEYWORD),
                **dict.fromkeys(("ensemble", "seed", "cv", "groups"), KEYWORD),
            },
        ),
        (autometa.load_model, {"path": EITHER, "trusted": KEYWORD}),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_signatures(called: Callable[..., Any], expected: dict[str, Any]) -> None:
    parameters = signature(called).parameters
    assert {name: parameters[name].kind for name in expected} == expected
    required = {n for n in parameters if parameters[n].default is Parameter.empty} - {"self"}
    assert required <= expected.keys() | {"options"}


def test_what_tune_returns() -> None:
    assert signature(autometa.tune).parameters["time"].default == 60
    for found in (TuneResult, autometa.TunedModel):
        for name in ("predict", "predict_proba", "score", "leaderboard", "save"):
            assert callable(getattr(found, name))
    assert callable(TuneResult.explain)


def test_a_frame_becomes_a_sampler(tmp_path: Any) -> None:
    space = autometa.SearchSpace(
        {
            "kernel": CategoricalDistribution(["linear", "rbf", "poly"]),
            "gamma": FloatDistribution(1e-3, 1e3, log=True),
            "learning_rate": FloatDistribution(1e-4, 1.0, log=True),
            "depth": IntDistribution(1, 9),
        },
        conditions={"gamma": ("kernel", ["rbf", "poly"])},
        defaults={"kernel": "linear", "learning_rate": 0.1, "depth": 3},
        inner_lr="learning_rate",
    )
    rng = np.random.default_rng(0)
    rows = [
        {**config, "table": table, "loss": float(space.encode(config).sum())}
        for table in ("a", "b", "c")
        for config in space.from_raw(space.sample_raw(15, rng))
    ]
    portfolio = autometa.Portfolio.from_frame(
        pd.DataFrame(rows), task="table", value="loss", direction="minimize", space=space
    )
    assert len(portfolio) == 3
    portfolio.save(tmp_path / "portfolio")
    again = autometa.Portfolio.load(tmp_path / "portfolio")
    assert [t.name for t in again.tasks] == ["a", "b", "c"]
    assert len(again.without(["a"])) == 2
    model = autometa.MetaLearner(seed=0, steps=30).fit(again)
    model.save(tmp_path / "model")
    candidates = autometa.MetaModel.load(tmp_path / "model").warm_start(2, meta_features=None)
    for candidate in candidates:
        assert candidate.inner_lr == candidate.config["learning_rate"]
        assert np.isfinite(candidate.expected)
        assert candidate.reason
    sampler = model.sampler(seed=0, meta_features=None, base=optuna.samplers.TPESampler(seed=0))
    assert isinstance(sampler, optuna.samplers.BaseSampler)
    study = optuna.create_study(direction="minimize", sampler=sampler)
    study.optimize(lambda trial: float(space.encode(suggest(trial, space)).sum()), n_trials=4)
    assert study.trials[0].params == candidates[0].config


def test_every_public_name_is_there_and_every_name_that_is_loaded_is_public() -> None:
    assert {*autometa._HOME, "children", "__version__"} == set(autometa.__all__)
    assert all(getattr(autometa, name) is not None for name in autometa.__all__)
    assert issubclass(autometa.TuneInterrupted, KeyboardInterrupt)
    assert issubclass(autometa.AutometaError, Exception)
