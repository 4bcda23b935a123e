"""One prior file: what it says of itself, what is refused in it, and what differs between two."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from autometa.cli import main
from autometa.errors import StoreError
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.inspect.description import describe, differences
from autometa.portfolio import Portfolio
from autometa.testing.families import Bowls


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("models")
    paths = []
    for name, tasks, licence in (("one", 3, "MIT"), ("two", 4, "CC-BY-4.0")):
        known = Bowls().portfolio(tasks, 12)
        portfolio = Portfolio(
            known.histories, licence=licence, provenance={"imported": name, "studies": [{"s": 1}]}
        )
        paths.append(folder / f"{name}.autometa")
        MetaLearner(seed=0, steps=20).fit(portfolio).save(paths[-1])
    return paths[0], paths[1]


def test_a_file_says_where_it_comes_from(files: tuple[Path, Path]) -> None:
    found = describe(files[0])
    assert json.loads(json.dumps(found)) == found
    assert found["licence"] == "MIT"
    assert found["provenance"]["sources"] == [{"imported": "one"}]
    assert (found["provenance"]["tasks"], found["provenance"]["trials"]) == (3, 36)
    assert len(found["tasks"]) == len(found["start"]) == 3
    assert found["bytes"] < 2**20
    assert found["curves"] is None


def test_differences_are_named(files: tuple[Path, Path]) -> None:
    assert differences(files[0], files[0]) == {}
    found = differences(*files)
    assert found["licence"] == ["MIT", "CC-BY-4.0"]
    assert len(found["tasks_added"]) == 1
    assert "tasks_removed" not in found
    assert "prior.mean" in found["tensors"]
    assert "space" not in found


@pytest.mark.parametrize("extra", ["../evil", "/tmp/evil", "more.json"])
def test_a_third_member_is_refused(files: tuple[Path, Path], extra: str, tmp_path: Path) -> None:
    path = tmp_path / "m.autometa"
    path.write_bytes(files[0].read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(extra, "x")
    with pytest.raises(StoreError, match="something else"):
        MetaModel.load(path)


@pytest.mark.parametrize("header", [b"[" * 100_000, b"\xff", b"[]", b'{"schema": 99}', b"{}"])
def test_headers_of_something_else_are_refused(header: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.autometa"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.json", header)
        archive.writestr("model.safetensors", b"")
    with pytest.raises(StoreError):
        MetaModel.load(path)


def test_a_bomb_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "m.autometa"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", b" " * 50_000_000)
        archive.writestr("model.safetensors", b"")
    with pytest.raises(StoreError, match="compressed"):
        MetaModel.load(path)


@pytest.mark.parametrize(("schema", "advice"), [(1, "Fit it again"), (99, "Update autometa")])
def test_models_of_another_schema_are_refused_with_advice(
    schema: int, advice: str, files: tuple[Path, Path], tmp_path: Path
) -> None:
    path = tmp_path / "old.autometa"
    with zipfile.ZipFile(files[0]) as new, zipfile.ZipFile(path, "w") as old:
        header = json.loads(new.read("model.json"))
        old.writestr("model.json", json.dumps({**header, "schema": schema}))
        old.writestr("model.safetensors", new.read("model.safetensors"))
    with pytest.raises(StoreError, match=advice):
        MetaModel.load(path)


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["model", *(str(w) for w in words)])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_the_commands(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "inspect", files[0], "-f", "json")
    assert (code, json.loads(out)["licence"]) == (0, "MIT")
    code, out, _ = run(capsys, "inspect", files[0])
    assert code == 0
    assert "prior.mean" in out
    code, out, _ = run(capsys, "diff", *files)
    assert code == 0
    assert "CC-BY-4.0" in out
    code, out, err = run(capsys, "diff", files[0], "nothing")
    assert (code, out) == (2, "")
    assert "there is no model" in err
