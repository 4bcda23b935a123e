"""An edition: new families replace theirs, others stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from optuna.distributions import FloatDistribution

from autometa import Portfolio, SearchSpace, Task, TaskHistory
from autometa_benchmarks.edition import main


def portfolio(
    *families: str, value: float, source: str, protocol: str = "", table: str = "t"
) -> Portfolio:
    histories = []
    for family in families:
        space = SearchSpace({"x": FloatDistribution(0.0, 1.0)}, name=family)
        task = Task(name=table, space=space, direction="minimize")
        histories.append(TaskHistory(task=task, raw=np.array([[0.5]]), values=np.array([value])))
    about = {"source": source, "children": list(families), "protocol": protocol}
    return Portfolio(histories, provenance=about, licence="MIT")


def test_new_families_replace_theirs_and_others_stay(tmp_path: Path) -> None:
    portfolio("a", "b", value=1.0, source="old").save(tmp_path / "shipped")
    portfolio("b", "c", value=2.0, source="new").save(tmp_path / "collected")
    assert main([str(tmp_path / "collected"), str(tmp_path / "shipped")]) == 0
    found = Portfolio.load(tmp_path / "shipped")
    assert {h.task.space.name: h.values[0] for h in found.histories} == {
        "b": 2.0,
        "c": 2.0,
        "a": 1.0,
    }
    assert [p["source"] for p in found.provenance["merged"]] == ["new", "old"]
    assert found.licence == "MIT"


def test_what_is_replaced_leaves_no_provenance(tmp_path: Path) -> None:
    shipped, collected = tmp_path / "shipped", tmp_path / "collected"
    portfolio("a", "b", value=1.0, source="first").save(shipped)
    for source in ("second", "third"):
        portfolio("b", "c", value=2.0, source=source).save(collected)
        assert main([str(collected), str(shipped)]) == 0
    merged = Portfolio.load(shipped).provenance["merged"]
    assert [found["source"] for found in merged] == ["third", "first"]
    portfolio("a", value=3.0, source="fourth").save(collected)
    assert main([str(collected), str(shipped)]) == 0
    merged = Portfolio.load(shipped).provenance["merged"]
    assert [found["source"] for found in merged] == ["fourth", "third"]


def test_nothing_new_is_refused_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    portfolio("a", value=1.0, source="old").save(tmp_path / "shipped")
    Portfolio().save(tmp_path / "collected")
    assert main([str(tmp_path / "collected"), str(tmp_path / "shipped")]) == 2
    assert "without histories" in capsys.readouterr().err
    assert len(Portfolio.load(tmp_path / "shipped")) == 1


def test_a_second_folder_stands_beside_the_first_and_both_leave_with_their_families(
    tmp_path: Path,
) -> None:
    shipped, small, large = tmp_path / "shipped", tmp_path / "small", tmp_path / "large"
    portfolio("a", "b", value=1.0, source="first").save(shipped)
    portfolio("a", "b", value=2.0, source="small", protocol="2000 rows").save(small)
    portfolio("a", value=3.0, source="large", protocol="10000 rows", table="t large").save(large)
    assert main([str(small), str(large), str(shipped)]) == 0
    found = Portfolio.load(shipped)
    assert {(h.task.space.name, h.task.name): h.values[0] for h in found.histories} == {
        ("a", "t"): 2.0,
        ("b", "t"): 2.0,
        ("a", "t large"): 3.0,
    }
    portfolio("b", value=4.0, source="next", protocol="2000 rows").save(small)
    assert main([str(small), str(shipped)]) == 0
    merged = Portfolio.load(shipped).provenance["merged"]
    assert [found["source"] for found in merged] == ["next", "small", "large"]


def test_seconds_and_curves_ship_with_five_digits_and_values_with_all(tmp_path: Path) -> None:
    space = SearchSpace({"x": FloatDistribution(0.0, 1.0)}, name="a")
    made = TaskHistory(
        task=Task(name="t", space=space, direction="minimize"),
        raw=np.array([[0.123456789], [0.2]]),
        values=np.array([1.23456789, 2.0]),
        seconds=np.array([12.3456789, np.nan]),
        curves=np.array([[-0.00123456789, 0.0], [9876543.21, np.nan]]),
    )
    Portfolio([made], licence="MIT").save(tmp_path / "collected")
    Portfolio().save(tmp_path / "shipped")
    assert main([str(tmp_path / "collected"), str(tmp_path / "shipped")]) == 0
    (found,) = Portfolio.load(tmp_path / "shipped").histories
    np.testing.assert_array_equal(found.seconds, [12.346, np.nan])
    np.testing.assert_array_equal(found.curves, [[-0.0012346, 0.0], [9876500.0, np.nan]])
    np.testing.assert_array_equal(found.values, made.values)
    np.testing.assert_array_equal(found.raw, made.raw)
