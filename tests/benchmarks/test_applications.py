"""Suites of users' own fields: what a prior may know, and that judgements are what they say."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution
from typer.testing import CliRunner

from autometa.bench import collection, run, suites
from autometa.bench.method import Method
from autometa.bench.show import markdown
from autometa.bench.show_judged import save_reliability
from autometa.bench.suite import BenchTask, Judged, Split
from autometa.children.child import Child
from autometa.cli import app
from autometa.errors import InputError
from autometa.portfolio import Portfolio
from autometa.portfolio.store.shipped import embedded_names
from autometa.space import Config, SearchSpace
from autometa.tables import Table, fingerprint
from autometa.task import Task
from autometa_benchmarks.methods.defaults import DEFAULTS
from autometa_benchmarks.suites.domains import Education, Medicine
from autometa_benchmarks.suites.recorded import Recorded, record
from autometa_benchmarks.suites.tables import Tables

SPACE = SearchSpace({"x": FloatDistribution(0.0, 1.0)}, name="line")


class Lines(Recorded):
    """Five families of two tasks: the distance to an optimum of the family's own."""

    name: ClassVar[str] = "lines"
    about: ClassVar[str] = "made up"
    checkpoints: ClassVar[tuple[int, ...]] = (1, 4)
    judged_after: ClassVar[tuple[int, ...]] = (1, 4)
    asked: ClassVar[list[str]] = []
    fails_above = 0.9

    @cached_property
    def listed(self) -> tuple[Task, ...]:
        return tuple(
            Task(name=f"{f}{i}", space=SPACE, direction="minimize", family=f)
            for f in "abcde"
            for i in (0, 1)
        )

    def evaluate(self, task: Task, config: Config) -> float | None:
        self.asked.append(task.name)
        x = x_of(config)
        return None if x > self.fails_above else abs(x - 0.2 - 0.1 * "abcde".index(task.family))

    def judge(self, task: BenchTask, config: Config) -> Judged:
        row = {"bin_rows": [1.0], "bin_predicted": [0.5], "bin_observed": [1.0]}
        return {"x": x_of(config), **row}


def x_of(config: Config) -> float:
    x = config["x"]
    assert isinstance(x, float)
    return x


def test_a_prior_is_recorded_once_and_grows(tmp_path: Path) -> None:
    suite = Lines(tmp_path / "prior")
    with pytest.raises(InputError, match="no recorded prior"):
        suite.prior("a", None, 0)
    few = record(suite, tmp_path / "prior", 4)
    Lines.asked.clear()
    record(suite, tmp_path / "prior", 4)
    assert not Lines.asked
    seen: list[tuple[int, int, str]] = []
    more = record(suite, tmp_path / "prior", 12, lambda *told: seen.append(told))
    assert len(Lines.asked) == 8 * len(suite.listed)
    assert seen[-1] == (120, 120, "e1")
    for task in suite.listed:
        short, long = few.by_key[SPACE, task.name], more.by_key[SPACE, task.name]
        assert len(long) == 12
        assert np.array_equal(long.raw[:4], short.raw)
        assert np.isnan(long.values[long.raw[:, 0] > 0.9]).all()
    assert record(Lines(tmp_path / "b"), tmp_path / "b", 12).diff(more).changed == ()


def test_a_recorded_prior_leaves_the_family_out_and_scales_regret(tmp_path: Path) -> None:
    suite = Lines(tmp_path)
    recorded = record(suite, tmp_path, 6)
    for task in suite.tasks:
        assert task.split == "test"
        prior = suite.prior(task.fold, 5, 0)
        assert {t.family for t in prior.tasks} == set("abcde") - {task.task.family}
        assert all(len(h) == 5 for h in prior.histories)
        values = recorded.by_key[SPACE, task.name].values
        reference = suite.reference(task)
        assert reference.best == np.nanmin(values)
        assert reference.middle == np.nanmedian(values)


def test_the_best_config_so_far_is_judged_and_paired_over_families(
    tmp_path: Path, random: Method
) -> None:
    suite = Lines(tmp_path / "prior")
    suite.fails_above = 1.0
    record(suite, tmp_path / "prior", 6)
    other = Method(name="other", about="", prepare=random.prepare, uses_prior=False)
    results = run(
        suite, [random, other], seeds=(0, 1), reference="random", cells=tmp_path / "cells.jsonl"
    )
    judged = results["judged"]["line"]
    assert judged["methods"]["random"] == judged["methods"]["other"]  # alike, with alike seeds
    same = judged["against"]["other"]["4 / 4"]["x"]
    assert same == {"difference": 0.0, "low": 0.0, "high": 0.0, "families": 5, "tasks": 10}
    early = judged["against"]["other"]["1 / 4"]["x"]
    means = judged["methods"]["random"]
    assert early["difference"] == pytest.approx(means["1"]["x"] - means["4"]["x"], abs=2e-5)
    assert early["low"] < early["difference"] < early["high"]
    # 2 seeds of 10 tasks, each with one row predicted at 0.5 that happened
    assert judged["bins"]["random"]["4"]["bin_observed"] == [20.0]
    assert means["4"]["calibration_error"] == 0.5
    shown = markdown(results)
    worth, gaps = shown.index("| random @1 | random @4 |"), shown.index("random less other")
    assert worth < shown.index("| line | x |") < gaps
    assert "| @1 - @1 | @1 - @4 | @4 - @4 |" in shown[gaps:]
    assert f"| {early['difference']:+.3f} [{early['low']:+.3f}, {early['high']:+.3f}] |" in shown
    save_reliability(results, tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").stat().st_size > 1_000
    few = run(suite, [random, other], tasks=("a0", "b1"), seeds=(0,), reference="random")
    gap = few["judged"]["line"]["against"]["other"]["4 / 4"]["x"]
    assert gap == {"difference": 0.0, "low": None, "high": None, "families": 2, "tasks": 2}
    assert "| +0.000 |" in markdown(few)
    again = run(suite, [random], seeds=(0, 1), trials=1, cells=tmp_path / "cells.jsonl")
    assert list(again["judged"]["line"]["methods"]["random"]) == ["1"]


def test_results_without_probabilities_have_no_reliability_plot(
    tmp_path: Path, random: Method
) -> None:
    results = run("synthetic", [random], seeds=(0,), trials=1)
    assert results["judged"] == {}
    with pytest.raises(InputError, match="no reliability bins"):
        save_reliability(results, tmp_path / "plot.svg")


# Tables -------------------------------------------------------------------------------------------


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Three small tables; the first two say that they are relatives of embedded ones."""
    rng = np.random.default_rng(0)
    rows = []
    for name, family, kind, domain in (
        ("heart", "heart", "classification", "medicine"),
        ("clinic", "heart", "classification", "medicine"),
        ("school", "school", "regression", "education"),
    ):
        X = rng.standard_normal((120, 3))
        y = X[:, 0] + 0.3 * rng.standard_normal(120)
        frame = pd.DataFrame(X, columns=list("abc"))
        frame["target"] = np.where(y > 0, "ill", "well") if kind == "classification" else y
        frame.to_parquet(tmp_path / f"{name}.parquet")
        rows.append(
            {"name": name, "family": family, "kind": kind, "domain": domain, "rows": len(X)}
        )
    pd.DataFrame(rows).to_csv(tmp_path / "index.csv", index=False)
    return tmp_path


needs_embedded = pytest.mark.skipif(not embedded_names(), reason="no embedded portfolio here")


@needs_embedded
def test_a_family_of_tables_is_never_in_its_prior(tables: Path) -> None:
    suite = Medicine(tables, ("linear",))
    assert [t.name for t in suite.tasks] == ["linear/heart", "linear/clinic"]
    assert {t.fold for t in suite.tasks} == {"linear/classification/heart"}
    everything = suite._embedded["linear"].of_kind("classification")
    relatives = {t.name for t in everything.tasks if t.family == "heart"}
    assert relatives  # or this test could not fail
    prior = suite.prior("linear/classification/heart", 3, 0)
    assert {t.name for t in everything.tasks} - {t.name for t in prior.tasks} == relatives
    assert all(len(h) == 3 for h in prior.histories)
    assert prior.space == suite.tasks[0].task.space  # one space, or no model can be fitted


@needs_embedded
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_real_training_has_a_prior_of_its_own_kind_of_problem(tables: Path, kind: str) -> None:
    suite = Tables(tables)
    known = Portfolio.embedded("linear")  # of both kinds, whose spaces differ
    one = known.of_kind(kind).histories[0]
    task = replace(one.task, name="school" if kind == "regression" else "heart", family="own")
    suite.__dict__["_embedded"] = {"linear": known.merge(Portfolio([replace(one, task=task)]))}
    prior = suite.prior(f"linear/{task.name}", None, 0)
    assert prior.space == task.space
    assert len(prior) >= 10


@needs_embedded
def test_a_domain_has_a_prior_of_each_kind_of_problem(tables: Path) -> None:
    suite = Education(tables, ("linear",))
    (task,) = suite.tasks
    assert suite.prior(task.fold, None, 0).space == task.task.space


@needs_embedded
def test_a_copy_under_another_name_is_not_in_the_prior_either(tables: Path) -> None:
    suite = Medicine(tables, ("linear",))
    known = suite._embedded["linear"].tasks[0]
    table = suite._table("clinic")
    copy = Task(
        name="copy",
        space=known.space,
        direction="maximize",
        metric=known.metric,
        info={"fingerprint": fingerprint(table)},
    )
    whole = suite._embedded["linear"]
    histories = [replace(h, task=copy, metrics={}) for h in whole.histories[:1]]
    suite._embedded["linear"] = whole.merge(type(whole)(histories))
    assert "copy" not in {t.name for t in suite.prior("linear/classification/heart", None, 0).tasks}


def test_judging_uses_rows_that_tuning_never_sees(tables: Path) -> None:
    suite = Medicine(tables, ("linear",))
    tuning, rest = suite._split("heart")
    assert (len(tuning), len(rest)) == (84, 36)
    assert not set(map(tuple, tuning.X.to_numpy())) & set(map(tuple, rest.X.to_numpy()))
    task = suite.by_name["linear/heart"]
    good: Config = {"solver": "lbfgs", "C": 1.0, "class_weight": "none"}
    judged = suite.judge(task, good)
    assert isinstance(judged["auc"], float)
    assert judged["auc"] > 0.9
    assert judged["brier"] < 0.15  # type: ignore[operator]
    assert sum(judged["bin_rows"]) == 36  # type: ignore[arg-type]
    shrunk = suite.judge(task, good | {"C": 1e-5})
    assert shrunk["brier"] == pytest.approx(0.25, abs=0.01)  # all chances near one half
    assert shrunk["auc"] > 0.9  # type: ignore[operator]


def test_a_regression_has_its_own_measures_and_scale(tables: Path) -> None:
    suite = Education(tables, ("linear",))
    (task,) = suite.tasks
    assert suite.reference(task).middle == 0.0
    assert task.task.metric == "r2"
    judged = suite.judge(task, {"solver": "lbfgs", "C": 1.0})
    assert judged["r2"] > 0.8  # type: ignore[operator]
    assert 0.0 < judged["relative_mae"] < 0.5  # type: ignore[operator]
    objective = suite.objective(task)
    assert (objective({"solver": "lbfgs", "C": 1.0}) or 0.0) > 0.8
    suite._evaluator.close()


@needs_embedded
def test_real_training_is_judged_on_other_folds_than_it_was_searched_on(
    tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = Tables(tables)
    known = Portfolio.embedded("linear")
    task = replace(known.tasks[0], name="heart", family="heart")
    history = replace(known.histories[0], task=task)
    monkeypatch.setitem(suite.__dict__, "_embedded", {"linear": Portfolio([history])})
    asked: list[tuple[Config, int]] = []

    class Folds:
        def run(self, child: Child, config: Config, table: Table, **given: Any) -> Any:
            asked.append((config, given["seed"]))
            value = {0: 0.9, 1: 0.7, 2: 0.5}[given["seed"]] if config["C"] == 1.0 else None
            return SimpleNamespace(trial=SimpleNamespace(value=value))

    monkeypatch.setattr(suite, "_evaluator", Folds())
    monkeypatch.setattr(suite, "prior", lambda *_: Portfolio())
    found = run(suite, [DEFAULTS], tasks=["linear/heart"], seeds=(0,), split=_split(suite))
    (judged,) = found["judged"].values()
    assert judged["methods"]["defaults"]["25"]["other folds"] == pytest.approx(0.6)
    assert [seed for _, seed in asked] == [0, 1, 2]  # each division once, all trials alike
    assert all(config == task.space.defaults for config, _ in asked)
    assert suite.judge(suite.tasks[0], {"C": 2.0}) == {}  # failed: no number
    monkeypatch.setattr(suite, "_scored", lambda *_: -1e9)  # diverged
    assert suite.judge(suite.tasks[0], {"C": 3.0}) == {"other folds": -1.0}


def _split(suite: Tables) -> Split:
    return suite.tasks[0].split


# Packages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "package"), [("games", "gymnasium"), ("solver", "ortools")])
def test_a_suite_without_its_package_says_so(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection, "find_spec", lambda wanted: None)
    with pytest.raises(InputError, match=f"pip install {package}"):
        suites.load(name)
    assert package in suites.about(name)
    listed = CliRunner().invoke(app, ["bench", "list"])
    assert listed.exit_code == 0
    assert f"(needs {package})" in listed.stdout


@pytest.mark.parametrize("name", ["games", "solver"])
def test_the_shipped_prior_is_that_of_the_suite(name: str) -> None:
    pytest.importorskip({"games": "gymnasium", "solver": "ortools"}[name])
    suite = suites.load(name)
    assert isinstance(suite, Recorded)
    assert [t.name for t in suite.recorded.tasks] == [t.name for t in suite.listed]
    assert len({len(h) for h in suite.recorded.histories}) == 1
    for task in suite.tasks:
        known = suite.recorded.by_key[task.task.space, task.name]
        assert known.task.info == task.task.info
        assert task.task.family not in {t.family for t in suite.prior(task.fold, 5, 0).tasks}


def test_only_suites_with_a_recorded_prior_record(tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["bench", "record", "synthetic", "--into", str(tmp_path)])
    assert refused.exit_code != 0
    assert isinstance(refused.exception, InputError)
