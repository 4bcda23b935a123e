"""An edition: new families replace theirs, others stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from optuna.distributions import FloatDistribution

from autometa import Portfolio, SearchSpace, Task, TaskHistory
from autometa_benchmarks.edition import main


def portfolio(*families: str, value: float, source: str) -> Portfolio:
    histories = []
    for family in families:
        space = SearchSpace({"x": FloatDistribution(0.0, 1.0)}, name=family)
        task = Task(name="t", space=space, direction="minimize")
        histories.append(TaskHistory(task=task, raw=np.array([[0.5]]), values=np.array([value])))
    about = {"source": source, "children": list(families)}
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
