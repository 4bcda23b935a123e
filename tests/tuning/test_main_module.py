"""Workers import a program's main module only where they must."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from multiprocessing import spawn
from pathlib import Path
from types import ModuleType
from unittest.mock import Mock

import pytest

from autometa.errors import InputError
from autometa.tuning.workers import main_module

SCRIPT = """
import autometa
from sklearn.datasets import load_iris

print("run", flush=True)
X, y = load_iris(return_X_y=True)
found = autometa.tune(
    X, y, families="linear", n_trials=2, portfolio=None, workers=2, folds=2, storage="journal:///s.log"
)
print(len(found.warm))
"""


def a_metric(y: object, said: object) -> float:
    return 1.0


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("__main__")
    module.__file__ = "/somewhere/program.py"
    monkeypatch.setitem(sys.modules, "__main__", module)
    return module


def test_what_is_defined_elsewhere_needs_no_main_module(main: ModuleType) -> None:
    assert not main_module.is_needed((a_metric, [1, 2]))
    assert "init_main_from_path" in spawn.get_preparation_data("p")
    with main_module.hidden():
        assert not {"init_main_from_path", "init_main_from_name"} & set(
            spawn.get_preparation_data("p")
        )
    assert sys.modules["__main__"] is main


def test_a_metric_of_the_program_needs_it(
    main: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = type("Mine", (), {"__module__": "__main__"})
    main.Mine = mine  # type: ignore[attr-defined]
    assert main_module.is_needed((mine(), 1))
    main.__file__ = None
    with pytest.raises(InputError, match="notebook"):
        main_module.is_needed(mine())
    assert not main_module.is_needed(1)
    assert not main_module.is_needed(["__main__"])  # a cell of a table may say so


def test_what_cannot_be_sent_is_refused() -> None:
    with pytest.raises(InputError, match="no lambda"):
        main_module.is_needed(lambda y, said: 1.0)


def test_a_worker_that_imports_the_script_is_told_of_the_guard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = Mock()
    worker.name = f"{main_module.NAME}-1"
    monkeypatch.setattr(multiprocessing, "current_process", lambda: worker)
    with pytest.raises(InputError, match="__main__"):
        main_module.is_needed(1)


@pytest.mark.slow
def test_a_script_without_a_guard_runs_once(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.stdout.split() == ["run", "2"], done.stderr
    assert "Traceback" not in done.stderr
