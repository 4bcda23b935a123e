"""The commit of a result: that of the checkout the code runs from, never one that it lies in."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from autometa.bench import provenance


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    provenance.commit.cache_clear()
    yield
    provenance.commit.cache_clear()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the files of both packages, one commit; what runs lies in it."""
    for name in ("autometa/bench/provenance.py", "benchmarks/autometa_benchmarks/a.py", "notes.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "one")
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "autometa/bench/provenance.py"))
    return tmp_path


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_clean_checkout_has_its_commit(checkout: Path) -> None:
    assert provenance.commit() == git(checkout, "rev-parse", "--short=12", "HEAD")


@pytest.mark.parametrize(
    ("file", "differs"),
    [
        ("autometa/bench/provenance.py", True),
        ("benchmarks/autometa_benchmarks/a.py", True),
        ("notes.md", False),
    ],
)
def test_changed_code_is_marked(checkout: Path, file: str, differs: bool) -> None:
    (checkout / file).write_text("2\n")
    assert provenance.commit().endswith("+") is differs


def test_a_wheel_in_another_repository_has_no_commit(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = checkout / "venv" / "autometa" / "bench" / "provenance.py"
    installed.parent.mkdir(parents=True)
    installed.write_text("1\n")
    monkeypatch.setattr(provenance, "__file__", str(installed))
    assert provenance.commit() == "unknown"
