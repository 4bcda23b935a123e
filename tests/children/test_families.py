"""What every family owes: its parameters reach its models, its categories are used."""

from __future__ import annotations

import importlib
import sys
import textwrap
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa import children
from autometa.children import families, registry
from autometa.errors import InputError, MissingExtraError
from autometa.space import Config, SearchSpace
from autometa.tables import Kind, Table, load_table
from autometa.tuning.arguments import families_of, left_out
from autometa.tuning.tune import tune

KINDS: tuple[Kind, ...] = ("classification", "regression")


def _table(kind: Kind, rows: int = 150) -> Table:
    """Numbers with outliers and holes, a common and a rare-valued category, unequal classes."""
    rng = np.random.default_rng(3)
    X = pd.DataFrame({f"x{j}": rng.normal(size=rows) for j in range(6)})
    X["x5"] = np.exp(2 * X["x5"])
    X["town"] = rng.choice([f"t{k}" for k in range(30)], rows)
    X["colour"] = rng.choice(["red", "green", "blue"], rows)
    X.loc[rng.random(rows) < 0.15, "x1"] = np.nan
    signal = X["x0"] * X["x2"] + X["x1"].isna() + (X["colour"] == "red") + rng.normal(size=rows) / 2
    y = signal if kind == "regression" else np.where(signal > 1.0, "yes", "no")
    return Table(name=kind, X=X, y=pd.Series(y), kind=kind)


TABLES = {kind: _table(kind) for kind in KINDS}


def _ends(space: SearchSpace, name: str) -> list[Any]:
    """Values of a parameter that are as far apart as affordable."""
    d = space.distributions[name]
    if isinstance(d, CategoricalDistribution):
        return list(d.choices)
    assert isinstance(d, FloatDistribution | IntDistribution)
    most = {"n_estimators": 60, "max_iter": 60, "epochs": 20}.get(name, d.high)
    return [d.low, type(d.low)(most)]


def _first(distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[0]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return distribution.low


def _active(space: SearchSpace, name: str, base: Config) -> Config:
    """The base with all that the parameter's activity asks for."""
    config = dict(base)
    if name in space.conditions:
        parent, values = space.conditions[name]
        config = {**_active(space, parent, config), parent: values[0]}
    wanted = space.active(config)
    for other in wanted:
        d = space.distributions[other]
        if other not in config:
            config[other] = _first(d)
    return {k: v for k, v in config.items() if k in wanted}


def _base(child: children.Child) -> Config:
    quick = {"n_estimators": 40, "max_iter": 40, "epochs": 10}
    return {k: quick.get(k, v) for k, v in (child.tuned or child.space.defaults).items()}


def _said(child: children.Child, config: Config, kind: Kind) -> tuple[np.ndarray, ...]:
    outcome = children.run(child, config, TABLES[kind], folds=2, seed=0)
    assert not outcome.error, outcome.error
    return tuple(p.labels if p.shares is None else p.shares for p in outcome.predictions)


# Parameters that only act where their library finds it worth while, on tables unlike this one.
SILENT = {("svm", "tol"), ("catboost", "one_hot_max_size")}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", children.names())
def test_every_parameter_changes_what_a_model_says(name: str, kind: Kind) -> None:
    child = children.get(name, kind)
    base, space = _base(child), child.space
    silent = []
    for parameter in space.names:
        if (name, parameter) in SILENT:
            continue
        configs = []
        for value in _ends(space, parameter):
            config = {**_active(space, parameter, base), parameter: value}
            configs.append(_active(space, parameter, config) | {parameter: value})
        said = [_said(child, space.check(_trimmed(space, c)), kind) for c in configs]
        if all(
            np.array_equal(a, b) for other in said[1:] for a, b in zip(said[0], other, strict=True)
        ):
            silent.append(parameter)
    assert not silent


def _trimmed(space: SearchSpace, config: Config) -> Config:
    """The config with what its own values switch on, and without what they switch off."""
    full = dict(config)
    for other in space.active(full):
        d = space.distributions[other]
        if other not in full:
            full[other] = _first(d)
    return {k: v for k, v in full.items() if k in space.active(full)}


@pytest.mark.parametrize("name", children.names())
def test_a_regression_has_no_parameter_of_classes(name: str) -> None:
    child = children.get(name, "regression")
    assert not {"class_weight", "impurity"} & set(child.space.names)
    assert child.space.name == name
    assert child.on("regression") is child or child.on("regression").space == child.space


@pytest.mark.parametrize("name", children.names())
@pytest.mark.parametrize("kind", KINDS)
def test_a_good_config_and_the_default_are_both_known(name: str, kind: Kind) -> None:
    child = children.get(name, kind)
    assert child.space.check(child.tuned) != child.space.check(child.space.defaults)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "catboost", "hist_gradient_boosting"])
def test_categories_are_no_numbers_to_libraries_that_know_them(name: str) -> None:
    """Codes in alphabetical order say nothing; the category says all."""
    rng = np.random.default_rng(0)
    towns = rng.integers(40, size=800)
    level = rng.permutation(40)
    X = pd.DataFrame({"town": [f"t{k:02d}" for k in towns], "x": rng.normal(size=800)})
    table = Table(
        name="towns", X=X, y=pd.Series(level[towns] % 2 * 10.0 + X["x"]), kind="regression"
    )
    child = children.get(name, "regression")
    assert child.steps is not None
    # Enough for a split by category, far too little for one number after another.
    few: Config = {child.steps: 20, "learning_rate": 0.3}
    few |= {"max_depth": 2, "depth": 2, "num_leaves": 4, "max_leaf_nodes": 4}
    config = {**child.space.defaults, **{k: v for k, v in few.items() if k in child.space.names}}
    native = children.evaluate(child, config, table, folds=3, seed=0)
    codes = Table(name="codes", X=X.assign(town=towns.astype(float)), y=table.y, kind="regression")
    ordered = children.evaluate(child, config, codes, folds=3, seed=0)
    assert native.value is not None
    assert ordered.value is not None
    assert native.value > ordered.value + 0.1


@pytest.mark.parametrize("name", ["lightgbm", "hist_gradient_boosting", "random_forest", "linear"])
def test_more_categories_than_a_library_takes_are_no_error(name: str) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"id": [f"v{k}" for k in range(600)] + ["v0"] * 100, "x": rng.normal(size=700)}
    )
    table = Table(name="many", X=X, y=pd.Series(np.where(X["x"] > 0, "a", "b")))
    child = children.get(name)
    outcome = children.run(child, child.space.defaults, table, folds=2, seed=0)
    assert not outcome.error
    width = children.get("linear")
    built = width.build(width.space.defaults, table.schema, 0).fit(table.X, table.y)
    assert built.named_steps["model"].coef_.shape[1] <= 22


def test_values_after_fewer_trees_are_those_of_a_smaller_model() -> None:
    for name in ("lightgbm", "xgboost", "catboost", "hist_gradient_boosting"):
        for kind in KINDS:
            child = children.get(name, kind)
            assert child.steps is not None
            config = {**child.tuned, child.steps: 80}
            if name == "catboost":
                config["subsample"] = 1.0
            long = children.run(child, config, TABLES[kind], folds=2, seed=0)
            short = children.run(child, {**config, child.steps: 40}, TABLES[kind], folds=2, seed=0)
            assert list(long.after) == [20, 40]
            for metric, folds in short.metrics.items():
                if np.isfinite(folds).all():
                    assert long.after[40][metric] == pytest.approx(np.mean(folds), rel=1e-6), name


# From outside -------------------------------------------------------------------------------------

FILE = """
from optuna.distributions import FloatDistribution
from autometa.children import Child
from autometa.space import SearchSpace

def _model(config, schema, seed):
    from sklearn.linear_model import Ridge, RidgeClassifier
    from sklearn.naive_bayes import GaussianNB
    if schema.kind == "regression":
        return Ridge(alpha=config["smoothing"])
    return GaussianNB(var_smoothing=config["smoothing"])

SPACE = SearchSpace(
    {"smoothing": FloatDistribution(1e-9, 1.0, log=True)}, defaults={"smoothing": 1e-3},
    name="naive",
)
CHILD = Child(name="naive", space=SPACE, preparation="scaled", model=_model)
"""


def test_a_family_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "naive.py").write_text(textwrap.dedent(FILE))
    monkeypatch.setattr(families, "__path__", [*families.__path__, str(tmp_path)])
    registry._places.cache_clear()
    try:
        assert children.names()[-1] == "naive"
        child = children.get("naive")
        assert children.evaluate(
            child, child.space.defaults, TABLES["classification"], folds=2, seed=0
        ).value
    finally:
        registry._places.cache_clear()


def test_families_are_registered_once_and_under_a_free_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    own = children.Child(
        name="own",
        space=SearchSpace({"a": FloatDistribution(0, 1)}, name="own"),
        preparation="scaled",
        model=children.get("linear").model,
    )
    children.register(own)
    assert children.get("own") is own
    assert "own" in children.names()
    taken = SearchSpace({"a": FloatDistribution(0, 1)}, name="svm")
    with pytest.raises(InputError, match="'svm'"):
        children.register(
            children.Child(name="svm", space=taken, preparation="scaled", model=own.model)
        )
    with pytest.raises(InputError, match="type str"):
        children.register("svm")  # type: ignore[arg-type]


_MODULE = """
from optuna.distributions import FloatDistribution
from autometa import children
from autometa.space import SearchSpace

def model(config, schema, seed):
    from sklearn.linear_model import LogisticRegression
    return LogisticRegression(C=config["C"])

def made():
    space = SearchSpace({"C": FloatDistribution(0.1, 10.0)}, defaults={"C": 1.0}, name="theirs")
    return children.Child(name="theirs", space=space, preparation="scaled", model=model)

CHILD = made()
"""


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ("1 / 0", r"cannot be imported \(ZeroDivisionError: division by zero\)"),
        ("def", r"cannot be imported \(SyntaxError"),
        ("import no_such_module", "No module named 'no_such_module'. allowed: MODULE:ATTRIBUTE"),
        (_MODULE.replace('"scaled"', '"trees"'), "'trees'. allowed: encoded, coded, scaled, rob"),
        ("CHILD = 3", "'their_module:CHILD' is a int. allowed: an autometa Child"),
    ],
)
def test_a_module_that_holds_no_family_is_said_with_its_mistake(
    mistake: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_module.py").write_text(mistake)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "their_module", raising=False)
    with pytest.raises(InputError, match=said):
        children.get("their_module:CHILD")


@pytest.mark.parametrize("preparation", ["", "Scaled", None])
def test_a_preparation_that_is_none_is_refused(preparation: Any) -> None:
    with pytest.raises(InputError, match="preparation"):
        replace(children.get("linear"), preparation=preparation)


@pytest.mark.parametrize("way", ["registered", "named"])
def test_a_family_of_a_module_is_evaluated_by_the_processes_that_do_so(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_module.py").write_text(_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "their_module", raising=False)
    monkeypatch.setattr(registry, "_registered", {})
    X, y = pd.DataFrame({"a": np.arange(30) % 7}), np.arange(30) % 2
    options: dict[str, Any] = {"n_trials": 1, "portfolio": None, "cv": 2}
    if way == "registered":
        children.register(importlib.import_module("their_module").CHILD)
    named = "theirs" if way == "registered" else "their_module:CHILD"
    assert tune(X, y, families=named, **options).members[0][0].child == "theirs"
    assert children.get("theirs").source == "their_module:CHILD"
    assert not children.here_only("theirs")


def test_a_family_that_only_this_process_knows_is_refused_before_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_module.py").write_text(_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "their_module", raising=False)
    monkeypatch.setattr(registry, "_registered", {})
    made = importlib.import_module("their_module").made()  # held by no module but the script
    monkeypatch.setattr(sys.modules["__main__"], "made_here", made, raising=False)
    monkeypatch.setitem(sys.modules, "__mp_main__", sys.modules["__main__"])
    children.register(made)
    assert children.here_only("theirs")
    table = Table(name="t", X=pd.DataFrame({"a": np.arange(30) % 7}), y=pd.Series(range(30)) % 2)
    with pytest.raises(InputError, match="'theirs', which only this process knows"):
        families_of("linear,theirs", table)
    everybody = families_of(None, table)
    assert "theirs" not in [child.name for child in everybody]
    assert "no module holds them: theirs" in left_out(table, everybody)


@pytest.mark.parametrize(
    ("value", "words"),
    [("no_such_module:CHILD", "ModuleNotFoundError"), ("math:pi", "is a float"), ("math:no", "no")],
)
def test_a_package_that_brings_a_broken_family_costs_nobody_the_others(
    value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint(name="theirs", value=value, group=registry.GROUP)
    monkeypatch.setattr(registry, "_brought", lambda: {"theirs": point})
    assert "theirs" in children.known()
    assert "theirs" not in children.names()
    with pytest.raises(InputError, match=words):
        children.get("theirs")
    table = load_table("sklearn:iris")
    competing = families_of(None, table)
    assert [child.name for child in competing] == list(children.names())
    assert words in left_out(table, competing)
    assert not children.broken("svm")
    loads = Mock(side_effect=EntryPoint.load)
    monkeypatch.setattr(EntryPoint, "load", loads)
    assert "theirs" not in children.names()  # known by now: a package that breaks is slow, too
    loads.assert_not_called()


def test_what_is_not_installed_is_named_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda name: None if name == "catboost" else name)
    assert "catboost" not in children.names()
    assert "catboost" in children.known()
    with pytest.raises(MissingExtraError, match=r"pip install 'autometa\[boosting\]'"):
        children.get("catboost")
