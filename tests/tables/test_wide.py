"""Tables of thousands of columns: what is done for each column, and what once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from autometa.tables import Table, leaks


def test_a_table_is_described_once_for_all_families(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    module = sys.modules["autometa.tables.fingerprint"]
    described: list[Table] = []

    def counted(table: Table) -> dict[str, Any]:
        described.append(table)
        return {"rows": len(table), "columns": []}

    monkeypatch.setattr(module, "fingerprint", counted)
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0]})
    first, second = (Table(name="t", X=frame, y=pd.Series(list("abab"))) for _ in range(2))
    for table in (first, first, second, first):
        assert module.relatives(table, []) == []
    assert [id(t) for t in described] == [id(first), id(second)]


def test_a_copy_is_told_by_its_cells_and_most_columns_by_the_first_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    y = pd.Series([1, 2, 1, 2] * 30)
    assert leaks.is_copy(y.astype(float), y)
    assert leaks.is_copy(y.astype(str), y)
    assert leaks.is_copy(y.astype("category"), y)
    assert not leaks.is_copy(y.where(y.index != 119, 9), y)
    assert not leaks.is_copy(y.astype(float).where(y.index > 0, np.nan), y)
    assert not leaks.is_copy(pd.Series([], dtype=float), pd.Series([], dtype=float))
    assert leaks.is_copy(pd.Series([True, False] * 60), pd.Series(["True", "False"] * 60))
    monkeypatch.setattr(leaks, "_alike", lambda *columns: pytest.fail("all cells were read"))
    assert not leaks.is_copy(y + 1, y)
    assert not leaks.is_copy(pd.Series(np.linspace(0.1, 1.0, 120)), pd.Series(["a", "b"] * 60))
