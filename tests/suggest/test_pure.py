"""The engine and its tests make no study: of Optuna they import distributions only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import autometa.suggest

ENGINE = Path(autometa.suggest.__file__).parent
FILES = sorted([*ENGINE.rglob("*.py"), *Path(__file__).parent.rglob("*.py")])
FORBIDDEN = ("autometa.samplers", "autometa.storages", "autometa.portfolio.importers")


def imported(source: str) -> Iterator[str]:
    """Names of the modules that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def impure(source: str) -> list[str]:
    return [
        name
        for name in imported(source)
        if (name.split(".")[0] == "optuna" and not name.startswith("optuna.distributions."))
        or name.startswith(FORBIDDEN)
        or name.split(".")[0] in ("time", "datetime", "random")
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.parent.name}/{p.name}")
def test_no_study_no_storage_no_clock(path: Path) -> None:
    assert impure(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "import optuna",
        "from optuna.trial import FrozenTrial",
        "def f():\n    from optuna.storages import RDBStorage",
        "from autometa.storages import attributes",
        "import time",
        "import optuna.study as s",
    ],
)
def test_the_check_finds_what_it_is_for(line: str) -> None:
    assert impure(line)
