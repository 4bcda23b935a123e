"""The one door: families by name, their metric, the user's data, and what is wrong with input."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge, RidgeClassifier, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import autometa
from autometa.errors import AutometaError, InputError, PortfolioError
from autometa.meta import MetaLearner, MetaModel
from autometa.portfolio import Portfolio
from autometa.portfolio.store import shipped
from autometa.priors.beginning import NAMES, START
from autometa.priors.estimators import wish_of_estimator
from autometa.priors.knowing import family_of_names, known_of, wish_of
from autometa.priors.measured import by_named
from autometa.priors.written import Facts
from autometa.space import SearchSpace
from autometa.tables import Table
from autometa.task import Task, TaskHistory

from .families import portfolio_of, space_of

RATE = FloatDistribution(1e-2, 0.3, log=True)
SPACE: dict[str, BaseDistribution] = {"eta": RATE, "num_leaves": IntDistribution(8, 64)}
QUICK = MetaLearner(steps=5)
SHIPPED = ("lightgbm", "xgboost", "svm", "linear")


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def embedded(child: str, *, metric: str | None = None) -> Portfolio:
        return portfolio_of(child)

    monkeypatch.setattr(Portfolio, "embedded", staticmethod(embedded))
    spaces = {name: space_of(name) for name in SHIPPED}
    for room in ("opening", "estimators"):
        monkeypatch.setattr(f"autometa.priors.{room}.embedded_names", lambda: SHIPPED)
    monkeypatch.setattr("autometa.priors.knowing.embedded_spaces", lambda: spaces)


def started(direction: Any = "maximize", **options: Any) -> optuna.Study:
    return autometa.create_study(direction, learner=QUICK, **{"space": SPACE, **options})


def data(rows: int = 60) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(rows, 4)), columns=list("abcd"))
    return frame, (frame["a"] + rng.normal(size=rows) > 0).to_numpy().astype(int)


# Starting ----------------------------------------------------------------------------------------


def test_a_study_starts_from_a_family_in_its_own_words() -> None:
    study = started(prior="lightgbm", fixed={"n_estimators": 500})
    assert "know 2 of 2 parameters, at n_estimators = 500" in study.user_attrs[START]
    told = study.user_attrs[NAMES]
    assert "lightgbm: eta is learning_rate" in told
    assert "lightgbm: n_estimators = 500: as you fixed it" in told
    trial = study.ask(SPACE)
    assert trial.user_attrs["autometa:rule"] == "portfolio"
    assert trial.params.keys() == SPACE.keys() == trial.user_attrs["autometa:config"].keys()
    study.tell(trial, 1.0)
    for value in (2.0, 3.0, 4.0, 5.0):
        trial = study.ask(SPACE)
        assert "autometa:moved" not in trial.user_attrs
        study.tell(trial, value)
    assert trial.user_attrs["autometa:rule"] in ("transfer", "cold")


def test_what_is_held_matters() -> None:
    """The best learning rate of the made-up tasks is the largest; what is held is its slice."""
    portfolio = portfolio_of("lightgbm", trials=60)
    few, many = (
        known_of("lightgbm", wish_of(space=SearchSpace(SPACE), fixed={"n_estimators": n}))
        for n in (50, 1500)
    )
    assert few.held["n_estimators"] == 50
    assert many.held["n_estimators"] == 1500
    assert isinstance(few.prior, Portfolio)
    assert len(few.prior) == len(portfolio)
    models = []
    for known in (few, many):
        from autometa.priors.prior_model import fit_known

        model = fit_known(known, SearchSpace(SPACE), learner=QUICK).model
        assert model.transfer is not None
        raw = model.space.decode_raw(model.transfer.catalogue.unit)
        column = raw[:, model.space.names.index("n_estimators")]
        assert np.ptp(column) == 0
        models.append(float(column[0]))
    assert models == [50.0, 1500.0]


def test_every_door_takes_a_family(tmp_path: Any) -> None:
    past = portfolio_of("svm", tasks=1)
    past.save(tmp_path / "mine")
    study = optuna.create_study(direction="maximize")
    autometa.warm_start(study, "lightgbm", space=SPACE, learner=QUICK)
    assert "know 2 of 2" in study.user_attrs[START]
    sampler = autometa.MetaSampler(portfolio_of("lightgbm"), seed=0, space=space_of("lightgbm"))
    assert isinstance(sampler, optuna.samplers.BaseSampler)
    both = started(prior=["lightgbm", "embedded:xgboost"])
    assert "6 prior tasks" in both.user_attrs[START]
    joined = started(prior=["lightgbm", tmp_path / "mine"])
    assert "3 of 4 prior tasks" in joined.user_attrs[START]  # those of svm know nothing of it
    found = started(prior="embedded")
    assert "lightgbm: eta is learning_rate" in found.user_attrs[NAMES]


def test_own_history_and_a_family_weigh_in_one_model() -> None:
    own = optuna.create_study(direction="maximize", study_name="own")
    own.optimize(lambda t: t.suggest_float("eta", 1e-2, 0.3, log=True), n_trials=5)
    study = started(prior=["lightgbm", own], fixed={"n_estimators": 300})
    assert "4 prior tasks" in study.user_attrs[START]
    known = known_of(
        ["lightgbm", own], wish_of(space=SearchSpace(SPACE), fixed={"n_estimators": 300})
    )
    assert isinstance(known.prior, Portfolio)
    assert {t.name for t in known.prior.tasks} >= {"own"}


# Metrics and data --------------------------------------------------------------------------------


def test_a_family_teaches_by_the_metric() -> None:
    for direction, metric, seen in (
        ("minimize", "log_loss", "log_loss"),
        ("maximize", "neg_log_loss", "log_loss"),
        ("minimize", "logloss", "log_loss"),
        ("maximize", "roc_auc", "accuracy"),
    ):
        wish = wish_of(space=SearchSpace(SPACE), direction=direction, metric=metric)  # type: ignore[arg-type]
        known = known_of("lightgbm", wish)
        assert isinstance(known.prior, Portfolio)
        assert {t.metric for t in known.prior.tasks} == {seen}
    assert "no prior task was scored by roc_auc: accuracy stands for it" in known.lines


@pytest.mark.parametrize(
    ("direction", "metric", "seen"),
    [
        ("minimize", "binary_logloss", "log_loss"),
        ("minimize", "mlogloss", "log_loss"),
        ("minimize", "error", "accuracy"),
        ("maximize", "neg_binary_error", "accuracy"),
        ("maximize", "accuracy_score", "accuracy"),
    ],
)
def test_metrics_of_the_libraries_are_known(direction: Any, metric: str, seen: str) -> None:
    wish = wish_of(space=SearchSpace(SPACE), direction=direction, metric=metric)
    known = known_of("lightgbm", wish)
    assert isinstance(known.prior, Portfolio)
    assert {t.metric for t in known.prior.tasks} == {seen}
    assert (f"accuracy of prior tasks stands for {metric}" in known.lines) == ("error" in metric)


@pytest.mark.parametrize(
    ("direction", "metric", "said"),
    [
        ("maximize", "log_loss", "metric='neg_log_loss'"),
        ("minimize", "neg_log_loss", "metric='log_loss'"),
        ("minimize", "accuracy", "metric='neg_accuracy'"),
        ("maximize", "log_los", "Did you mean 'log_loss'"),
        ("maximize", "profit", "Without metric="),
        ("maximize", "mse", "metric='neg_mse'"),
        ("maximize", "error_rate", "metric='neg_error_rate'"),
        ("minimize", "neg_merror", "metric='merror'"),
        ("minimize", "f1", "metric='neg_f1'"),
        ("minimize", "accuracy_score", "metric='neg_accuracy_score'"),
    ],
)
def test_a_metric_that_cannot_be_is_refused(direction: Any, metric: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        started(direction, prior="lightgbm", metric=metric)
    assert said in str(error.value)
    if metric == "profit":  # no family, no metric that must be one of its own
        started(direction, prior=portfolio_of("lightgbm"), metric=metric)


def test_data_give_meta_features_units_and_the_kind_of_problem() -> None:
    X, y = data()
    space = {"svc__C": FloatDistribution(0.1, 10, log=True), "svc__gamma": RATE}
    study = started(prior="svm", data=(X, y), space=space)
    told = "\n".join(study.user_attrs[NAMES])
    assert "48 meta-features of 60 rows x 4 features (classification) in" in told
    assert "svc__gamma is gamma, in units of 1 / 4" in told
    assert len(study.user_attrs["autometa:task"]["meta_features"]) == 48
    numbers = started(prior="svm", data=(X.to_numpy(), X["a"].to_numpy()), space=space)
    assert "starts cold" in numbers.user_attrs[START]  # every task is a classification
    own = started(prior="svm", data=(X, y), space=space, meta_features={"rows": 60.0})
    assert own.user_attrs["autometa:task"]["meta_features"] == {"rows": 60.0}
    table = Table(name="t", X=X, y=pd.Series(y))
    assert "48 meta-features" in "\n".join(
        started(prior="svm", data=table, space=space).user_attrs[NAMES]
    )


@pytest.mark.parametrize(
    "form",
    [
        lambda X, y: (sparse.csr_matrix(X.to_numpy()), y),
        lambda X, y: (X, y[:, None]),
        lambda X, y: (dict(X.items()), pd.DataFrame({"y": y})),
        lambda X, y: (X.to_numpy().tolist(), y.tolist()),
    ],
    ids=["sparse", "column", "mapping", "lists"],
)
def test_data_have_the_forms_that_a_table_is_tuned_in(form: Any) -> None:
    space = {"C": FloatDistribution(0.1, 10, log=True), "gamma": RATE}
    told = "\n".join(started(prior="svm", data=form(*data()), space=space).user_attrs[NAMES])
    assert "48 meta-features of 60 rows x 4 features (classification) in" in told
    assert "gamma is gamma, in units of 1 / 4" in told.replace("is known", "is gamma")


def scored(name: str, *others: str) -> TaskHistory:
    """By its own metric 0.2 is best, by all others 0.8."""
    x = np.linspace(0.0, 1.0, 11)[:, None]
    return TaskHistory(
        task=Task(
            name=name,
            space=SearchSpace({"x": FloatDistribution(0.0, 1.0)}),
            direction="maximize",
            metric="accuracy",
            metrics=dict.fromkeys(others, "minimize"),
        ),
        raw=x,
        values=-((x[:, 0] - 0.2) ** 2),
        metrics=dict.fromkeys(others, (x - 0.8) ** 2),
    )


@pytest.mark.parametrize(
    ("metric", "direction", "best"),
    [
        ("log_loss", "minimize", 0.8),
        ("neg_log_loss", "maximize", 0.8),
        ("own loss", "minimize", 0.8),
        ("accuracy", "maximize", 0.2),
        (None, "maximize", 0.2),
    ],
)
def test_own_prior_tasks_teach_by_the_metric_where_their_trials_were_scored_by_it(
    metric: str | None, direction: Any, best: float
) -> None:
    past = Portfolio(scored(name, "log_loss", "own loss") for name in "abc")
    space = {"x": FloatDistribution(0.0, 1.0)}
    study = autometa.create_study(direction, prior=past, space=space, metric=metric, learner=QUICK)
    assert study.ask(dict(space)).params["x"] == pytest.approx(best)
    sampler = autometa.MetaSampler(past, metric=metric, learner=QUICK)
    other = optuna.create_study(direction=direction, sampler=sampler)
    assert other.ask(dict(space)).params["x"] == pytest.approx(best)


def test_tasks_that_were_not_scored_by_the_metric_stay_as_they_are() -> None:
    mixed = Portfolio([scored("a", "log_loss"), scored("b")])
    read, told = by_named(mixed, "log_loss")
    assert [t.metric for t in read.tasks] == ["log_loss", "accuracy"]
    assert told == ""
    same, told = by_named(mixed, "mae")
    assert same is mixed
    assert told == "no prior task was scored by mae: accuracy stands for it"
    for metric in ("accuracy", "error_rate", None):
        assert by_named(mixed, metric) == (mixed, "")
    assert by_named(Portfolio(), "mae")[1] == ""


def test_the_metric_of_a_task_is_that_of_its_search() -> None:
    space = SearchSpace({"x": FloatDistribution(0.0, 1.0)})
    past = Portfolio(scored(name, "log_loss") for name in "abc")
    task = Task(name="new", space=space, direction="minimize", metric="log_loss")
    study = autometa.create_study(task, prior=past, learner=QUICK)
    assert study.ask(dict(space.distributions)).params["x"] == pytest.approx(0.8)
    named = autometa.create_study(task, prior=past, learner=QUICK, metric="neg_accuracy")
    assert named.ask(dict(space.distributions)).params["x"] == pytest.approx(0.2)
    odd = Task(name="odd", space=space, direction="minimize", metric="my own")
    assert "accuracy" in autometa.create_study(odd, prior=past, learner=QUICK).user_attrs[START]


def test_what_is_wrong_with_data_is_said_once() -> None:
    with pytest.raises(InputError, match=r"no table: a target of shape \(60, 2\)") as caught:
        started(prior="svm", data=(data()[0], np.zeros((60, 2))))
    assert str(caught.value).count("allowed") == 1


def test_an_estimator_on_what_is_no_table_says_its_kind_and_how_many_features() -> None:
    X = 10 * data()[0].to_numpy()
    space = SearchSpace({"C": RATE, "gamma": RATE})
    wish = wish_of_estimator(SVC(), space, None, X=sparse.csr_matrix(X))
    assert (wish.kind, wish.metric) == ("classification", "accuracy")
    assert wish.facts is not None
    assert wish.facts.columns == 4
    assert wish.facts.width == pytest.approx(4 * float(np.var(X)))
    assert wish_of_estimator(Ridge(), SearchSpace({"alpha": RATE}), None).kind == "regression"
    for texts in (["a b", "c"], np.array(["a b", "c"]), None):
        told = wish_of_estimator(SVC(), space, None, X=texts, scoring=len)
        assert (told.kind, told.metric, told.facts) == ("classification", None, Facts())
    assert wish_of_estimator(KernelDensity(), SearchSpace({"bandwidth": RATE}), None).kind is None


def test_relatives_of_the_data_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autometa.tables.relatives", lambda table, tasks: [next(iter(tasks))])
    study = started(prior="lightgbm", data=data())
    assert "2 prior tasks" in study.user_attrs[START]
    assert "left out as relatives of these data: 'lightgbm-0'" in study.user_attrs[NAMES]


@pytest.mark.parametrize("wrong", [3, "X", (1,), ([1, 2], [1, 2, 3]), (None, None)])
def test_data_that_are_none_are_refused(wrong: Any) -> None:
    with pytest.raises(AutometaError):
        started(prior="lightgbm", data=wrong)


# Bad input ---------------------------------------------------------------------------------------


def test_an_unknown_prior_names_what_is_near() -> None:
    with pytest.raises(AutometaError, match="Did you mean 'lightgbm'"):
        started(prior="lightgmb")


@pytest.mark.parametrize(
    ("prior", "meant"),
    [
        ("LightGBM", "'lightgbm'?"),
        ("lgbm", "'lightgbm'?"),
        ("LGBMClassifier", "'lightgbm'?"),
        ("XGBRegressor", "'xgboost'?"),
        ("rf", "'random_forest'?"),
        ("HistGradientBoostingClassifier", "'hist_gradient_boosting'?"),
        ("gbm", "'lightgbm', 'hist_gradient_boosting'"),
    ],
)
def test_what_people_call_a_family_is_understood_in_the_error(prior: str, meant: str) -> None:
    with pytest.raises(AutometaError, match=f"Did you mean {re.escape(meant)}"):
        started(prior=prior)


@pytest.mark.parametrize("name", ["log_learning_rate", "clf__exp_eta", "eta_log"])
def test_a_logarithm_is_not_taken_for_the_parameter(name: str) -> None:
    study = started(prior="lightgbm", space={**SPACE, name: FloatDistribution(-3, 0)})
    assert f"{name} is not known: a logarithm of " in "\n".join(study.user_attrs[NAMES])


def test_one_whose_base_is_said_starts_at_the_logarithms_of_good_values() -> None:
    """Higher rates are better here: the first trials lie high in the user's own range."""
    space = {"log10_lr": FloatDistribution(-4, 0), "bagging_freq": IntDistribution(0, 7)}
    study = started(prior="lightgbm", space=space)
    trials = [study.ask(space) for _ in range(2)]
    assert trials[0].params["log10_lr"] > -1
    assert all(math.log10(0.005) <= t.params["log10_lr"] <= math.log10(0.5) + 1e-9 for t in trials)
    assert [t.params["bagging_freq"] for t in trials] == [1, 1]


def test_a_family_that_does_not_ship_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(PortfolioError, match="no embedded portfolio for 'no such'"):
        Portfolio.embedded("no such")
    monkeypatch.setattr(shipped, "_names", lambda folder: ("svm",))
    with pytest.raises(PortfolioError, match="no embedded portfolio for 'extra_trees'"):
        started(prior="extra_trees")


def test_a_sampler_alone_says_what_was_matched(caplog: pytest.LogCaptureFixture) -> None:
    optuna.logging.enable_propagation()
    try:
        autometa.MetaSampler(
            "lightgbm", space=SearchSpace({"eta": RATE}), learner=QUICK, fixed={"n_estimators": 9}
        )
    finally:
        optuna.logging.disable_propagation()
    assert "searches by this sampler start from 3 prior tasks" in caplog.text
    assert "lightgbm: n_estimators = 20: as you fixed it" in caplog.text


def test_no_matching_parameter_is_said() -> None:
    study = started(prior="svm", space=SPACE)
    assert study.user_attrs[START].startswith("starts cold, because svm knows 'kernel', 'C'")
    assert "did you mean prior='lightgbm', which knows 2 of 2 names" in study.user_attrs[START]
    trial = study.ask(SPACE)
    assert trial.user_attrs["autometa:rule"] == "base"


def test_a_space_of_another_library_is_said() -> None:
    space = {"eta": RATE, "num_leaves": IntDistribution(8, 64), "lambda": RATE}
    study = started(prior="xgboost", space=space)
    told = study.user_attrs[NAMES]
    assert any(line.startswith("did you mean prior='lightgbm'") for line in told)
    assert any("num_leaves is not known: a name of 'lightgbm'" in line for line in told)
    assert "know 2 of 3 parameters (not num_leaves)" in study.user_attrs[START]


def test_a_name_of_the_own_library_says_nothing_for_another_one() -> None:
    names = {"eta": RATE, "max_leaves": RATE, "colsample_bylevel": RATE, "scale_pos_weight": RATE}
    told = started(prior="xgboost", space=names).user_attrs[NAMES]
    assert not any("did you mean" in line for line in told)
    assert family_of_names(SearchSpace({"num_leaves": RATE, "bagging_freq": RATE})) == "lightgbm"


def test_fixed_is_never_silently_ignored() -> None:
    with pytest.raises(InputError, match="a mapping of names"):
        started(prior="lightgbm", fixed=[("n_estimators", 3)])
    with pytest.raises(InputError, match="'eta' searched and fixed"):
        started(prior="lightgbm", fixed={"eta": 0.1})
    with pytest.raises(InputError, match="searched and fixed"):
        started(prior="lightgbm", fixed={"learning_rate": 0.1})
    study = started(prior=portfolio_of("lightgbm"), fixed={"n_estimators": 3})
    assert "no family is named that could know of it" in study.user_attrs[NAMES][0]


def test_which_of_two_is_asked_with_the_candidates() -> None:
    with pytest.raises(InputError, match=r"may mean C or alpha .*renamed=\{'C': 'alpha'\}"):
        started(prior="linear", space={"alpha": RATE})
    study = started(prior="linear", space={"alpha": RATE}, renamed={"C": "alpha"})
    assert "linear: alpha is C, 1 / C" in study.user_attrs[NAMES]
    with pytest.raises(InputError, match="'embedded:lightgbm'"):
        started(prior="embedded", space={"learning_rate": RATE})


def test_the_family_of_names() -> None:
    assert family_of_names(SearchSpace(SPACE)) == "lightgbm"
    assert family_of_names(SearchSpace({"svc__gamma": RATE, "svc__C": RATE})) == "svm"


# Estimators --------------------------------------------------------------------------------------


def test_an_estimator_says_family_units_and_what_it_was_constructed_with() -> None:
    X, y = data()
    table = Table(name="t", X=10 * X, y=pd.Series(y), kind="classification")
    space = SearchSpace({"svc__C": RATE, "svc__gamma": RATE})
    pipeline = make_pipeline(StandardScaler(), SVC(tol=0.01))
    wish = wish_of_estimator(pipeline, space, table, prior="embedded")
    assert wish.family == "svm"
    assert wish.metric == "accuracy"
    assert wish.facts is not None
    assert wish.facts.width == 4.0
    known = known_of("embedded", wish)
    assert known.held["tol"] == 0.01
    assert "svm: svc__gamma is gamma, in units of 1 / 4" in known.lines
    assert not any("cache_size" in line for line in known.lines)
    boxed = wish_of_estimator(SVC(tol=np.float32(0.25), coef0=np.int64(3)), space, table)
    assert (boxed.fixed["tol"], boxed.fixed["coef0"]) == (0.25, 3)
    plain = wish_of_estimator(SVC(), SearchSpace({"C": RATE, "gamma": RATE}), table)
    assert plain.facts is not None
    assert plain.facts.width == pytest.approx(4 * float(np.var(10 * X.to_numpy())))


def test_a_ridge_and_sgd_say_what_alpha_is() -> None:
    space = SearchSpace({"alpha": RATE})
    ridge = RidgeClassifier()
    for estimator, own, solver in ((ridge, "C", "lbfgs"), (SGDClassifier(), "alpha", "sgd")):
        known = known_of("linear", wish_of_estimator(estimator, space, None))
        assert known.held["solver"] == solver
        assert any(
            line.startswith(f"linear: alpha is {own}" if own == "C" else "linear: alpha is known")
            for line in known.lines
        )


def test_an_estimator_around_another_is_looked_into() -> None:
    around = TransformedTargetRegressor(make_pipeline(StandardScaler(), Ridge()))
    space = SearchSpace({"regressor__ridge__alpha": RATE})
    wish = wish_of_estimator(around, space, None, prior="embedded")
    assert not known_of("embedded", wish).prior.tasks  # every one is a classification
    known = known_of("embedded", replace(wish, kind=None))
    assert known.held["solver"] == "lbfgs"
    assert "linear: regressor__ridge__alpha is C, 1 / C" in known.lines
    X, y = data()
    table = Table(name="t", X=10 * X, y=pd.Series(y), kind="classification")
    each = OneVsRestClassifier(SVC(tol=0.01))
    wish = wish_of_estimator(each, SearchSpace({"estimator__gamma": RATE}), table)
    assert wish.fixed["estimator__tol"] == 0.01
    assert wish.facts is not None
    assert wish.facts.width == pytest.approx(4 * float(np.var(10 * X.to_numpy())))
    piped = OneVsRestClassifier(make_pipeline(StandardScaler(), SVC()))
    wish = wish_of_estimator(piped, SearchSpace({"estimator__svc__gamma": RATE}), table)
    assert wish.facts is not None
    assert wish.facts.width == 4.0


def test_boosting_without_a_frequency_samples_no_rows() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    space = SearchSpace({"learning_rate": RATE})
    known = known_of(
        "lightgbm", wish_of_estimator(lightgbm.LGBMClassifier(subsample=0.5), space, None)
    )
    assert known.held["subsample"] == 1.0
    known = known_of(
        "lightgbm",
        wish_of_estimator(lightgbm.LGBMClassifier(subsample=0.5, subsample_freq=1), space, None),
    )
    assert known.held["subsample"] == 0.5


def test_no_limit_is_not_mistaken_for_unset() -> None:
    xgboost = pytest.importorskip("xgboost")
    space = SearchSpace({"learning_rate": RATE})
    known = known_of("xgboost", wish_of_estimator(xgboost.XGBClassifier(max_depth=3), space, None))
    assert known.held["max_depth"] == 3
    assert known.held["n_estimators"] == 100  # what the library takes where nothing is set


def test_words_of_a_choice() -> None:
    space = {"C": RATE, "class_weight": CategoricalDistribution([None, "balanced"])}
    study = started(prior="svm", space=space)
    assert "know 2 of 2" in study.user_attrs[START]


def test_a_fit_of_a_family_is_kept_and_one_of_own_tasks_alone_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOMETA_CACHE", str(tmp_path))
    fits: list[object] = []
    fit = MetaLearner.fit

    def counted(self: MetaLearner, *args: Any, **options: Any) -> MetaModel:
        fits.append(args)
        return fit(self, *args, **options)

    monkeypatch.setattr(MetaLearner, "fit", counted)
    first = [started(prior="lightgbm").ask(SPACE).params for _ in range(2)]
    assert first[0] == first[1]
    assert len(fits) == 1
    started(prior="lightgbm", space={"learning_rate": FloatDistribution(0.05, 0.1)})
    assert len(fits) == 2
    for _ in range(2):
        started(prior=portfolio_of("lightgbm"))
    assert len(fits) == 4
