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
    return Portfolio(histories, provenance={"source": source}, licence="MIT")


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
    assert found.provenance == {"merged": [{"source": "new"}, {"source": "old"}]}
    assert found.licence == "MIT"


def test_nothing_new_is_refused_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    portfolio("a", value=1.0, source="old").save(tmp_path / "shipped")
    Portfolio().save(tmp_path / "collected")
    assert main([str(tmp_path / "collected"), str(tmp_path / "shipped")]) == 2
    assert "without histories" in capsys.readouterr().err
    assert len(Portfolio.load(tmp_path / "shipped")) == 1
