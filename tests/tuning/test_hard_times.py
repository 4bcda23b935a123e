"""Searches by time: workers interrupted, families that hang, hardly any time, and many rows.

Nothing here looks at the clock: what matters is that a call ends, with a model where there can be
one and a sentence where there cannot. A call that went on would run into the test's own limit.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest

from autometa import tune
from autometa.children import Outcome, registry
from autometa.task import CompletedTrial, State
from autometa.tuning import cross_validator
from autometa.tuning.watching import TuneWarning
from tests.tuning.hanging import SOURCE
from tests.tuning.test_tuning import FakeEvaluator, make_table

slow = pytest.mark.slow
pytestmark = pytest.mark.filterwarnings("ignore:no trial ended within")  # as may well be here


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(optuna.logging.INFO)


class Sleepy(FakeEvaluator):
    """No trial ends before its limit."""

    def run(self, child: Any, config: Any, table: Any, **options: Any) -> Outcome:
        trial = CompletedTrial(config=config, value=None, state=State.FAILED, seconds=9.0)
        return Outcome(trial=trial, error="more than 0.1 s")


def drawn(rows: int) -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(rows, 6)), columns=list("abcdef"))
    return X, np.where(X["a"] + X["b"] * X["c"] + 0.3 * rng.normal(size=rows) > 0, "yes", "no")


def test_a_family_from_outside_that_hangs_is_not_fitted_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cross_validator, "new_evaluator", Sleepy)
    table = make_table()
    with pytest.warns(TuneWarning, match="no trial succeeded"):
        alone = tune(table, time=1.0, families=[SOURCE], portfolio=None, cv=2)
    assert alone.fitted is None
    assert any("no model" in note for note in alone.notes)
    both = tune(table, time=1.0, families=[SOURCE, "linear"], portfolio=None, cv=2)
    assert [t.child for t, _ in both.members] == ["linear"]


def test_hardly_any_time_is_enough_for_a_model() -> None:
    X, y = drawn(200)
    result = tune(X, y, time=1.0, families="linear", portfolio=None)
    assert result.fitted is not None
    assert set(result.predict(X)) == {"yes", "no"}


@slow
def test_a_family_that_hangs_costs_its_own_time_only() -> None:
    X, y = drawn(300)
    result = tune(X, y, time=15.0, families=[SOURCE, "linear"], portfolio=None)
    assert result.fitted is not None
    assert {t.child for t, _ in result.members} == {"linear"}
    assert all(t.value is None for t in result.warm.trials if t.child == "hangs")


@slow
def test_many_rows_and_little_time() -> None:
    X, y = drawn(50_000)
    result = tune(X, y, time=15.0, families="lightgbm,linear,svm", portfolio=None)
    assert result.fitted is not None
    assert result.score(X[:2000], y[:2000]) > 0.6
    tiny = tune(X, y, time=1.0, families="linear,svm", portfolio=None)
    assert tiny.fitted is not None


@slow
def test_workers_that_are_interrupted_leave_a_model(tmp_path: Path) -> None:
    X, y = drawn(300)
    X.assign(target=y).to_csv(tmp_path / "t.csv", index=False)
    words = [sys.executable, "-m", "autometa.cli", "tune", "t.csv", "--families", "linear"]
    words += ["--portfolio", "none", "--time", "400", "--workers", "2", "-f", "json"]
    words += ["--storage", "journal:///study", "--study-name", "s", "--save", "m.skops"]
    process = subprocess.Popen(
        words,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        while '"value"' not in (text := _journal(tmp_path)) and "values" not in text:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=200)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert json.loads(out)["best_value"] is not None
    assert (tmp_path / "m.skops").is_file()


def _journal(folder: Path) -> str:
    import time

    time.sleep(0.2)
    path = folder / "study"
    return path.read_text(errors="replace") if path.exists() else ""
