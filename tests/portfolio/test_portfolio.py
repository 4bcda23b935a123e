from __future__ import annotations

import dataclasses
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from optuna.distributions import FloatDistribution

from autometa.errors import PortfolioError, StoreError
from autometa.portfolio import Portfolio
from autometa.portfolio.store import shipped
from autometa.portfolio.store.trial_files import TrialFile
from autometa.space import SearchSpace
from autometa.task import Direction, Task, TaskHistory
from tests import strategies

LINE = SearchSpace({"x": FloatDistribution(0.0, 1.0)}, name="line")
WIDE = SearchSpace({"x": FloatDistribution(0.0, 2.0)}, name="wide")


def history(name: str, xs: list[float], *, space: SearchSpace = LINE, **task: Any) -> TaskHistory:
    direction: Direction = task.pop("direction", "maximize")
    return TaskHistory(
        task=Task(name=name, space=space, direction=direction, **task),
        raw=np.array(xs)[:, None],
        values=np.array(xs) ** 2,
    )


A, B, C = history("a", [0.1, 0.2]), history("b", [0.3], family="bs"), history("c", [], family="bs")


def test_an_empty_portfolio_is_one() -> None:
    empty = Portfolio()
    assert len(empty) == 0
    assert empty.tasks == empty.spaces == empty.histories == ()
    assert not empty.diff(Portfolio([]))
    assert len(empty.merge(Portfolio([A]))) == 1
    with pytest.raises(PortfolioError, match="0 spaces"):
        _ = empty.space


def test_the_only_space() -> None:
    assert Portfolio([A, B]).space == LINE
    both = Portfolio([A, history("a", [1.5], space=WIDE)])
    assert both.spaces == (LINE, WIDE)
    with pytest.raises(PortfolioError, match="'line', 'wide'"):
        _ = both.space
    assert both.select("wide").tasks[0].space == WIDE
    assert both.select(LINE).histories == (A,)
    assert len(both.select("nothing")) == 0


def test_a_task_comes_once() -> None:
    with pytest.raises(PortfolioError, match="'a' of space 'line' comes twice"):
        Portfolio([A, history("a", [0.9])])
    with pytest.raises(PortfolioError, match="a Task in a portfolio"):
        Portfolio([A.task])  # type: ignore[list-item]


def test_mixed_directions_are_refused() -> None:
    down = history("d", [0.1], direction="minimize")
    with pytest.raises(PortfolioError, match="mixed directions: 'a' wants to maximize, 'd' to min"):
        Portfolio([A, down])
    loss = history("d", [0.1], direction="minimize", metric="loss")
    assert len(Portfolio([A, loss])) == 2


def names(portfolio: Portfolio) -> list[str]:
    return [t.name for t in portfolio.tasks]


def test_without_drops_names_families_and_tasks() -> None:
    portfolio = Portfolio([A, B, C], licence="MIT", provenance={"seed": 1})
    assert names(portfolio.without("a")) == ["b", "c"]
    assert names(portfolio.without(["bs"])) == ["a"]
    assert names(portfolio.without(B.task)) == ["a", "c"]
    assert names(portfolio.without(["nobody"])) == ["a", "b", "c"]
    assert portfolio.without("a").licence == "MIT"
    assert portfolio.without("a").provenance == {"seed": 1}


def test_merge_joins_distinct_trials() -> None:
    more = history("a", [0.2, 0.5], meta_features={"rows": 3.0})
    merged = Portfolio([A, B]).merge(Portfolio([more, C]))
    assert [t.name for t in merged.tasks] == ["a", "b", "c"]
    assert merged.histories[0].raw[:, 0].tolist() == [0.1, 0.2, 0.5]
    assert merged.tasks[0].meta_features == {"rows": 3.0}


def test_merge_pads_folds_and_curves() -> None:
    short = dataclasses.replace(A, fold_scores=np.array([[1.0], [2.0]]))
    long = dataclasses.replace(A, fold_scores=np.array([[1.0, np.nan, 3.0], [2.0, np.nan, np.nan]]))
    (merged,) = Portfolio([short]).merge(Portfolio([long])).histories
    assert [t.fold_scores[:1] for t in merged] == [(1.0,), (2.0,), (1.0,)]
    assert merged.fold_scores.shape == (3, 3)


def test_merge_keeps_what_was_said_first() -> None:
    first = history("a", [0.1], family="fa", info={"source": "here"})
    second = history("a", [0.1], family="fb", info={"source": "there", "rows": 3})
    task = Portfolio([first]).merge(Portfolio([second])).tasks[0]
    assert task.family == "fa"
    assert task.info == {"source": "here", "rows": 3}
    plain = history("a", [0.1])
    assert Portfolio([plain]).merge(Portfolio([second])).tasks[0].family == "fb"


def test_merge_refuses_what_contradicts() -> None:
    loss = history("a", [0.1], direction="minimize", metric="loss")
    with pytest.raises(PortfolioError, match=r"direction 'maximize' in one .* 'minimize'"):
        Portfolio([A]).merge(Portfolio([loss]))


def test_merge_of_provenance_and_licence() -> None:
    first = Portfolio([A], provenance={"seed": 1}, licence="MIT")
    second = Portfolio([B], provenance={"seed": 2}, licence="Apache-2.0")
    merged = first.merge(second)
    assert merged.provenance == {"merged": [{"seed": 1}, {"seed": 2}]}
    assert merged.licence == "MIT AND Apache-2.0"
    again = merged.merge(second).merge(first)
    assert (again.provenance, again.licence) == (merged.provenance, merged.licence)
    assert Portfolio([A]).merge(second).provenance == {"seed": 2}


@settings(max_examples=40)
@given(strategies.portfolios())
def test_merge_is_idempotent(portfolio: Portfolio) -> None:
    assert not portfolio.diff(portfolio.merge(portfolio))
    assert not portfolio.diff(Portfolio().merge(portfolio))
    assert not portfolio.diff(portfolio.merge(Portfolio()))


@settings(max_examples=40)
@given(strategies.portfolios(), strategies.seeds)
def test_parts_merge_to_the_whole(portfolio: Portfolio, seed: int) -> None:
    rng = np.random.default_rng(seed)
    masks = [rng.random(len(h)) < 0.5 for h in portfolio.histories]
    parts = [
        Portfolio(
            [h.take(m == side) for h, m in zip(portfolio.histories, masks, strict=True)],
            provenance=portfolio.provenance,
            licence=portfolio.licence,
        )
        for side in (True, False)
    ]
    merged = parts[0].merge(parts[1])
    found = portfolio.diff(merged)
    assert not found.added
    assert not found.removed
    assert not found.changed
    assert not merged.diff(merged.merge(parts[0]))


def test_diff_says_what_changed() -> None:
    second = Portfolio([history("a", [0.2, 0.5, 0.6], metric="acc"), C], licence="MIT")
    found = Portfolio([A, B]).diff(second)
    assert [t.name for t in found.added] == ["c"]
    assert [t.name for t in found.removed] == ["b"]
    (change,) = found.changed
    assert (change.task, change.fields) == ("a", ("metric",))
    assert (change.added, change.removed) == (2, 1)
    assert found.licence
    assert found.to_json()["changed"][0]["trials_added"] == 2


def test_diff_counts_repeated_trials() -> None:
    found = Portfolio([A]).diff(Portfolio([history("a", [0.1, 0.2, 0.2])]))
    assert (found.changed[0].added, found.changed[0].removed) == (1, 0)


def test_a_child_that_does_not_ship_is_refused() -> None:
    with pytest.raises(PortfolioError, match="'no_such_child'"):
        Portfolio.embedded("no_such_child")


def test_a_kind_of_problem_has_a_space_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [history("a", [1.0]), history("b", [0.5])]
    kinds = ["classification", "regression"]
    told = [
        replace(h, task=replace(h.task, info={"kind": kind}))
        for h, kind in zip(both, kinds, strict=True)
    ]
    Portfolio(told).save(tmp_path)
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    assert [t.name for t in Portfolio.embedded("line", kind="regression").tasks] == ["b"]
    assert [t.name for t in Portfolio.embedded("line").tasks] == ["a", "b"]
    mixed = Portfolio([*told, history("c", [0.1])])
    assert [t.name for t in mixed.of_kind("regression").tasks] == ["b", "c"]
    with pytest.raises(PortfolioError, match=r"'ranking'.*classification, regression"):
        Portfolio.embedded("line", kind="ranking")
    assert len(Portfolio(told[:1]).of_kind("regression")) == 0
    for some in (mixed, Portfolio()):
        with pytest.raises(PortfolioError, match=r"kind 'regresion'.*'classification', 'regres"):
            some.of_kind("regresion")


def test_embedded_reads_one_child_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Portfolio([A, history("a", [1.5], space=WIDE)]).save(tmp_path)
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    assert shipped.embedded_names() == ("line", "wide")
    opened: list[str] = []
    real = TrialFile.read

    def watched(file: TrialFile) -> list[TaskHistory]:
        opened.append(file.path.name)
        return real(file)

    monkeypatch.setattr(TrialFile, "read", watched)
    assert Portfolio.embedded("wide").space == WIDE
    assert len(opened) == 1


class Own(Portfolio):
    """Somebody's subclass."""


def test_what_comes_from_elsewhere_is_of_the_class_that_was_asked(tmp_path: Path) -> None:
    frame = pd.DataFrame({"task": ["a", "a"], "x": [0.1, 0.2], "y": [1.0, 2.0]})
    asked = {"task": "task", "value": "y", "space": LINE}
    found = Own.from_frame(frame, direction="maximize", **asked)  # type: ignore[arg-type]
    assert type(found) is Own
    assert repr(found).startswith("Own: 1 task, 2 trials")
    assert type(Portfolio.from_frame(frame, direction="maximize", **asked)) is Portfolio  # type: ignore[arg-type]


def test_a_portfolio_stays_as_it_is_made() -> None:
    made = Portfolio([history("a", [0.1])], provenance={"by": "hand"}, licence="MIT")
    for name in ("histories", "licence", "anything"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, name, "")
    copied = deepcopy(made)
    assert not copied.diff(made)
    assert (copied.tasks, copied.licence) == (made.tasks, "MIT")


def test_a_folder_whose_tasks_contradict_one_another_is_refused(tmp_path: Path) -> None:
    up, down = (history(d[:3], [0.1, 0.2], direction=d) for d in ("maximize", "minimize"))
    torn = object.__new__(Portfolio)
    for name, value in (("histories", (up, down)), ("provenance", {}), ("licence", "")):
        object.__setattr__(torn, name, value)
    torn.save(tmp_path)
    with pytest.raises(StoreError, match=r"not valid.*mixed directions"):
        Portfolio.load(tmp_path)
