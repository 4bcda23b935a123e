from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.distributions import FloatDistribution

from autometa.bench import show
from autometa.errors import StoreError
from autometa.meta import MetaModel
from autometa.report import write_report
from autometa.space import SearchSpace
from autometa.writing import write_whole
from tests.results import result


def _model(path: Path) -> None:
    space = SearchSpace({"x": FloatDistribution(0.0, 1.0)})
    MetaModel(space=space, tasks=(), meta_features=(), transfer=None).save(path)


WRITERS: dict[str, Callable[[Path], object]] = {
    "report": lambda path: write_report(result(), path),
    "model": _model,
    "results": lambda path: show.save({}, path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_device_is_never_replaced(name: str, tmp_path: Path) -> None:
    """As root, `--report /dev/null` would have put a file in its place."""
    path = tmp_path / "device"
    os.mkfifo(path)
    with pytest.raises(StoreError, match="no ordinary file"):
        WRITERS[name](path)
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
@pytest.mark.parametrize("content", [b"new", "new"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    broken: str, content: bytes | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"autometa.writing.os.{broken}", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, content)
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    write_whole(path, content)
    assert path.read_bytes() == b"new"
