from __future__ import annotations

import os
import selectors
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autometa import children
from autometa.children.evaluation.isolated import Evaluator
from autometa.errors import InputError, SpaceError
from autometa.space import Value
from autometa.tables import Table, load_table
from autometa.task import State
from tests.children import hostile

MEMORY = 2**28


@pytest.fixture(scope="module")
def iris() -> Table:
    return load_table("sklearn:iris")


@pytest.fixture(scope="module")
def evaluator() -> Iterator[Evaluator]:
    with Evaluator(memory=MEMORY) as evaluator:
        yield evaluator


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("sleep", "more than 0.5 s"),
        ("exit", "exit code 7"),
        ("segfault", "SIGABRT"),
        ("allocate", "MemoryError"),
        ("nan", "scored nan"),
        ("raise", "KeyError: 'on purpose'"),
        ("close", "ended with exit code 0"),
    ],
)
def test_whatever_a_child_does_it_only_fails(
    evaluator: Evaluator, iris: Table, deed: str, reason: str
) -> None:
    timeout = 0.5 if deed == "sleep" else 200.0
    outcome = evaluator.run(hostile.CHILD, {"deed": deed}, iris, folds=2, seed=0, timeout=timeout)
    assert outcome.trial.state is State.FAILED
    assert outcome.trial.value is None
    assert outcome.trial.config == {"deed": deed}
    assert reason in outcome.error
    after = evaluator.run(hostile.CHILD, {"deed": "behave"}, iris, folds=2, seed=0).trial
    assert after.state is State.COMPLETE


def test_a_child_may_print_megabytes(evaluator: Evaluator, iris: Table) -> None:
    found = evaluator.run(hostile.CHILD, {"deed": "print"}, iris, folds=2, seed=0, timeout=200)
    assert found.trial.state is State.COMPLETE


def test_isolated_and_direct_evaluation_agree(evaluator: Evaluator, iris: Table) -> None:
    mixed = _with_categories(iris)
    for name in ("linear", "random_forest"):
        child = children.get(name)
        for table in (iris, mixed):
            here = children.evaluate(child, child.space.defaults, table, folds=3, seed=4)
            there = evaluator.run(child, child.space.defaults, table, folds=3, seed=4).trial
            assert there.fold_scores == pytest.approx(here.fold_scores, abs=1e-12)
            assert there.state is State.COMPLETE


@pytest.mark.parametrize("name", ["json.py", "autometa/__init__.py"])
def test_files_in_the_present_folder_stand_in_for_nothing(
    name: str, iris: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("raise RuntimeError('not meant')")
    monkeypatch.chdir(tmp_path)
    child = children.get("linear")
    with Evaluator() as evaluator:
        trial = evaluator.run(child, child.space.defaults, iris, folds=2, seed=0).trial
    assert trial.state is State.COMPLETE


def test_dates_cross_the_border(evaluator: Evaluator) -> None:
    """A helper that took them for numbers judged a config by another model than the one fitted."""
    rng = np.random.default_rng(0)
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 8760, 300), unit="h")
    y = pd.Series(np.where(when.hour < 12, "am", "pm"))
    table = Table(name="clock", X=pd.DataFrame({"when": when}), y=y)
    child = children.get("hist_gradient_boosting")
    here = children.evaluate(child, child.space.defaults, table, folds=2, seed=0)
    there = evaluator.run(child, child.space.defaults, table, folds=2, seed=0).trial
    assert there.value is not None
    assert there.value > 0.95
    assert there.fold_scores == pytest.approx(here.fold_scores, abs=1e-12)


def test_user_errors_are_raised_and_the_helper_lives_on(evaluator: Evaluator, iris: Table) -> None:
    bad: dict[str, Value] = {"deed": "unheard of"}
    with pytest.raises(SpaceError):
        evaluator.run(hostile.CHILD, bad, iris, folds=2, seed=0)
    with pytest.raises(InputError, match="folds"):
        evaluator.run(hostile.CHILD, {"deed": "behave"}, iris, folds=1, seed=0)
    good = evaluator.run(hostile.CHILD, {"deed": "behave"}, iris, folds=2, seed=0).trial
    assert good.state is State.COMPLETE


@pytest.mark.parametrize(
    "source",
    [
        "hostile",
        *("tests.children.hostile:NOT_A_CHILD", "tests.children.hostile:ABSENT"),
        "no_such_module:X",
    ],
)
def test_a_child_that_another_process_cannot_import_is_a_user_error(
    iris: Table, source: str
) -> None:
    unknown = replace(hostile.CHILD, source=source)
    with Evaluator() as wrong, pytest.raises(InputError, match=source):
        wrong.run(unknown, {"deed": "behave"}, iris, folds=2, seed=0)


def test_labels_of_any_type_cross_the_border(evaluator: Evaluator, iris: Table) -> None:
    labels = iris.y.cat.codes.map({0: (1, 2), 1: (3,), 2: (4, 5)})
    odd = Table(name="odd", X=iris.X, y=labels, kind="classification")
    trial = evaluator.run(hostile.CHILD, {"deed": "behave"}, odd, folds=2, seed=0).trial
    assert trial.value == pytest.approx(1 / 3)


def _with_categories(table: Table) -> Table:
    X = table.X.copy()
    X["group"] = (X.iloc[:, 0] > 5.8).map({True: "high", False: "low"}).where(X.iloc[:, 1] > 2.5)
    X.iloc[3, 2] = None
    return Table(name="mixed", X=X, y=table.y)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="a signal of POSIX")
@pytest.mark.parametrize("within", [None, 100.0])
def test_a_thread_that_gets_a_helper_ready_ends_when_another_closes_it(
    iris: Table, within: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that is closed under its reader says nothing, not even that it has ended."""
    closed = threading.Event()

    class Late(selectors.DefaultSelector):
        """The reader gets no time before the pipe is closed, as on a busy machine."""

        def select(self, timeout: float | None = None) -> Any:
            assert closed.wait(30.0)
            return super().select(timeout)

    with Evaluator() as evaluator:
        evaluator.prepare(iris, children.get("linear"))
        process = evaluator._process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        monkeypatch.setattr(selectors, "DefaultSelector", Late)
        found: list[BaseException] = []

        def get_ready() -> None:
            try:
                evaluator.prepare(iris, children.get("svm"), within=within)
            except BaseException as error:
                found.append(error)

        thread = threading.Thread(target=get_ready)
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        evaluator.close()
        closed.set()
        thread.join(10.0)
        assert not thread.is_alive()
        assert len(found) == 1
        assert evaluator.run(
            children.get("linear"), children.get("linear").space.defaults, iris, folds=3, seed=0
        ).trial.value  # and it may be used again
