"""Rows to predict whose numbers are written otherwise than the table's."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from autometa.tables.rereading import written_otherwise

COMMA: dict[str, Any] = {"decimal": ",", "thousands": "", "units": [""]}
POINT: dict[str, Any] = {"decimal": ".", "thousands": "", "units": [""]}


def reread(numbers: Any = None, read: Any = None, **columns: Any) -> tuple[dict[str, Any], str]:
    given = pd.DataFrame(columns)
    then = given.assign(**(read or {}))
    found, said = written_otherwise(given, then, list(columns), numbers or {})
    return {name: values.tolist() for name, values in found.items()}, " ".join(said)


@pytest.mark.parametrize(
    ("cells", "wanted", "way"),
    [
        (["0,5", "1,25"], [0.5, 1.25], "a decimal comma,"),
        (["1,234.5", "2.5"], [1234.5, 2.5], "a decimal point and ',' between thousands,"),
        (["1.234,5", "2,5"], [1234.5, 2.5], "a decimal comma and '.' between thousands,"),
        (["1 234.5", "2.5"], [1234.5, 2.5], "a decimal point and ' ' between thousands,"),
    ],
)
def test_what_the_table_wrote_plainly_is_read_as_the_rows_write_it(
    cells: list[str], wanted: list[float], way: str
) -> None:
    found, said = reread(a=cells)
    assert found == {"a": wanted}
    assert said == f"read as numbers with {way} unlike the table's: 'a'"
    assert reread(a=pd.Categorical(cells))[0] == {"a": wanted}


def test_other_columns_of_the_rows_say_what_a_point_means() -> None:
    assert reread(a=["0,5", "1,25"], b=["1.234", "2.500"])[0]["b"] == [1234.0, 2500.0]
    assert reread(b=["1.234", "2.500"]) == ({}, "")  # as the table: fractions
    read = {"a": [float("nan")] * 2}
    assert reread({"a": COMMA}, read, a=["0.5", "1.25"])[0] == {"a": [0.5, 1.25]}


def test_what_the_table_s_way_reads_is_left_alone_and_nothing_is_said() -> None:
    assert reread(a=["0.5", "1.25"]) == ({}, "")
    assert reread(a=["0,5", "1,25"], b=["1", "2"])[0].keys() == {"a"}
    assert reread({"a": COMMA}, {"a": [1234.0]}, a=["1.234"], b=[0.5]) == ({}, "")
    assert reread({"a": POINT}, {"a": [0.5, 2.0]}, a=["0.5", "2"]) == ({}, "")


def test_what_may_mean_two_things_or_has_another_unit_is_not_guessed() -> None:
    assert reread(a=["1,234", "2,500"]) == ({}, "")
    assert reread(a=["1,5 %", "2,5 %"]) == ({}, "")
    assert reread(a=["much", "little"]) == ({}, "")
    assert reread(a=["007", "008"]) == ({}, "")
