"""The start alone: what its lists are made of, what they are worth, and what the table says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution, IntDistribution

from autometa.bench import suites
from autometa.cli import main
from autometa.errors import InputError
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import State, Task, TaskHistory
from autometa_benchmarks.start import groups, judging
from autometa_benchmarks.start.groups import Group, fold_of, of_portfolio, of_suite
from autometa_benchmarks.start.held_out import in_common, recorded
from autometa_benchmarks.start.regret import (
    WORST,
    Tried,
    after,
    expected_after,
    expected_within,
    nearest_unused,
    within,
)
from autometa_benchmarks.start.summary import Judged, summarise

SPACE = SearchSpace({"x": FloatDistribution(0, 1), "n": IntDistribution(1, 4)}, name="child")
DESIGN = np.array([[x, n] for x in np.linspace(0.05, 0.95, 7) for n in (1, 2, 4)])
BEST = {"classification": 9, "regression": 17}  # rows of the design


def made(name: str, kind: str, *, family: str = "", space: SearchSpace = SPACE) -> TaskHistory:
    """A table whose best config is that of its kind, by far; dear configs are the later ones."""
    best = DESIGN[BEST[kind]]
    rng = np.random.default_rng(sum(name.encode()))
    values = -np.abs(DESIGN - best) @ [1.0, 0.2] - rng.uniform(0, 0.1, len(DESIGN))
    values[BEST[kind]] = 0.5
    task = Task(
        name=name, space=space, direction="maximize", family=family or name, info={"kind": kind}
    )
    seconds = np.arange(1.0, len(DESIGN) + 1)
    return TaskHistory(task=task, raw=DESIGN, values=values, seconds=seconds)


@pytest.fixture(scope="module")
def portfolio() -> Portfolio:
    kinds = ("classification", "regression")
    tables = [made(f"{kind}-{i}", kind, family=f"f{i}") for i in range(8) for kind in kinds]
    return Portfolio([*tables, made("copy-of-3", "classification", family="f3")])


def held_out(portfolio: Portfolio, kind: str = "classification") -> Group:
    (group,) = (
        g for g in of_portfolio(portfolio, portfolio, ["test"]) if g.fold.split()[0] == kind
    )
    return group


def shuffled(portfolio: Portfolio, family: str) -> Portfolio:
    return Portfolio(
        replace(h, values=np.roll(h.values, 5)) if h.task.family == family else h
        for h in portfolio.histories
    )


@pytest.fixture(scope="module")
def results(portfolio: Portfolio) -> dict[str, Any]:
    return judging.run(of_portfolio(portfolio, portfolio, ["test"]), split="test")


def test_where_all_tasks_agree_the_start_is_as_good_as_the_oracle(results: dict[str, Any]) -> None:
    (row,) = results["rows"]
    assert row["lists"]["oracle"]["mean"] == [0.0] * 4
    assert row["lists"]["start"]["mean"][0] < 0.1
    assert 0.9 < row["lists"]["random"]["mean"][0] < 1.1
    assert row["paired"]["random"]["high"][0] < -0.5
    # The best configs are the 10th and the 18th of 21, and as many seconds long; the median is 11.
    tasks = row["per_task"]
    assert all(tasks[n]["oracle"]["within"][0] == 2.0 for n in tasks if n[0] == "r")
    assert all(tasks[n]["oracle"]["within"][0] == 0.0 for n in tasks if n[0] == "c")
    assert results["left_out"] == {}


def test_neither_relatives_nor_the_other_kind_nor_another_child_are_known_before(
    portfolio: Portfolio,
) -> None:
    other = SearchSpace(SPACE.distributions, name="other")
    theirs = made("theirs", "classification", family="f0", space=other)
    more = Portfolio([*portfolio.histories, theirs])
    for group in of_portfolio(more, more, ["development", "test"]):
        known = group.prior(None, 0).tasks
        families = {t.family for t in group.tasks}
        assert {str(fold_of(f)) for f in families} == {group.fold.split()[1]}
        assert not families & {t.family for t in known}
        assert {t.info["kind"] for t in known} <= {group.fold.split()[0]}
        assert {t.space.name for t in known} <= {group.part}
        assert "theirs" not in {t.name for t in known}
    tested = {t.name for g in of_portfolio(more, more, ["test"]) for t in g.tasks}
    assert "copy-of-3" in tested
    assert {t.family for t in more.tasks if t.name in tested} == {"f3", "f6"}


def test_what_is_held_out_changes_no_list_and_what_is_known_does(portfolio: Portfolio) -> None:
    group = held_out(portfolio)
    before = judging.lists(group, group.prior(None, 0), 0)
    assert set(before) == {"start", "greedy", "oracle"}
    other = shuffled(portfolio, group.tasks[0].family)
    same = held_out(other)
    lists = judging.lists(same, same.prior(None, 0), 0)
    assert all(np.array_equal(lists[name], before[name]) for name in before)
    assert not np.array_equal(same.tasks[0].random.regret, group.tasks[0].random.regret)
    for task in group.prior(None, 0).tasks:
        other = shuffled(other, task.family)
    changed = held_out(other)
    lists = judging.lists(changed, changed.prior(None, 0), 0)
    assert not any(np.array_equal(lists[name], before[name]) for name in before)


def test_another_prior_in_an_older_space_is_adapted_and_loses_the_held_out_names(
    portfolio: Portfolio,
) -> None:
    wide = {"x": FloatDistribution(-1, 1), "n": IntDistribution(1, 4)}
    older = SearchSpace(wide, name="child")
    told = Portfolio(
        made(h.task.name, str(h.task.info["kind"]), family=f"old {h.task.family}", space=older)
        for h in portfolio.histories
    )
    relatives = [
        made("by our name", "regression", family="f3", space=older),
        made("by their name", "regression", family="old f3", space=older),
    ]
    told = Portfolio([*told.histories, *relatives])
    for group in of_portfolio(portfolio, told, ["test"]):
        known = group.prior(None, 0)
        assert known.space == SPACE
        assert not {h.task.name for h in relatives} & {t.name for t in known.tasks}
        assert not {t.name for t in group.tasks} & {t.name for t in known.tasks}
        assert len(known) == len(held_out(portfolio, group.fold.split()[0]).prior(None, 0))


def test_tables_that_tell_nothing_and_those_without_a_prior_are_named(portfolio: Portfolio) -> None:
    one = made("alone", "regression")
    flat = replace(one, task=replace(one.task, name="flat"), values=np.zeros(len(DESIGN)))
    nothing = np.full(len(DESIGN), np.nan)
    states = np.full(len(DESIGN), State.FAILED)
    failed = replace(one, task=replace(one.task, name="failed"), values=nothing, states=states)
    families = {"f3", "f7"}
    few = [h for h in portfolio.histories if h.task.family in families and "cl" in h.task.name]
    small = Portfolio([*few, one, flat, failed])
    results = judging.run(of_portfolio(small, small, ["test", "development"]), split="all")
    assert results["left_out"] == {"embedded: child": ["alone", "failed", "flat"]}
    assert {t["family"] for t in results["rows"][0]["per_task"].values()} == families
    only = Portfolio([one, flat])
    alone = of_portfolio(only, only, ["test", "development"])
    with pytest.raises(InputError, match="no held-out task"):
        judging.run(alone, split="all")


def test_results_come_back_from_their_file(
    portfolio: Portfolio,
    results: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    portfolio.save(tmp_path / "tables")
    words = ["bench", "start", "--portfolio", str(tmp_path / "tables"), "--split", "test"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--into", str(tmp_path / "r.json"), "-f", "json"])
    assert not ended.value.code
    shown = json.loads(capsys.readouterr().out)
    kept = json.loads((tmp_path / "r.json").read_text())
    assert kept == shown
    assert kept["portfolio"] == kept["prior"] == "tables"
    assert {*kept} == {*results, "portfolio", "prior"}
    assert kept["rows"] == results["rows"]
    assert kept["seeds"] == [0]
    assert kept["evaluations"] == {"embedded": "all"}


@pytest.mark.parametrize(
    "words",
    [
        ["--suites", "lcbenhc"],
        ["--suites", ""],
        ["--suites", "synthetic,embeded"],
        ["--split", "both"],
        ["--seeds", "0"],
        ["--evaluations", "0"],
        ["--evaluations", "some"],
        ["--children", "svn"],
        ["--suites", "synthetic", "--children", "svm"],
        ["--suites", "synthetic", "--portfolio", "."],
        ["--portfolio", "nowhere"],
        ["--prior", "nowhere"],
        ["--into", "nowhere/r.json"],
        ["--into", "."],
    ],
)
def test_bad_words_end_with_2(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["bench", "start", *words])
    assert ended.value.code == 2
    assert not list(tmp_path.iterdir())


# What a list is worth ----------------------------------------------------------------------------


REGRETS = st.lists(st.floats(0, WORST), min_size=1, max_size=5)


@settings(max_examples=20, deadline=None)
@given(REGRETS, st.integers(0, 3))
def test_a_random_order_is_the_mean_over_all_orders(regret: list[float], unknown: int) -> None:
    seconds = np.array([np.nan if i < unknown else i + 1.0 for i in range(len(regret))])
    pool = Tried(regret=np.array(regret), seconds=seconds)
    orders = [
        Tried(regret=pool.regret[list(o)], seconds=pool.seconds[list(o)])
        for o in permutations(range(len(regret)))
    ]
    exact = np.mean([after(o, (1, 2, 3, 9)) for o in orders], axis=0)
    assert np.allclose(expected_after(pool, (1, 2, 3, 9)), exact)
    found = expected_within(pool, np.random.default_rng(0), (1, 2))
    if unknown >= len(regret):
        assert np.isnan(found).all()
    else:
        median = float(np.nanmedian(seconds))
        close = np.mean([within(o, median, (1, 2)) for o in orders], axis=0)
        assert np.allclose(found, close, atol=0.2)


def test_nothing_finished_is_as_bad_as_a_failure() -> None:
    dear = Tried(regret=np.array([0.0, 0.5]), seconds=np.array([9.0, 1.0]))
    assert within(dear, 1.0, (1, 8, 9, 10)).tolist() == [WORST, WORST, 0.0, 0.0]
    assert np.isnan(within(dear, np.nan, (1,))).all()
    none = Tried(regret=np.empty(0), seconds=np.empty(0))
    assert after(none, (1, 10)).tolist() == within(none, 1.0, (1, 10)).tolist() == [WORST, WORST]
    assert expected_after(none, (1, 10)).tolist() == [WORST, WORST]


@given(st.integers(1, 6), st.integers(0, 9))
def test_no_recorded_config_stands_for_two(pool: int, asked: int) -> None:
    rng = np.random.default_rng([pool, asked])
    rows = nearest_unused(rng.random((pool, 2)), rng.random((asked, 2)))
    assert len(set(rows.tolist())) == len(rows) == min(pool, asked)


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_a_recorded_task_knows_its_direction_its_failures_and_whole_trials(direction: Any) -> None:
    sign = 1.0 if direction == "maximize" else -1.0
    task = Task(name="t", space=SPACE, direction=direction)
    raw = np.array([[0.0, 1], [0.2, 1], [0.4, 1], [0.6, 1], [0.8, 1]])
    values = sign * np.array([3.0, 2.0, 1.0, np.nan, 99.0])
    states = np.array([State.COMPLETE] * 3 + [State.FAILED, State.PRUNED], dtype=np.int8)
    history = TaskHistory(task=task, raw=raw, values=values, states=states)
    asked = recorded(history).ask(np.array([[0.59, 1], [0.81, 1], [0.01, 1], [0.2, 1], [0.3, 1]]))
    assert asked.regret.tolist() == [2.0, 2.0, 0.0, 1.0]  # 0.81 is the nearest to 0.4 that is left
    assert np.isnan(asked.seconds).all()


def test_the_oracle_knows_what_most_tasks_have_in_common() -> None:
    whole = [made(n, "classification") for n in "abc"]
    part = made("d", "classification").take(np.arange(9, len(DESIGN)))
    own = replace(whole[0], task=replace(whole[0].task, name="e"), raw=DESIGN * [0.99, 1.0])
    flat = replace(whole[0], task=replace(own.task, name="flat"), values=np.ones(len(DESIGN)))
    found = in_common([*whole, part, own, flat])
    assert found is not None
    raw, regret = found
    assert sorted(map(tuple, raw)) == sorted(map(tuple, DESIGN))
    assert regret.shape == (len(DESIGN), 5)
    assert (
        np.flatnonzero(regret[:, 0] == 0.0).tolist()
        == np.flatnonzero((raw == DESIGN[9]).all(axis=1)).tolist()
    )
    assert in_common([whole[0], own, made("f", "classification").take(np.arange(3))]) is None
    assert in_common([]) is None


def test_an_objective_that_answers_has_an_oracle_over_the_models_candidates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(groups, "RANDOM_CONFIGS", 20)
    suite = suites.load("synthetic")
    group = of_suite(suite, ["test"])[0]
    assert {t.name for t in group.tasks} == {t.name for t in suite.tasks if t.split == "test"}
    known = group.prior(8, 0)
    lists = judging.lists(group, Portfolio(known.histories[:4]), 0)
    assert len(lists["oracle"]) == 10
    assert all(np.isnan(task.ask(lists["oracle"]).seconds).all() for task in group.tasks[:2])


# What the table says -----------------------------------------------------------------------------


def judged(part: str, regrets: Sequence[float], *, list_: str, seed: int = 0) -> list[Judged]:
    return [
        Judged(
            suite="embedded",
            part=part,
            fold="0",
            task=f"t{i}",
            family=f"f{i // 2}",
            list=list_,
            seed=seed,
            regret=np.array([r, r, r, r, np.nan if i else r, np.nan, np.nan]),
        )
        for i, r in enumerate(regrets)
    ]


def test_every_part_weighs_the_same_and_seeds_are_averaged_first() -> None:
    found = [
        *judged("a", [0.1, 0.3, 0.2, 0.2], list_="start"),
        *judged("a", [0.3, 0.5, 0.4, 0.4], list_="start", seed=1),
        *judged("a", [0.5, 0.5, 0.5, 0.9], list_="random"),
        *judged("a", [0.5, 0.5, 0.5, 0.9], list_="random", seed=1),
        *judged("b", [1.0], list_="start"),
        *judged("b", [1.0], list_="random"),
    ]
    a, b, both = summarise(found)
    assert a["lists"]["start"]["mean"] == [0.3] * 4
    assert a["lists"]["start"]["mean_within"] == [0.2, None, None]
    assert a["lists"]["random"]["median"] == [0.5] * 4
    assert a["per_task"]["t1"]["start"] == {"regret": [0.4] * 4}
    assert b["paired"]["random"]["low"][0] is None  # one family
    assert (both["part"], both["tasks"], both["families"]) == ("mean of 2", 5, 2)
    assert both["lists"]["start"]["mean"][0] == pytest.approx(0.65)
    assert both["paired"]["random"]["difference"][0] == pytest.approx(-0.15)
    assert a["paired"]["random"]["difference"] == [-0.3] * 4 + [-0.3, None, None]
    # Two families, whose means are -0.2 and -0.4: their resamples lie between.
    assert a["paired"]["random"]["low"][0] == pytest.approx(-0.4)
    assert a["paired"]["random"]["high"][0] == pytest.approx(-0.2)
    json.dumps([a, b, both], allow_nan=False)


def test_a_list_that_some_tasks_lack_is_compared_where_it_is() -> None:
    found = [
        *judged("a", [0.2, 0.2], list_="start"),
        *judged("a", [0.1], list_="oracle"),
    ]
    (row,) = summarise(found)
    assert row["lists"]["oracle"]["tasks"] == 1
    assert row["paired"]["oracle"]["difference"][0] == pytest.approx(0.1)
