"""Every mistake of the table is found by the tests that it names; run by hand with -m slow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutants.table import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("autometa", "benchmarks/autometa_benchmarks", "tests", "pyproject.toml", "README.md")


def test_no_two_have_one_name() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_line_is_there_once(mutant: Mutant) -> None:
    """So that the table cannot fall behind the code: what is not there cannot be mistaken."""
    assert mutant.old != mutant.new
    assert (ROOT / mutant.path).read_text(encoding="utf-8").count(mutant.old) == 1
    for path in mutant.tests:
        if path.startswith("tests/"):
            assert (ROOT / path).exists()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of what the tests need, in which mistakes can be made."""
    place = tmp_path_factory.mktemp("mutants")
    for name in COPIED:
        source, target = ROOT / name, place / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    yield place
    shutil.rmtree(place)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_test_finds_it(mutant: Mutant, checkout: Path) -> None:
    path = checkout / mutant.path
    whole = path.read_text(encoding="utf-8")
    try:
        path.write_text(whole.replace(mutant.old, mutant.new), encoding="utf-8")
        found = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", *mutant.tests],
            cwd=checkout,
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join(map(str, (checkout, checkout / "benchmarks")))},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        path.write_text(whole, encoding="utf-8")
    assert found.returncode == 1, found.stdout[-2000:] + found.stderr[-2000:]
    assert "failed" in found.stdout.splitlines()[-1]
