"""What a worker process makes of an item: no window is too short for what a family needs first."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest

from autometa import children
from autometa.children import Outcome
from autometa.meta import MetaLearner
from autometa.portfolio import Portfolio
from autometa.tables import Table
from autometa.task import CompletedTrial
from autometa.tuning.scoring import Scoring
from autometa.tuning.search_spec import SearchSpec
from autometa.tuning.workers import worker
from autometa.tuning.workers.worker import WorkItem, serve


class Slow:
    """An evaluator whose family takes a while to import, and no time after that."""

    def __init__(self) -> None:
        self.limits: list[float | None] = []

    def prepare(self, table: Any, child: Any, within: float | None = None) -> None:
        if not self.limits:
            time.sleep(0.3)
        if within is not None and within < 0.3:
            raise TimeoutError

    def run(self, child: Any, config: Any, table: Any, **options: Any) -> Outcome:
        self.limits.append(options["timeout"])
        options["predictions"].parent.mkdir(exist_ok=True)
        return Outcome(trial=CompletedTrial(config=config, value=0.5, seconds=0.1))

    def close(self) -> None:
        pass


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    found = Slow()
    monkeypatch.setattr(worker, "new_evaluator", lambda: found)
    monkeypatch.setattr(Scoring, "applied", lambda self, found, *rest: found)
    monkeypatch.setattr(signal, "signal", lambda number, action: None)
    return found


def work(folder: Path, until: float, end: float, limit: float | None = None) -> list[Any]:
    """What a worker sends for one item whose times count from when it is taken."""
    y = pd.Series(np.arange(20) % 2)
    spec = SearchSpec(
        table=Table(name="tiny", X=pd.DataFrame({"a": y + 0.5}), y=y),
        children=("linear",),
        folds=2,
        seed=0,
        trial_timeout=60.0,
        storage=f"journal:///{folder / 'tuning.log'}",
        study_name="s",
        features={},
        scoring=Scoring.of(None, "classification"),
        predictions=folder / "held-out",
    )
    model = folder / "empty.model"
    MetaLearner(seed=0).fit(Portfolio(), space=children.get("linear").space).save(model)
    left = [True, False]

    def take() -> WorkItem | None:
        if not left.pop(0):
            return None
        now = time.time()
        return WorkItem(
            child="linear", model=model, target=2, until=now + until, end=now + end, limit=limit
        )

    pipe = Mock(recv=take)
    serve(pipe, spec, "first", 0)
    *trials, last = (call.args[0] for call in pipe.send.call_args_list)
    assert last is None
    return trials


def test_a_window_that_ends_during_imports_has_its_trial(slow: Slow, tmp_path: Path) -> None:
    trials = work(tmp_path, until=0.2, end=60.0, limit=7.0)
    assert [t.value for t in trials] == [0.5]
    assert slow.limits == [7.0]


def test_no_trial_begins_after_the_window(slow: Slow, tmp_path: Path) -> None:
    assert work(tmp_path, until=-0.1, end=60.0) == []
    assert slow.limits == []


def test_a_trial_in_hand_ends_with_the_search_not_with_the_window(
    slow: Slow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[float] = []
    original = Slow.prepare

    def prepare(self: Slow, table: Any, child: Any, within: float | None = None) -> None:
        began.append(float(within or 0.0))
        original(self, table, child, within)

    monkeypatch.setattr(Slow, "prepare", prepare)
    work(tmp_path, until=50.0, end=500.0)
    assert all(within > 100.0 for within in began)
    assert slow.limits == [60.0, 60.0]  # of the search: the end is further off
