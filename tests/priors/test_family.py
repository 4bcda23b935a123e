from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.errors import InputError
from autometa.portfolio import Portfolio
from autometa.priors.family import FamilyPrior, in_words_of
from autometa.priors.recorded import recorded_start
from autometa.priors.written import Facts, Written, written
from autometa.space import SearchSpace

from .families import portfolio_of, space_of

RATE = FloatDistribution(1e-2, 0.3, log=True)
WORDS = CategoricalDistribution([True, False])


def read(family: str, space: Mapping[str, BaseDistribution], **options: Any) -> FamilyPrior:
    return in_words_of(SearchSpace(space), portfolio_of(family), family, **options)


def column(found: FamilyPrior, name: str, task: int = 0) -> Any:
    history = found.portfolio.histories[task]
    return history.raw[:, history.task.space.names.index(name)]


# Names -------------------------------------------------------------------------------------------


def test_names_are_the_users_and_the_rest_keeps_its_own() -> None:
    found = read("lightgbm", {"lgb__eta": RATE, "feature_fraction": FloatDistribution(0.5, 1)})
    space = found.portfolio.space
    assert space.names[0] == "lgb__eta"
    assert {"feature_fraction", "n_estimators", "num_leaves"} <= set(space.names)
    assert found.space.inner_lr == "lgb__eta"
    assert np.array_equal(
        column(found, "lgb__eta"), portfolio_of("lightgbm").histories[0].raw[:, 0]
    )


def test_a_parameter_of_the_users_keeps_its_name_from_one_of_the_familys() -> None:
    wanted = CategoricalDistribution(["gbdt", "dart"])  # nothing to do with the family's own
    found = read("lightgbm", {"eta": RATE, "num_leaves": wanted})
    assert "num_leaves of lightgbm" in found.portfolio.space.names
    assert "no value of it" in found.names.unknown["num_leaves"]


def test_two_names_of_one_parameter_are_asked_for() -> None:
    both = {"eta": RATE, "learning_rate": RATE}
    with pytest.raises(InputError, match="'eta', 'learning_rate' all mean learning_rate"):
        read("lightgbm", both)
    with pytest.raises(InputError, match="may mean"):
        read("linear", {"alpha": RATE})
    told = read("linear", {"alpha": RATE}, ask=False)
    assert "may mean C or alpha" in told.names.unknown["alpha"]
    assert read("lightgbm", both, said={"learning_rate": "eta"}).names.searched.keys() == {
        "learning_rate"
    }


def test_a_prefix_tells_two_models_apart() -> None:
    both = {"lgb__learning_rate": RATE, "xgb__learning_rate": RATE}
    assert read("lightgbm", both).names.searched["learning_rate"].name == "lgb__learning_rate"
    assert read("xgboost", both).names.searched["learning_rate"].name == "xgb__learning_rate"


def test_what_else_is_searched_tells_what_a_name_means() -> None:
    found = read("linear", {"alpha": RATE, "l1_ratio": FloatDistribution(0, 1)})
    assert found.names.searched["alpha"].name == "alpha"
    assert found.held["solver"] == "sgd"
    found = read("linear", {"alpha": RATE}, fixed={"solver": "lbfgs"})
    assert found.names.searched["C"].name == "alpha"
    words = {"learning_rate": CategoricalDistribution(["constant", "adaptive"])}
    assert read("linear", words).names.searched.keys() == {"schedule"}
    assert read("linear", {"learning_rate": RATE}).names.searched.keys() == {"eta0"}


@pytest.mark.parametrize(
    ("name", "own"),
    [
        *(("ridge__alpha", "C"), ("pipe__Ridge__alpha", "C"), ("sgd_alpha", "alpha")),
        *(("lasso__alpha", "alpha"), ("sgd__max_iter", "epochs")),
    ],
)
def test_the_model_that_stands_before_a_name_tells_what_it_means(name: str, own: str) -> None:
    found = read("linear", {name: FloatDistribution(1, 50, log=True)})
    assert found.names.searched.keys() == {own}
    assert found.held["solver"] == ("lbfgs" if own == "C" else "sgd")


def test_iterations_of_a_solver_are_no_epochs() -> None:
    number = IntDistribution(3, 50)
    for space, fixed in (({"C": RATE}, {}), ({}, {}), ({}, {"solver": "lbfgs"})):
        found = read("linear", {**space, "max_iter": number}, fixed=fixed)
        assert (
            "iterations of a solver that stops by itself; if it is epochs, say"
            in (found.names.unknown["max_iter"])
        )
        assert "epochs" not in found.held
    assert (
        "may mean C or alpha"
        in (
            read("linear", {"alpha": RATE}, fixed={"max_iter": 100}, ask=False).names.unknown[
                "alpha"
            ]
        )
    )
    for space, fixed in (({"eta0": RATE}, {}), ({"sgd__alpha": RATE}, {}), ({}, {"solver": "sgd"})):
        found = read("linear", {**space, "max_iter": number}, fixed=fixed)
        assert found.names.searched["epochs"].name == "max_iter"
        given = read("linear", {**space, "average": WORDS}, fixed={**fixed, "max_iter": 9})
        assert given.held["epochs"] == 9
    said = read("linear", {"max_iter": number}, said={"epochs": "max_iter"})
    assert said.held["solver"] == "sgd"


def test_a_penalty_is_taken_for_no_weight_decay_unless_one_says_so() -> None:
    found = read("mlp", {"alpha": RATE, "lr": RATE})
    assert "say renamed={'weight_decay': 'alpha'}" in found.names.unknown["alpha"]
    assert "weight_decay" not in found.held
    assert read("mlp", {"alpha": RATE}, said={"weight_decay": "alpha"}).names.searched.keys() == {
        "weight_decay"
    }
    assert "say renamed" in read("mlp", {"lr": RATE}, fixed={"alpha": 1.0}).names.unknown["alpha"]


def test_of_two_names_the_one_whose_values_fit_is_meant() -> None:
    """MLPClassifier has a schedule by the name of `learning_rate`, SGDClassifier a number."""
    words = CategoricalDistribution(["constant", "adaptive"])
    found = read("mlp", {"learning_rate": words, "learning_rate_init": RATE})
    assert found.names.searched["learning_rate"].name == "learning_rate_init"
    assert "no value of it" in found.names.unknown["learning_rate"]
    found = read("lightgbm", {"eta": RATE, "shrinkage_rate": words})
    assert found.names.searched["learning_rate"].name == "eta"
    found = read("k_nearest_neighbors", {"metric": CategoricalDistribution(["l3"]), "p": WORDS})
    assert found.names.unknown.keys() == {"metric", "p"}


# What is searched in a form that cannot be read ---------------------------------------------------


@pytest.mark.parametrize(
    ("family", "name", "new", "own"),
    [
        ("lightgbm", "log_learning_rate", FloatDistribution(-3, 0), ["learning_rate"]),
        ("lightgbm", "num_leaves_exp", IntDistribution(2, 8), ["num_leaves"]),
        ("svm", "gamma", RATE, ["gamma"]),
        ("random_forest", "min_samples_leaf", FloatDistribution(0.01, 0.2), ["min_samples_leaf"]),
        ("random_forest", "max_features", RATE, ["width_power"]),
        ("mlp", "hidden_layer_sizes", CategoricalDistribution(["50", "50,50"]), ["depth", "width"]),
        ("mlp", "n_units_l0", IntDistribution(4, 128), ["width"]),
        ("mlp", "layer_2_units", IntDistribution(4, 128), ["width"]),
        ("mlp", "hidden_size1", IntDistribution(4, 128), ["width"]),
    ],
)
def test_what_cannot_be_read_is_not_held_at_its_default(
    family: str, name: str, new: BaseDistribution, own: list[str]
) -> None:
    found = read(family, {name: new, "class_weight": WORDS})
    assert name in found.names.unknown
    assert found.names.unread == set(own)
    assert not set(own) & found.held.keys()
    value = new.low if isinstance(new, FloatDistribution | IntDistribution) else "50"
    fixed = read(family, {"class_weight": WORDS}, fixed={name: value})
    assert not set(own) & fixed.held.keys()
    assert name in fixed.names.unknown


def test_the_branch_of_a_solver_that_cannot_be_read_is_that_of_what_is_searched() -> None:
    solvers = CategoricalDistribution(["liblinear", "saga"])
    held = read("linear", {"solver": solvers, "C": RATE}).why_held["solver"]
    assert held == ("lbfgs", "as C needs")
    held = read("linear", {"solver": solvers, "class_weight": WORDS}).why_held["solver"]
    assert held == ("lbfgs", "the default, as what is given of it cannot be read")


@pytest.mark.parametrize(
    ("family", "name", "new", "own", "base"),
    [
        ("lightgbm", "log10_lr", FloatDistribution(-3, -0.5), "learning_rate", 10),
        ("lightgbm", "log2_num_leaves", IntDistribution(2, 8), "num_leaves", 2),
        ("xgboost", "xgb__eta_log10", FloatDistribution(-3, 0), "learning_rate", 10),
        ("svm", "svc__log2_C", IntDistribution(-5, 15, step=2), "C", 2),
        ("svm", "log10C", CategoricalDistribution([-2, -1, 0, 1, 2]), "C", 10),
        ("random_forest", "log_2_min_samples_leaf", FloatDistribution(0, 4), "min_samples_leaf", 2),
    ],
)
def test_logarithms_to_a_base_that_the_name_says(
    family: str, name: str, new: BaseDistribution, own: str, base: float
) -> None:
    found = read(family, {name: new})
    assert f"{own}, its logarithm to base {base:g}" in str(found.names.searched[own])
    raw = portfolio_of(family).histories[0]
    logs = np.log(raw.raw[:, raw.task.space.names.index(own)]) / np.log(base)
    told = column(found, name)
    if isinstance(new, CategoricalDistribution):
        inside = (logs > -2.5) & (logs < 2.5)
        choices = np.array([*new.choices, -9, 9], dtype=float)
        assert np.abs(choices[told.astype(int)] - logs)[inside].max() <= 0.5 + 1e-9
    else:
        assert told == pytest.approx(logs)
    fixed = read(family, {"tol": RATE, "bagging": RATE}, fixed={name: 1}).names.fixed
    assert fixed[own] == pytest.approx(base)


def test_gamma_by_its_logarithm_keeps_its_units() -> None:
    facts = Facts(columns=10, width=40.0)
    found = read("svm", {"log2_gamma": FloatDistribution(-15, 3)}, facts=facts)
    own = portfolio_of("svm").histories[0]
    gamma = own.raw[:, own.task.space.names.index("gamma")]
    assert column(found, "log2_gamma") == pytest.approx(np.log2(gamma / 40.0), nan_ok=True)
    assert "base 2, in units of 1 / 40" in str(found.names.searched["gamma"])
    both = {"log10_C": FloatDistribution(-3, 3), "C": RATE}
    with pytest.raises(InputError, match="'log10_C', 'C' all mean C of svm"):
        read("svm", both)
    huge = read("svm", {"log10_C": FloatDistribution(-1e300, 1e300)})
    assert np.isfinite(column(huge, "log10_C")).all()


# What all prior tasks had ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "name", "new", "value"),
    [
        ("xgboost", "booster", CategoricalDistribution(["gblinear", "dart", "gbtree"]), "gbtree"),
        ("lightgbm", "lgbm__bagging_freq", IntDistribution(0, 10), 1),
        ("lightgbm", "max_depth", CategoricalDistribution([10, 20, -1]), -1),
        ("catboost", "bootstrap_type", CategoricalDistribution(["Bayesian", "MVS"]), "MVS"),
        ("random_forest", "max_leaf_nodes", CategoricalDistribution([100, None]), None),
    ],
)
def test_what_all_prior_tasks_had_is_what_the_start_has(
    family: str, name: str, new: BaseDistribution, value: Any
) -> None:
    known = {"xgboost": "eta", "catboost": "eta", "lightgbm": "eta"}.get(family, "n_estimators")
    found = read(family, {known: space_of(family).distributions["n_estimators"], name: new})
    assert found.names.ran == {name: value}
    assert name not in found.names.unknown
    assert f"{name}: all prior tasks had {value!r}" in found.told()
    start = recorded_start(found.portfolio, 5)
    assert [c[name] for c in start] == [value] * 5


def test_what_none_of_them_had_is_unknown() -> None:
    words = CategoricalDistribution(["gblinear", "dart"])
    found = read("xgboost", {"eta": RATE, "booster": words, "grow_policy": WORDS})
    assert found.names.unknown["booster"] == "all prior tasks had 'gbtree'"
    assert "booster" not in found.portfolio.space.names
    depth = read("lightgbm", {"eta": RATE, "max_depth": IntDistribution(3, 12)})
    assert "a limit of depth" in depth.names.unknown["max_depth"]
    fixed = read("xgboost", {"eta": RATE}, fixed={"booster": "dart", "tree_method": "hist"})
    assert fixed.names.unknown == {"booster": "all prior tasks had 'gbtree'"}


# Units -------------------------------------------------------------------------------------------


def test_gamma_comes_in_units_of_the_features() -> None:
    facts = Facts(columns=10, width=40.0)
    found = read("svm", {"svc__gamma": FloatDistribution(1e-4, 1.0, log=True)}, facts=facts)
    own = portfolio_of("svm").histories[0]
    gamma = own.raw[:, own.task.space.names.index("gamma")]
    assert column(found, "svc__gamma") == pytest.approx(gamma / 40.0, nan_ok=True)
    unknown = read("svm", {"gamma": RATE, "C": RATE})
    assert "give data=(X, y)" in unknown.names.unknown["gamma"]
    held = read("svm", {"C": RATE}, fixed={"gamma": "scale"}, facts=facts).held
    assert held["gamma"] == 1.0
    held = read("svm", {"C": RATE}, fixed={"gamma": 0.05}, facts=facts).held
    assert held["gamma"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("family", "name", "choices", "own", "word", "worth"),
    [
        ("svm", "svc__gamma", ["scale", "auto"], "gamma", "scale", 1.0),
        ("svm", "gamma", ["scale", 0.1], "gamma", "scale", 1.0),
        ("random_forest", "max_features", ["sqrt", "log2"], "width_power", "sqrt", 0.5),
        ("extra_trees", "et_max_features", ["log2", None], "width_power", None, 1.0),
    ],
)
def test_words_that_mean_the_same_of_any_data_need_none(
    family: str, name: str, choices: list[Any], own: str, word: Any, worth: float
) -> None:
    found = read(family, {name: CategoricalDistribution(choices)})
    told = np.concatenate([column(found, name, task) for task in range(3)])
    raw = [h.raw[:, h.task.space.names.index(own)] for h in portfolio_of(family).histories]
    values = np.concatenate(raw)
    near = np.abs(np.log(values / worth) if family == "svm" else 5 * (values - worth)) < 0.4
    assert near.any()
    assert set(told[near]) == {choices.index(word)}
    assert set(told[~np.isnan(told)]) <= {choices.index(word), 2, 3}  # nothing is said of others
    held = read(family, {"n_estimators": IntDistribution(1, 2)}, fixed={name: word})
    assert own in held.names.fixed


def test_a_ridge_has_the_inverse_of_c() -> None:
    found = read("linear", {"alpha": FloatDistribution(1e-3, 1e3, log=True)}, said={"C": "alpha"})
    own = portfolio_of("linear").histories[0]
    c = own.raw[:, own.task.space.names.index("C")]
    assert column(found, "alpha") == pytest.approx(1 / c, nan_ok=True)
    assert found.held["solver"] == "lbfgs"
    assert "alpha of linear" in found.portfolio.space.names


@pytest.mark.parametrize(
    ("new", "own_of"),
    [
        (FloatDistribution(0.1, 1.0), lambda value: math.log(value * 20) / math.log(20)),
        (IntDistribution(1, 20), lambda value: math.log(value) / math.log(20)),
    ],
)
def test_max_features_is_a_share_or_a_number_of_columns(new: BaseDistribution, own_of: Any) -> None:
    found = read("random_forest", {"max_features": new}, facts=Facts(columns=20, width=20.0))
    own = portfolio_of("random_forest").histories[0]
    power = own.raw[:, own.task.space.names.index("width_power")]
    back = [own_of(v) for v in column(found, "max_features")]
    assert back == pytest.approx(power.tolist(), abs=1e-9)


def test_max_features_in_words() -> None:
    words = CategoricalDistribution(["sqrt", "log2", None, 0.9])
    found = read("random_forest", {"max_features": words}, facts=Facts(columns=100, width=1.0))
    own = portfolio_of("random_forest").histories[0]
    power = own.raw[:, own.task.space.names.index("width_power")]
    choices = found.portfolio.space.distributions["max_features"].choices  # type: ignore[attr-defined]
    told = [choices[int(code)] for code in column(found, "max_features")]
    assert {t for t, p in zip(told, power, strict=True) if abs(p - 0.5) < 0.03} <= {"sqrt"}
    assert {t for t, p in zip(told, power, strict=True) if p > 0.995} <= {None}
    without = read("extra_trees", {"max_features": words})
    assert "None, 'sqrt' of any data; give data" in str(without.names.searched["width_power"])
    share = read("extra_trees", {"max_features": CategoricalDistribution(["log2", 0.9])})
    assert "give data" in share.names.unknown["max_features"]


@given(st.sampled_from([2, 5, 30, 1000]), st.floats(0.01, 1.0))
def test_the_way_back_is_the_way_there(columns: int, own: float) -> None:
    facts = Facts(columns=columns, width=3.0 * columns)
    for family, name, old in (
        ("svm", "gamma", FloatDistribution(1e-3, 1e2, log=True)),
        ("random_forest", "width_power", FloatDistribution(0.0, 1.0)),
        ("random_forest", "max_features", FloatDistribution(0.02, 1.0, log=True)),
    ):
        form = "max_features" if name == "width_power" else name
        for new in (FloatDistribution(0.1, 1.0), IntDistribution(1, columns)):
            how = written(family, name, form, old, facts, new)
            assert isinstance(how, Written)
            there = float(how.forward(np.array([own]))[0])
            if there > 1 / columns or name == "gamma":
                assert how.own_number(there) == pytest.approx(own, rel=1e-6, abs=1e-6)


def test_shares_and_numbers_of_rows_are_not_mistaken() -> None:
    share = read("random_forest", {"min_samples_leaf": FloatDistribution(0.001, 0.1)})
    assert "a share of the rows" in share.names.unknown["min_samples_leaf"]
    number = read("xgboost", {"subsample": IntDistribution(1, 100)})
    assert "prior tasks have a share" in number.names.unknown["subsample"]


# Choices -----------------------------------------------------------------------------------------


def test_choices_of_numbers_take_what_is_nearest_and_lose_nothing() -> None:
    found = read("lightgbm", {"min_data_in_leaf": CategoricalDistribution([5, 10, 20, 50])})
    own = portfolio_of("lightgbm").histories[0]
    rows = own.raw[:, own.task.space.names.index("min_child_samples")]
    codes = column(found, "min_data_in_leaf")
    assert not np.isnan(codes).any()
    for value, code in zip(rows, codes.astype(int), strict=True):
        wanted = int(np.abs(np.log(value) - np.log([5, 10, 20, 50])).argmin())
        if value < 5 / math.sqrt(2):
            wanted = 4
        if value > 50 * math.sqrt(2.5):
            wanted = 5
        assert code == wanted, value


@pytest.mark.parametrize(
    ("family", "name", "choices", "fixed", "held"),
    [
        ("lightgbm", "is_unbalance", [True, False], True, "balanced"),
        ("catboost", "auto_class_weights", [None, "Balanced"], "Balanced", "balanced"),
        ("random_forest", "class_weight", ["balanced", None], None, "none"),
        ("random_forest", "criterion", ["gini", "log_loss"], "log_loss", "entropy"),
        ("k_nearest_neighbors", "p", [1, 2], 1, "manhattan"),
        ("mlp", "solver", ["sgd", "adam"], "adam", "adam"),
    ],
)
def test_words_of_the_libraries(
    family: str, name: str, choices: list[Any], fixed: Any, held: Any
) -> None:
    found = read(family, {name: CategoricalDistribution(choices)})
    (named,) = found.names.searched.values()
    new = found.portfolio.space.distributions[name]
    assert isinstance(new, CategoricalDistribution)
    assert set(choices) <= set(new.choices)
    other: dict[str, BaseDistribution] = {"learning_rate": RATE}
    other = other if family in ("lightgbm", "catboost", "mlp") else {"k": RATE}
    if family == "random_forest":
        other = {"max_depth": IntDistribution(2, 30)}
    assert read(family, other, fixed={name: fixed}).held[named.own] == held


def test_p_may_be_a_number_of_a_range() -> None:
    found = read("k_nearest_neighbors", {"p": IntDistribution(1, 2)})
    choices = found.portfolio.space.distributions["p"].choices  # type: ignore[attr-defined]
    assert choices[:2] == (2, 1)


# What is not searched ----------------------------------------------------------------------------


def test_what_is_not_searched_is_held_at_the_fixed_value_or_the_default() -> None:
    found = read("lightgbm", {"eta": RATE}, fixed={"num_boost_round": 1000, "n_jobs": 4})
    assert found.held["n_estimators"] == 1000
    assert found.held["num_leaves"] == 31
    assert "eta" not in found.held
    assert "n_jobs" in found.names.unknown
    told = "\n".join(found.told())
    assert "n_estimators = 1000: as you fixed it" in told
    assert "num_leaves = 31: the default" in told
    assert "n_jobs" not in "\n".join(found.told(without=["n_jobs"]))
    far = read("lightgbm", {"eta": RATE}, fixed={"n_estimators": 10_000})
    assert far.held["n_estimators"] == 2000
    assert "the nearest to 10000" in "\n".join(far.told())


def test_fixed_and_searched_at_once_is_an_error() -> None:
    with pytest.raises(InputError, match="searched and fixed"):
        read("lightgbm", {"eta": RATE}, fixed={"learning_rate": 0.1})
    with pytest.raises(InputError, match="both mean n_estimators"):
        read("lightgbm", {"eta": RATE}, fixed={"n_estimators": 10, "num_round": 20})


def test_a_branch_that_is_searched_is_the_one_that_is_run() -> None:
    assert read("svm", {"C": RATE}).held["kernel"] == "rbf"
    assert read("svm", {"degree": IntDistribution(2, 4)}).held["kernel"] == "poly"
    found = read("mlp", {"momentum": FloatDistribution(0, 0.9)})
    assert found.held["optimizer"] == "sgd"
    assert "as momentum needs" in "\n".join(found.told())
    found = read("linear", {"C": RATE})
    assert "eta0" not in found.held  # of the other branch
    assert found.space.conditions["C"] == ("solver", ("lbfgs",))


def test_no_limit_is_the_deepest() -> None:
    deepest = space_of("random_forest").distributions["max_depth"].high  # type: ignore[attr-defined]
    found = read(
        "random_forest", {"n_estimators": IntDistribution(50, 300)}, fixed={"max_depth": None}
    )
    assert found.held["max_depth"] == deepest
    wanted = CategoricalDistribution([None, 4, 8, 16])
    found = read("random_forest", {"max_depth": wanted})
    codes = column(found, "max_depth")
    own = portfolio_of("random_forest").histories[0]
    depth = own.raw[:, own.task.space.names.index("max_depth")]
    assert set(codes[depth > 30]) <= {0.0}


# The first trial ---------------------------------------------------------------------------------


def test_the_first_configs_hold_what_is_fixed_and_survive_the_defaults() -> None:
    portfolio = portfolio_of("lightgbm", tasks=6, trials=60)
    first = recorded_start(portfolio, 3)
    assert len({tuple(c.items()) for c in first}) == 3
    rates = [float(c["learning_rate"]) for c in first]  # type: ignore[arg-type]
    assert min(rates) > 0.1  # more is better on these tasks
    held = recorded_start(portfolio, 3, {"n_estimators": 77, "class_weight": "balanced"})
    assert {(c["n_estimators"], c["class_weight"]) for c in held} == {(77, "balanced")}
    assert recorded_start(Portfolio(), 3) == []
    branches = recorded_start(portfolio_of("svm"), 5, {"kernel": "linear"})
    assert all(c["kernel"] == "linear" and "gamma" not in c for c in branches)
