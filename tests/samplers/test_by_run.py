"""A family as the prior of a define-by-run study."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import optuna
import pytest

import autometa
from autometa.errors import InputError
from autometa.meta import MetaLearner
from autometa.portfolio import Portfolio
from autometa.priors.beginning import NAMES, START
from autometa.priors.recorded import recorded_start
from autometa.suggest.suggestion import UNRELATED
from tests.priors.families import portfolio_of, space_of

QUICK = MetaLearner(steps=5)
SHIPPED = ("lightgbm", "svm")


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Portfolio, "embedded", staticmethod(lambda child: portfolio_of(child, same=True))
    )
    spaces = {name: space_of(name) for name in SHIPPED}
    for name in ("opening.embedded_names", "estimators.embedded_names", "opening.shipped_names"):
        monkeypatch.setattr(f"autometa.priors.{name}", lambda: SHIPPED)
    monkeypatch.setattr("autometa.priors.knowing.shipped_names", lambda: SHIPPED)
    monkeypatch.setattr("autometa.priors.knowing.embedded_spaces", lambda: spaces)


def objective(trial: optuna.Trial) -> float:
    rate = trial.suggest_float("model.eta", 1e-2, 0.3, log=True)
    leaves = trial.suggest_categorical("num_leaves", [7, 15, 31, 63])
    return rate + leaves / 1000 + trial.suggest_float("own", 0.0, 1.0) / 100


def test_the_first_trial_has_the_best_recorded_config_and_the_next_ones_are_fitted() -> None:
    best = recorded_start(portfolio_of("lightgbm", same=True), 1)[0]
    study = autometa.create_study("maximize", prior="lightgbm", learner=QUICK, seed=1)
    assert "starts from 3 prior tasks" in study.user_attrs[START]
    study.optimize(objective, n_trials=5)
    first = study.trials[0]
    assert first.user_attrs["autometa:config"] == best
    rate = best["learning_rate"]
    assert isinstance(rate, float)
    assert first.params["model.eta"] == pytest.approx(min(max(rate, 1e-2), 0.3))
    assert "among the best recorded configs of 3" in first.user_attrs["autometa:reason"]
    assert "know 2 of 3 parameters (not own)" in study.user_attrs[START]
    assert "lightgbm: model.eta is learning_rate" in study.user_attrs[NAMES]
    rules = [t.user_attrs["autometa:rule"] for t in study.trials]
    assert rules == ["portfolio"] * 4 + ["transfer"]
    assert [t.user_attrs["autometa:slot"] for t in study.trials[1:4]] == [0, 1, 2]


def test_a_sampler_alone_pickled_and_resumed_gives_the_same() -> None:
    def searched(stop: int) -> list[Any]:
        study = optuna.create_study(direction="maximize")
        study.sampler = autometa.MetaSampler("lightgbm", seed=3, learner=QUICK)
        study.optimize(objective, n_trials=stop)
        study.sampler = pickle.loads(pickle.dumps(study.sampler))  # our own sampler
        study.optimize(objective, n_trials=4 - stop)
        return [t.params for t in study.trials]

    assert searched(1) == searched(3)


def test_a_first_trial_of_which_the_list_knows_nothing_says_so() -> None:
    study = autometa.create_study("maximize", prior="lightgbm", learner=QUICK)
    study.optimize(lambda t: t.suggest_float("own", 0, 1), n_trials=1)
    first = study.trials[0].user_attrs
    assert (first["autometa:rule"], first["autometa:reason"]) == ("base", UNRELATED)


def test_the_first_trial_has_what_all_prior_tasks_had_and_logarithms() -> None:
    def by_logarithm(trial: optuna.Trial) -> float:
        trial.suggest_categorical("boosting_type", ["dart", "goss", "gbdt"])
        return trial.suggest_float("log10_lr", -3, 0)

    study = autometa.create_study("maximize", prior="lightgbm", learner=QUICK)
    study.optimize(by_logarithm, n_trials=3)
    best = recorded_start(portfolio_of("lightgbm", same=True), 1)[0]["learning_rate"]
    assert isinstance(best, float)
    assert study.trials[0].params["log10_lr"] == pytest.approx(math.log10(best))
    assert {t.params["boosting_type"] for t in study.trials} == {"gbdt"}


def test_many_asked_at_once_get_different_configs() -> None:
    study = autometa.create_study("maximize", prior="lightgbm", learner=QUICK)
    trials = [study.ask() for _ in range(4)]
    for trial in trials:
        objective(trial)
    assert len({tuple(t.params.values()) for t in trials}) == 4
    failed = autometa.create_study("maximize", prior="lightgbm", learner=QUICK)
    trial = failed.ask()
    objective(trial)
    failed.tell(trial, state=optuna.trial.TrialState.FAIL)
    trial = failed.ask()
    objective(trial)
    assert trial.user_attrs["autometa:rule"] == "portfolio"


def test_what_is_stated_comes_first_and_what_is_fixed_is_held() -> None:
    study = autometa.create_study(
        "maximize",
        prior="lightgbm",
        learner=QUICK,
        incumbent={"model.eta": 0.123},
        fixed={"n_estimators": 700},
    )
    study.optimize(objective, n_trials=2)
    assert study.trials[0].params["model.eta"] == 0.123
    reasons = [t.user_attrs["autometa:reason"] for t in study.trials]
    assert reasons[0].endswith(" of lightgbm; 'model.eta' as you stated")
    assert "as you stated" not in reasons[1]
    assert "at n_estimators = 700" in study.user_attrs[START]
    queued = autometa.create_study("maximize", prior="lightgbm", learner=QUICK)
    queued.enqueue_trial({"model.eta": 0.05})
    queued.optimize(objective, n_trials=1)
    (first,) = queued.trials
    assert first.params["model.eta"] == 0.05
    best = recorded_start(portfolio_of("lightgbm", same=True), 1)[0]
    assert first.user_attrs["autometa:rule"] == "enqueued"
    told = "model.eta enqueued by hand, the rest by the rule portfolio"
    assert first.user_attrs["autometa:reason"] == told
    wanted = float(best["num_leaves"])  # type: ignore[arg-type]
    near = min([7, 15, 31, 63], key=lambda leaves: abs(math.log(leaves / wanted)))
    assert first.params["num_leaves"] == near


def test_what_is_fixed_and_asked_for_all_the_same_is_said() -> None:
    fixed = {"learning_rate": 0.1, "n_estimators": 700}
    study = autometa.create_study("maximize", prior="lightgbm", learner=QUICK, fixed=fixed)
    study.optimize(objective, n_trials=2)
    told = study.user_attrs[NAMES]
    line = "learning_rate = 0.1, as you fixed it, is of no effect: model.eta is searched"
    assert f"lightgbm: {line}" in told
    assert sum("of no effect" in other for other in told) == 1


def test_numpy_numbers_are_stated_and_fixed_as_any_others() -> None:
    stated: dict[str, Any] = {"model.eta": np.float32(0.125), "num_leaves": np.int64(63)}
    fixed: dict[str, Any] = {"n_estimators": np.int64(700)}
    study = autometa.create_study(
        "maximize", prior="lightgbm", learner=QUICK, incumbent=stated, fixed=fixed
    )
    study.optimize(objective, n_trials=2)
    assert study.trials[0].params["model.eta"] == 0.125
    assert study.trials[0].params["num_leaves"] == 63
    assert "at n_estimators = 700" in study.user_attrs[START]


def test_what_is_stated_and_was_not_tried_is_said(caplog: pytest.LogCaptureFixture) -> None:
    stated = {"model.eta": 0.9, "num_leafs": 7, "own": 0.5}
    study = autometa.create_study("maximize", prior="lightgbm", learner=QUICK, incumbent=stated)
    optuna.logging.enable_propagation()
    try:
        study.optimize(objective, n_trials=2)
    finally:
        optuna.logging.disable_propagation()
    told = dict.fromkeys(r.getMessage() for r in caplog.records)  # each logger's may come twice
    assert [message for message in told if "as you stated" in message] == [
        "autometa: model.eta = 0.9, as you stated, became 0.3",
        "autometa: num_leafs = 7, as you stated, is not tried: the first trial asked for "
        "'model.eta', 'num_leaves', 'own'",
    ]
    assert study.trials[0].params["own"] == 0.5


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_trial_that_was_begun_before_the_first_result_keeps_its_config(elsewhere: bool) -> None:
    """Another thread's, or another process's, which has ended in between."""
    configs = recorded_start(portfolio_of("lightgbm", same=True), 2)
    study = optuna.create_study(direction="maximize")
    study.sampler = autometa.MetaSampler("lightgbm", seed=3, learner=QUICK)
    trials = [study.ask() for _ in range(2)]
    study.tell(trials[0], objective(trials[0]))
    later = study.ask()
    if elsewhere:
        study.sampler = pickle.loads(pickle.dumps(study.sampler))  # our own sampler
    study.tell(trials[1], objective(trials[1]))
    rate = configs[1]["learning_rate"]
    assert isinstance(rate, float)
    assert trials[1].params["model.eta"] == pytest.approx(min(max(rate, 1e-2), 0.3))
    assert "among the best recorded" in study.trials[1].user_attrs["autometa:reason"]
    assert "num_leaves" in later.user_attrs["autometa:config"]
    assert "autometa:words" not in later.user_attrs


def test_a_wrong_direction_is_said_before_anything_is_evaluated() -> None:
    with pytest.raises(InputError, match="metric='neg_log_loss'"):
        autometa.create_study("maximize", prior="lightgbm", metric="log_loss")
    study = optuna.create_study(direction="maximize")
    study.sampler = autometa.MetaSampler("lightgbm", metric="log_loss", seed=0)
    with pytest.raises(InputError, match="metric='neg_log_loss'"):
        study.optimize(objective, n_trials=1)
    assert not study.get_trials(states=[optuna.trial.TrialState.COMPLETE])


def test_a_name_that_may_mean_two_things_does_not_end_a_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def both(trial: optuna.Trial) -> float:
        return sum(trial.suggest_float(name, 0.01, 0.3) for name in ("eta", "learning_rate"))

    study = autometa.create_study("maximize", prior="lightgbm", learner=QUICK)
    study.optimize(both, n_trials=3)
    assert len(study.trials) == 3
    assert "starts cold" in study.user_attrs[START]


def test_own_history_of_a_study_by_run_keeps_metric_and_meta_features(tmp_path: Any) -> None:
    study = autometa.create_study(
        "maximize", prior="lightgbm", metric="accuracy", meta_features={"rows": 3.0}, learner=QUICK
    )
    study.optimize(objective, n_trials=3)
    kept = autometa.feed_back(study, tmp_path / "mine")
    assert kept.tasks[0].metric == "accuracy"
    assert kept.tasks[0].meta_features == {"rows": 3.0}
    assert set(kept.tasks[0].space.names) == {"model.eta", "num_leaves", "own"}


calls: list[int] = []


def kept(trial: Any) -> list[float]:
    calls.append(trial.number)
    return [trial.params["model.eta"] - 0.05]


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("by_base", [True, False])
def test_constraints_of_the_first_trial_are_kept_too(*, by_base: bool) -> None:
    options: dict[str, Any] = {"constraints_func": kept}
    if by_base:
        options = {"base": optuna.samplers.TPESampler(seed=0, constraints_func=kept)}
    sampler = autometa.MetaSampler("lightgbm", learner=QUICK, **options)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    calls.clear()
    study.optimize(objective, n_trials=3)
    assert calls == [0, 1, 2]
    assert [t.system_attrs["constraints"] for t in study.trials] == [
        tuple(kept(t)) for t in study.trials
    ]
