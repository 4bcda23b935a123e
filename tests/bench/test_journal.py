from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autometa.bench import journal
from autometa.bench.journal import Cell
from autometa.errors import StoreError

CELL = Cell(
    method="random",
    task="t",
    seed=0,
    evaluations=None,
    direction="maximize",
    values=(0.1, None, 0.123456789123),
    milliseconds=(1.0, 2.0, 3.0),
    best=1.0,
    middle=0.5,
)


def test_cells_come_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "s.jsonl"
    journal.append(path, [CELL, replace(CELL, seed=1)])
    cells = journal.read(path)
    assert [k.seed for k in cells] == [0, 1]
    assert cells[CELL.key] == replace(CELL, values=(0.1, None, 0.12345679))


def test_the_latest_cell_of_a_key_counts(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    journal.append(path, [CELL])
    journal.append(path, [replace(CELL, note="again")])
    assert [c.note for c in journal.read(path).values()] == ["again"]


def test_half_a_line_is_skipped_and_the_next_cell_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    journal.append(path, [CELL])
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])  # as kill -9 leaves it
    journal.append(path, [replace(CELL, seed=1)])
    assert [k.seed for k in journal.read(path)] == [0, 1]


def test_no_journal_is_no_cells(tmp_path: Path) -> None:
    assert journal.read(tmp_path / "absent.jsonl") == {}


def test_an_unreadable_journal_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        journal.read(tmp_path)
