from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from optuna.distributions import FloatDistribution

from autometa.bench import suites
from autometa.bench.suite import BenchTask, Pool
from autometa.errors import InputError
from autometa.space import Config, SearchSpace
from autometa.task import Task
from autometa_benchmarks.suites.adversarial import KINDS, AdversarialSynthetic
from autometa_benchmarks.suites.mindware import family
from autometa_benchmarks.suites.staircase import nearest


def test_data_that_are_absent_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AUTOMETA_DATA", raising=False)
    with pytest.raises(InputError, match="AUTOMETA_DATA"):
        suites.load("lcbench")
    with pytest.raises(InputError, match="does not exist"):
        suites.load("lcbench", tmp_path)


@pytest.mark.parametrize("name", ["lcbench", "rbv2_xgboost", "geoalgo-xgboost", "geoalgo-deepar"])
def test_priors_leave_the_task_and_its_family_out(name: str, data: Path) -> None:
    suite = suites.load(name, data)
    for fold in sorted({t.fold for t in suite.tasks})[:3]:
        met = [t.task for t in suite.tasks if t.fold == fold]
        prior = suite.prior(fold, 3, 0)
        assert {t.family for t in prior.tasks}.isdisjoint(t.family for t in met)
        assert all(len(h) == 3 for h in prior.histories)


@pytest.mark.parametrize("name", ["lcbench", "rbv2_xgboost"])
def test_surrogates_give_shares_and_repeat_themselves(name: str, data: Path) -> None:
    suite = suites.load(name, data)
    task = suite.chosen("test")[0]
    objective = suite.objective(task)
    assert not isinstance(objective, Pool)
    raw = task.task.space.sample_raw(20, np.random.default_rng(0))
    values = [objective(config) for config in task.task.space.from_raw(raw)]
    assert values == [objective(config) for config in task.task.space.from_raw(raw)]
    assert all(v is not None and 0.0 < v <= 1.0 for v in values)


def test_lcbench_knows_what_its_networks_reached(data: Path) -> None:
    suite = suites.load("lcbench", data)
    task = next(t for t in suite.tasks if t.name == "7593")  # covertype
    good: Config = {
        "batch_size": 64,
        "learning_rate": 0.01,
        "max_dropout": 0.1,
        "max_units": 700,
        "momentum": 0.9,
        "num_layers": 4,
        "weight_decay": 1e-5,
    }
    objective = suite.objective(task)
    assert not isinstance(objective, Pool)
    assert (objective(good) or 0.0) > 0.6  # a median random network has about 0.56


def test_published_traces_end_where_their_tables_do(data: Path) -> None:
    suite = suites.load("geoalgo-deepar", data)
    for traces in suite.published().values():
        for task, values in traces.items():
            assert values.shape == (30, 100)
            best = suite.reference(suite.by_name[task]).best
            assert np.nanmin(values) >= best * (1 - 1e-6)


@pytest.mark.slow
def test_mindware_groups_relatives(data: Path) -> None:
    suite = suites.load("mindware", data)
    for fold in sorted({t.fold for t in suite.tasks})[:2]:
        met = {t.task.family for t in suite.tasks if t.fold == fold}
        prior = suite.prior(fold, None, 0)
        assert prior.space.name == fold.split("/")[0]
        assert met.isdisjoint(t.family for t in prior.tasks)


@pytest.mark.parametrize("name", ["mindware", "zap"])
def test_a_staircase_has_the_values_of_the_nearest_recorded_configs(name: str, data: Path) -> None:
    around, suite = suites.load(name, data), suites.load(f"staircase-{name}", data)
    task = suite.chosen("development")[0]
    pool, asked = around.objective(around.by_name[task.name]), suite.objective(task)
    assert isinstance(pool, Pool)
    assert not isinstance(asked, Pool)
    space = task.task.space
    for config, value in zip(space.from_raw(pool.raw[:5]), pool.values[:5], strict=True):
        assert asked(config) == value
    raw = space.sample_raw(50, np.random.default_rng(0))
    assert {asked(c) for c in space.from_raw(raw)} <= {*pool.values.tolist(), None}
    assert suite.reference(task) == around.reference(around.by_name[task.name])


def test_the_nearest_of_a_pool_may_have_failed() -> None:
    space = SearchSpace({"x": FloatDistribution(0.0, 10.0)})
    task = BenchTask(task=Task(name="t", space=space, direction="maximize"), split="test", fold="t")
    asked = nearest(task, Pool(raw=np.array([[2.0], [6.0]]), values=np.array([0.5, np.nan])))
    assert [asked({"x": x}) for x in (0.0, 3.9, 4.1, 10.0)] == [0.5, 0.5, None, None]


def test_mindware_families() -> None:
    assert family("fri_c0_1000_5") == family("fried")
    assert family("a9a") == family("adult-census")
    assert family("quake") == "quake"


def test_zap_holds_relatives_out_with_the_configs_found_on_them(data: Path) -> None:
    suite = suites.load("zap", data)
    split = {t.fold: t.split for t in suite.tasks}
    for fold in ("cifar", "mnist"):
        prior = suite.prior(fold, None, 0)
        families = {t.family for t in prior.tasks}
        assert fold not in families
        assert len(families) == (7 if split[fold] == "development" else 15)
        task = next(t for t in suite.tasks if t.fold == fold)
        pool, reference = suite.objective(task), suite.reference(task)
        assert isinstance(pool, Pool)
        assert len(pool.raw) == len(prior.histories[0]) < 525  # others were found on relatives
        assert reference.best == pool.values.min() < reference.middle


def test_bad_priors_are_as_they_are_called() -> None:
    suite = AdversarialSynthetic()
    real = suite.prior("related", 10, 0).histories
    priors = {kind: suite.prior(kind, 10, 0).histories for kind in KINDS}
    assert len(priors["empty"]) == 0
    assert len(priors["one-task"]) == 1
    assert all(len(h) == 1 for h in priors["one-trial"])
    assert np.array_equal(priors["flipped"][0].values, -real[0].values)
    assert sorted(priors["shuffled"][0].values) == sorted(real[0].values)
    assert np.ptp(priors["constant"][0].values) == 0
    assert any(np.nanmax(np.abs(h.values)) > 1e80 for h in priors["diverged"])
    assert any(np.isnan(h.values).any() for h in priors["diverged"])
    for failing, was in zip(priors["failing"], real, strict=True):
        failed = np.isnan(failing.values)
        assert 0 < failed.sum() < len(failed)
        assert was.scores[failed].min() >= was.scores[~failed].max()
    for narrow, guided, was in zip(priors["narrower"], priors["guided"], real, strict=True):
        firsts = [h.task.space.encode_raw(h.raw)[:, 0].max() for h in (narrow, was)]
        assert len(narrow) == 5
        assert firsts[0] < firsts[1]
        assert len(guided) == 4
        assert sorted(guided.scores) == sorted(was.scores)[-4:]


def test_narrower_studies_are_halves_with_the_priors_optimum_and_without(data: Path) -> None:
    suite, whole = suites.load("narrower-lcbench", data), suites.load("lcbench", data)
    assert len(suite.tasks) == 2 * len(whole.tasks)
    inside, outside = suite.tasks[0], suite.tasks[len(whole.tasks)]
    assert (inside.name, outside.name) == (f"inside/{inside.target}", f"outside/{inside.target}")
    prior = suite.prior(inside.fold, 30, 0)
    assert prior.space == whole.tasks[0].task.space
    for name, distribution in prior.space.distributions.items():
        halves = [t.task.space.distributions[name] for t in (inside, outside)]
        assert all(h.low >= distribution.low for h in halves)  # type: ignore[attr-defined]
        ends = {(h.low, h.high) for h in halves}  # type: ignore[attr-defined]
        assert len(ends) == 2
        assert min(e[0] for e in ends) == pytest.approx(distribution.low)  # type: ignore[attr-defined]
        assert max(e[1] for e in ends) == pytest.approx(distribution.high)  # type: ignore[attr-defined]
    reference = suite.reference(outside)
    assert reference.best > reference.middle


def test_old_studies_of_changed_spaces_are_adapted(data: Path) -> None:
    suite, today = suites.load("adapted-lcbench", data), suites.load("lcbench", data)
    assert [(t.name, t.fold) for t in suite.tasks] == [(t.name, t.fold) for t in today.tasks]
    prior = suite.prior("test", 6, 0)
    assert len(prior) == 30
    assert prior.space == today.tasks[0].task.space
    held_out = {t.task.family for t in suite.tasks if t.fold == "test"}
    assert not held_out & {t.family for t in prior.tasks}
    momentum = prior.space.names.index("momentum")
    assert (prior.histories[4].raw[:, momentum] == 0.9).all()
    assert len(np.unique(prior.histories[0].raw[:, momentum])) == 6
