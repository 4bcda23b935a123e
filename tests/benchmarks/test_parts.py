"""A journal in parts: packed as it grows, whole again, and never mixed with another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autometa.errors import InputError, StoreError
from autometa_benchmarks.parts import INDEX, main, pack, unpack


def _lines(first: int, last: int) -> str:
    return "".join(json.dumps({"kind": "trial", "n": n}) + "\n" for n in range(first, last))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "collection"
    place.mkdir()
    (place / "journal.jsonl").write_text(_lines(0, 50))
    (place / "derived.json").write_text("[]\n")
    return place


def test_a_growing_journal_is_packed_in_parts_and_whole_again(folder: Path, tmp_path: Path) -> None:
    journal, parts = folder / "journal.jsonl", tmp_path / "parts"
    first = pack(folder, parts)
    assert first is not None
    assert pack(folder, parts) is None
    whole = _lines(0, 80)
    journal.write_text(whole + '{"kind": "tri')  # torn
    second = pack(folder, parts)
    assert second is not None
    assert [first.name, second.name] == ["part-0001.jsonl.xz", "part-0002.jsonl.xz"]
    assert unpack(parts, tmp_path / "again") == 80
    assert (tmp_path / "again" / "journal.jsonl").read_text() == whole
    assert (tmp_path / "again" / "derived.json").read_text() == "[]\n"
    assert pack(tmp_path / "again", parts) is None


def test_another_journal_is_not_packed_behind_the_first(folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "parts")
    for other in (_lines(1, 60), _lines(0, 49)):
        (folder / "journal.jsonl").write_text(other)
        with pytest.raises(InputError, match=r"does not begin with part-0001\.jsonl\.xz"):
            pack(folder, tmp_path / "parts")


def test_damage_is_named_and_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    parts, into = tmp_path / "parts", tmp_path / "into"
    part = pack(folder, parts)
    assert part is not None
    content = part.read_bytes()
    for damaged in (content[:-9], b"", b"no archive"):
        part.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"part-0001"):
            unpack(parts, into)
    part.unlink()
    with pytest.raises(StoreError, match=r"part-0001\.jsonl\.xz is missing"):
        unpack(parts, into)
    (parts / INDEX).write_text('[{"name": 1}]')
    with pytest.raises(StoreError, match="damaged"):
        unpack(parts, into)
    assert not into.exists()


def test_the_command_says_what_it_did(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pack", str(folder), str(tmp_path / "parts")]) == 0
    assert main(["pack", str(folder), str(tmp_path / "parts")]) == 0
    assert main(["unpack", str(tmp_path / "parts"), str(tmp_path / "again")]) == 0
    assert capsys.readouterr().out.split("\n")[:3] == [
        "part-0001.jsonl.xz",
        "nothing new",
        "50 lines",
    ]
    for wrong in (["unpack", str(tmp_path), str(tmp_path / "x")], ["pack", str(tmp_path), "x"]):
        assert main(wrong) == 2
    assert main(["unpack", str(tmp_path / "parts"), str(folder)]) == 2
