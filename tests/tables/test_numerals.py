from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autometa.tables.numerals import Notation, Numerals, decide, is_mark, numerals, read_numbers

NUMBERS = [0.5, 12.0, 1234.56, -98765.4, 1234567.25, 3.0, 250.75] * 3


def german(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


WAYS: dict[str, Any] = {
    "decimal point": lambda v: f"{v:.2f}",
    "decimal comma": lambda v: f"{v:.2f}".replace(".", ","),
    "English thousands": lambda v: f"{v:,.2f}",
    "German thousands": german,
    "French thousands": lambda v: f"{v:,.2f}".replace(",", "\u202f").replace(".", ","),
    "Swiss thousands": lambda v: f"{v:,.2f}".replace(",", "\u2019"),
    "underscores": lambda v: f"{v:_.2f}",
    "dollars": lambda v: f"${v:,.2f}".replace("$-", "-$"),
    "euros": lambda v: f"{german(v)} €",
    "a currency's code": lambda v: f"CHF {v:.2f}",
    "per cent": lambda v: f"{v:.2f} %",
    "per cent, comma": lambda v: f"{v:.2f}%".replace(".", ","),
    "brackets for minus": lambda v: f"({-v:,.2f})" if v < 0 else f"{v:,.2f}",
    "a real minus": lambda v: f"{v:.2f}".replace("-", "\u2212"),
    "powers": lambda v: f"{v:.8e}",
    "kilograms": lambda v: f"{v:.2f} kg",
    "blanks around": lambda v: f"  {v:.2f}\xa0",
}


@pytest.mark.parametrize("way", list(WAYS))
def test_numbers_are_read_in_any_way_of_writing(way: str) -> None:
    texts = pd.Series([*map(WAYS[way], NUMBERS), None, "n/a"], dtype=object)
    found = numerals(texts)
    assert found.share == 1
    notation = decide(found, None, "")
    assert notation is not None
    read = read_numbers(texts, notation, found.units)
    assert read[:-2] == pytest.approx(NUMBERS, abs=0.006)
    assert np.isnan(read[-2:]).all()


@given(
    st.lists(st.decimals(-(10**9), 10**9, places=2, allow_nan=False), min_size=1, max_size=20),
    st.sampled_from(["decimal point", "English thousands", "German thousands", "Swiss thousands"]),
)
def test_what_is_written_is_read(values: list[Any], way: str) -> None:
    """Two decimals leave no doubt, whatever the numbers."""
    texts = pd.Series([WAYS[way](v) for v in values], dtype=object)
    found = numerals(texts)
    notation = decide(found, None, "")
    assert notation is not None
    assert read_numbers(texts, notation, found.units).tolist() == [float(v) for v in values]


@pytest.mark.parametrize(
    "texts",
    [
        ["a", "b", "c"],
        ["2 of 3", "1 of 3"],
        ["01234", "98765", "10001"],  # a code: its zero would be lost
        ["192.168.0.1", "10.0.0.255"],
        ["555 12 34", "555 98 76"],
        ["1.2.3", "1.10.0"],
        ["12:30", "08:15"],
        ["12A", "7B", "33"],
        ["C85", "C123", "E46"],
        ["True", "False"],
        ["?", "-", "n/a"],
        [None, None],
        ["inf", "1.5", "nan"],
    ],
)
def test_what_is_no_number_stays_text(texts: list[Any]) -> None:
    found = numerals(pd.Series(texts * 3, dtype=object))
    assert found.notations == ()
    assert found.why_not == ""


@pytest.mark.parametrize("mark", ["?", "-", "n/a", "NA", "missing", "#N/A", " ", "NULL", "."])
def test_one_mark_among_numbers_is_a_missing_value(mark: str) -> None:
    texts = pd.Series([*(f"{v / 7:.3f}" for v in range(400)), mark])
    found = numerals(texts)
    assert found.notations == (Notation("."),)
    assert np.isnan(read_numbers(texts, found.notations[0], found.units)).tolist() == (
        [False] * 400 + [True]
    )


def test_marks_may_be_many_but_words_only_few() -> None:
    numbers = [f"{v / 7:.3f}" for v in range(100)]
    assert numerals(pd.Series(numbers + ["?"] * 300)).notations
    assert numerals(pd.Series(numbers + ["low"] * 5)).notations
    few = numerals(pd.Series(numbers + ["low"] * 6))
    assert few.notations == ()
    assert few.share == pytest.approx(100 / 106)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["1,5", "2.5", "3,7", "4.1"], "commas as well as points"),
        (["$5", "€7", "$3", "€2"], "'$' and '€'"),
        (["5%", "0.07", "3%", "0.02"], "'%' and no unit"),
    ],
)
def test_numbers_of_two_makes_are_not_read(texts: list[str], words: str) -> None:
    found = numerals(pd.Series(texts * 5))
    assert words in found.why_not or words in " and ".join(
        reversed(found.why_not.removeprefix("in ").split(" and "))
    )
    assert found.notations == ()


# Two readings -------------------------------------------------------------------------------------

DOUBT = ["1,234", "12,345", "999,001"]


def decided(texts: list[str], decimal: Any = None, separator: str = "") -> Notation | None:
    return decide(numerals(pd.Series(texts)), decimal, separator)


def test_a_comma_before_three_digits_is_decided_by_what_else_there_is() -> None:
    thousands, comma = Notation(".", ","), Notation(",")
    assert decided(DOUBT) is None
    assert decided([*DOUBT, "1,234,567"]) == thousands
    assert decided([*DOUBT, "950"]) == thousands
    assert decided([*DOUBT, "1,234.5"]) == thousands
    assert decided([*DOUBT, "0,125"]) == comma
    assert decided([*DOUBT, "1,5"]) == comma
    assert decided([*DOUBT, "1500"]) is None
    assert decided(DOUBT, decimal=".") == thousands
    assert decided(DOUBT, decimal=",") == comma
    assert decided(DOUBT, separator=",") == thousands
    assert decided(DOUBT, separator=";") is None


def test_a_point_before_three_digits_is_a_decimal_point_unless_the_table_has_commas() -> None:
    texts = ["1.234", "12.345", "?"]
    assert decided(texts) == Notation(".")
    assert decided(texts, decimal=",") == Notation(",", ".")
    assert decided([*texts, "1.234.567"]) == Notation(",", ".")


def test_lakhs() -> None:
    assert decided(["12,34,567", "1,00,000", "5"]) == Notation(".", ",")


def test_a_blank_between_thousands_leaves_no_doubt() -> None:
    assert Notation(".", " ") == decided(["1 234", "56", "12 345 678"])
    assert math.isclose(Notation(",", " ").value("1 234,5") or 0, 1234.5)


def test_marks() -> None:
    assert all(map(is_mark, ["?", " N/A ", "None", "\u2014", ""]))
    assert not any(map(is_mark, ["no", "0", "low"]))
    assert Numerals(share=0.0).notations == ()


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["$1.2M", "$300K", "-$5k", "($2bn)", "$10"], [1.2e6, 3e5, -5e3, -2e9, 10]),
        (["€110.5M", "€600K", "€2.5B"], [110.5e6, 6e5, 2.5e9]),
        (["£1.2m", "£3b", "£4mn"], [1.2e6, 3e9, 4e6]),
        (["1.2K", "335", "3.4M"], [1200, 335, 3.4e6]),
        (["1,5k", "335", "12k"], [1500, 335, 12_000]),
        (["$5M", "$7.5M"], [5e6, 7.5e6]),
    ],
)
def test_letters_for_thousands_and_millions_count(texts: list[str], values: list[float]) -> None:
    column = pd.Series([*texts * 5, "n/a"], dtype=object)
    found = numerals(column)
    notation = decide(found, None, "")
    assert notation is not None
    assert read_numbers(column, notation, found.units)[:-1] == pytest.approx(values * 5)
    later = read_numbers(pd.Series(["4"]), notation, found.units)  # a row to predict, alone
    assert later.tolist() == [4.0]


@pytest.mark.parametrize(
    "texts",
    [
        ["38", "38M", "40M", "42"],  # sizes of clothes
        ["12B", "12M", "14"],  # houses
        ["$1M", "€2M"],  # what is a euro?
        ["1.2K", "5 kg", "3"],
        ["3 kg", "2 mg", "1 g"],
        ["$3x", "$4"],
    ],
)
def test_letters_that_may_mean_something_else_are_not_read(texts: list[str]) -> None:
    found = numerals(pd.Series(texts * 5, dtype=object))
    assert decide(found, None, "") is None


def test_kelvins_of_which_one_lacks_its_unit_are_no_thousands() -> None:
    column = pd.Series([*(f"{300 + n} K" for n in range(39)), "290"], dtype=object)
    found = numerals(column)
    assert found.units == ("K",)
    assert read_numbers(column, Notation("."), found.units)[0] == 300.0
