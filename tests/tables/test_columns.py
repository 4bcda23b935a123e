"""Identifiers, dates and columns that give the target away, and what is done with them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autometa.errors import InputError
from autometa.tables import Table
from autometa.tables.columns import Reading, decimal_mark, read_columns
from autometa.tables.dates import date_formats, read_dates
from autometa.tables.identifiers import named_as_key, why_identifier
from autometa.tables.leaks import why_leak
from autometa.tables.rereading import written_otherwise

N = 60
RNG = np.random.default_rng(0)


def base() -> pd.DataFrame:
    return pd.DataFrame({"a": RNG.normal(size=N), "b": RNG.choice(["u", "v"], N)})


X, Y = base(), pd.Series(RNG.choice(["no", "yes"], N), name="answer")


def table(**columns: Any) -> Table:
    return Table(name="t", X=X.assign(**columns), y=Y)


# Identifiers --------------------------------------------------------------------------------------

IDENTIFIERS: dict[str, Any] = {
    "Unnamed: 0": np.arange(N),
    "rownames": np.arange(1, N + 1),
    "x": np.arange(N).astype(float),
    "shuffled": RNG.permutation(N),
    "from_one": RNG.permutation(N) + 1,
    "PassengerId": RNG.choice(10**6, N, replace=False),
    "customer_id": RNG.choice(10**6, N, replace=False),
    "growing": np.cumsum(RNG.integers(1, 9, N)),
    "falling": -np.cumsum(RNG.integers(1, 9, N)),
    "serial": 1001 + np.arange(N),
    "name": [f"{chr(97 + i % 26)}. {i * 7919 % 1000}" for i in range(N)],
    "token": [str(uuid.UUID(int=int(i) << 90)) for i in RNG.integers(0, 50, N)],
    "": np.arange(N),
    "nullable": pd.array(np.arange(N), dtype="Int64"),
    "text": [str(i) for i in range(N)],
}

FEATURES: dict[str, Any] = {
    "year": 1950 + np.arange(N),
    "timestamp": np.cumsum(RNG.integers(1, 9, N)),
    "count": RNG.integers(0, 9, N),
    "size": RNG.choice(10**6, N, replace=False),
    "steps": np.sort(RNG.integers(0, 30, N)),
    "fine": np.arange(N) / 7,
    "rank": RNG.permutation(N),
    "town": RNG.choice(["p", "q", "r"], N),
    "group_id": RNG.integers(0, 9, N),
    "day": pd.date_range("2020-01-01", periods=N),
    "kind": pd.Categorical(np.arange(N)),
    "flag": RNG.random(N) < 0.5,
}


@pytest.mark.parametrize("name", list(IDENTIFIERS))
def test_what_tells_rows_apart_is_left_out_and_named(name: str) -> None:
    found = table(**{name: IDENTIFIERS[name]})
    assert list(found.X.columns) == ["a", "b"]
    assert found.reading is not None
    assert list(found.reading.dropped) == [name]
    assert any(f"left out: {name!r}" in w for w in found.info["warnings"])
    kept = Table(name="t", X=X.assign(**{name: IDENTIFIERS[name]}), y=Y, keep=[name])
    assert name in kept.X.columns


@pytest.mark.parametrize("name", list(FEATURES))
def test_what_is_a_feature_stays(name: str) -> None:
    found = table(**{name: FEATURES[name]})
    assert name in found.X.columns
    assert not any("left out" in w for w in found.notes)


def test_few_rows_and_the_last_column_say_nothing() -> None:
    few = Table(
        name="t",
        X=pd.DataFrame({"a": [0.5] * 19, "i": range(19)}),
        y=pd.Series(list("ab" * 9 + "a")),
    )
    assert "i" in few.X.columns
    only = Table(name="t", X=pd.DataFrame({"i": range(N)}), y=Y)
    assert list(only.X.columns) == ["i"]
    holes = pd.Series([*range(N - 1), None], name="x")
    assert why_identifier(holes) == ""


def test_names_of_keys() -> None:
    assert all(map(named_as_key, ["id", "ID", "user_id", "UserId", "row.names", "index", "uuid"]))
    assert not any(map(named_as_key, ["width", "acid", "idea", "grid", "paid", "indexed", "age"]))


# Dates --------------------------------------------------------------------------------------------

DAYS = pd.Series(pd.date_range("2019-12-25", periods=N, freq="37D"))


@pytest.mark.parametrize(
    "form",
    [
        *("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%SZ", "%d.%m.%Y"),
        *("%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%m/%d/%y %H:%M", "%d-%b-%Y"),
        *("%d.%m.%Y %H:%M:%S", "%B %d, %Y", "%m/%d/%Y %I:%M %p", "%d/%m/%y", "%Y.%m.%d"),
    ],
)
def test_dates_become_days_since_1970(form: str) -> None:
    texts = DAYS.dt.strftime(form)
    found = table(day=texts.where(texts.index != 3, None))
    assert "day" in found.schema.numeric
    assert found.X["day"].diff()[1] == 37.0
    assert found.X["day"].isna().tolist() == [i == 3 for i in range(N)]
    assert any("read as dates" in note and "'day'" in note for note in found.notes)


def test_days_and_months_that_may_be_swapped_are_named() -> None:
    texts = [f"{1 + i % 12:02}/{1 + i % 3:02}/2020" for i in range(N)]
    assert date_formats(pd.Series(texts)) == ["%d/%m/%Y", "%m/%d/%Y"]
    found = table(day=texts)
    assert "day" in found.schema.categorical
    assert any("'day'" in w and "two dates" in w for w in found.info["warnings"])


@pytest.mark.parametrize("form", ["%H:%M", "%H:%M:%S", "%I:%M %p"])
def test_times_of_day_become_parts_of_a_day(form: str) -> None:
    texts = pd.Series(pd.date_range("2020-01-01", periods=N, freq="21min")).dt.strftime(form)
    found = table(clock=texts)
    assert "clock" in found.schema.numeric
    np.testing.assert_allclose(found.X["clock"], (np.arange(N) * 21 / 1440) % 1.0, atol=1e-9)
    assert any("times of day" in note and "'clock'" in note for note in found.notes)


def test_a_month_written_one_way_is_read_once() -> None:
    assert date_formats(pd.Series(["1 May 2020", "2 May 2021"])) == ["%d %b %Y"]


def test_what_is_no_date() -> None:
    for texts in (["2020-13-45"] * 3, ["1.2.3", "4.5.6"], ["25:30"], ["36:15:00"], ["?"], ["2020"]):
        assert date_formats(pd.Series(texts)) == []
    assert read_dates(pd.Series(["2020-01-01", "soon"]), "ISO8601").isna().tolist() == [False, True]


# The target given away ----------------------------------------------------------------------------

CLASSES = np.asarray(Y == "yes", dtype=np.int64)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pd.Series(np.where(CLASSES, 7, 3)), "one value of it for each"),
        (pd.Series(np.where(CLASSES, "p", "q"), dtype="category"), "one value of it for each"),
        (pd.Series(2 * CLASSES + RNG.integers(0, 2, N)), "one value of the target only"),
        (pd.Series(CLASSES + RNG.random(N) / 2), "one after another"),
        (pd.Series(-5.0 * CLASSES - RNG.random(N)), "one after another"),
        (pd.Series(RNG.normal(size=N)), ""),
        (pd.Series([str(i) for i in range(N)], dtype="category"), ""),
        (pd.Series(CLASSES).where(np.arange(N) != 5, 1 - CLASSES), ""),
    ],
)
def test_a_column_that_gives_the_classes_away(column: pd.Series[Any], words: str) -> None:
    why = why_leak(column, CLASSES, classes=True)
    assert words in why
    assert bool(words) == bool(why)


def test_a_column_that_gives_a_number_away() -> None:
    y = np.round(RNG.normal(size=N), 1)
    for leak in (y * 3 + 1, np.exp(-y), np.round(y, 1).astype(np.float32)):
        assert why_leak(pd.Series(leak), y, classes=False)
    assert why_leak(pd.Series(y + RNG.normal(size=N) * 0.01), y, classes=False) == ""
    grades = pd.Series(np.where(y > 0, "high", "low"), dtype="category")
    assert why_leak(grades, np.sign(np.where(y > 0, 1.0, -1.0)), classes=False)
    assert why_leak(grades, y, classes=False) == ""


def test_a_copy_is_left_out_and_a_twin_is_warned_of() -> None:
    found = table(copy=Y, twin=np.where(Y == "yes", 1, 0), also=Y.astype("category"))
    assert list(found.X.columns) == ["a", "b", "twin"]
    warned = " ".join(found.info["warnings"])
    assert "'copy', 'also', cell for cell the target" in warned
    assert "'twin' gives the target away" in warned
    assert "copy" in Table(name="t", X=X.assign(copy=Y), y=Y, keep=("copy",)).X.columns
    numbers = pd.Series(RNG.normal(size=N))
    copied = Table(name="t", X=X.assign(copy=numbers.astype(str)), y=numbers)
    assert "copy" not in copied.X.columns


# Text that is numbers -----------------------------------------------------------------------------


def written(values: Any, decimal: str = ",") -> list[str]:
    return [f"{v:.2f}".replace(".", decimal) for v in values]


def test_text_columns_are_read_named_and_read_again() -> None:
    prices = RNG.normal(100, 30, N)
    frame = X.assign(price=written(prices), day=DAYS.dt.strftime("%Y-%m-%d"), i=range(N))
    found = Table(name="t", X=frame, y=Y)
    assert found.schema.numeric == ("a", "price", "day")
    assert np.allclose(found.X["price"], prices, atol=0.006)
    assert any("decimal comma" in note and "'price'" in note for note in found.notes)
    assert found.reading is not None
    again = found.reading.apply(frame)
    assert np.allclose(again["price"], found.X["price"])
    assert found.reading.apply(found.X).equals(found.X)  # what is read stays
    assert found.subsample(20, np.random.default_rng(0)).reading == found.reading
    assert replace(found, name="other").notes == found.notes


def test_what_is_not_read_is_named() -> None:
    half = [str(i) if i % 3 else f"ticket {i}" for i in range(N)]
    strange = [*map(str, RNG.normal(size=N - 1)), "much"]
    holes = [*map(str, RNG.normal(size=N - 2)), "?", "?"]
    found = table(half=[half[i // 2] for i in range(N)], strange=strange, holes=holes)
    notes = " ".join(found.notes)
    assert "'half' is read as categories: only" in notes
    assert "1 cells of column 'strange' are no numbers and taken as missing: 'much'" in notes
    assert "2 cells of column 'holes' are taken as missing: '?'" in notes


def test_numbers_that_may_mean_two_things_are_refused_by_name() -> None:
    doubt = [f"{v:,}" for v in RNG.integers(1000, 99999, N)]
    with pytest.raises(InputError, match=r"'price' of table 't'.*may be 1234 or"):
        table(price=doubt, a=np.arange(N) % 7)
    assert table(price=doubt).X["price"].min() >= 1000  # column a has a decimal point
    comma = table(price=doubt, size=written(RNG.normal(size=N)))
    assert comma.X["price"].max() < 100
    mixed = [*written(RNG.normal(size=N // 2)), *written(RNG.normal(size=N // 2), ".")]
    with pytest.raises(InputError, match=r"'price'.*commas as well as points"):
        table(price=mixed)


def test_categories_and_numbers_are_left_alone() -> None:
    words = pd.Series(written(RNG.normal(size=N)), dtype="category")
    assert "c" in table(c=words).schema.categorical
    objects = pd.Series(RNG.normal(size=N).tolist(), dtype=object)
    assert "c" in table(c=objects).schema.numeric


def test_the_decimal_mark_of_a_table() -> None:
    assert decimal_mark(pd.DataFrame({"a": ["1,5", "2,25"], "b": ["x", "y"]})) == ","
    assert decimal_mark(pd.DataFrame({"a": ["1,5"] * 2, "b": [0.5, 1.5]})) == ","
    assert decimal_mark(pd.DataFrame({"a": ["1,5"] * 2, "b": ["1.5"] * 2})) is None
    assert decimal_mark(pd.DataFrame({"a": [0.5, 1.5]})) == "."
    assert decimal_mark(pd.DataFrame({"a": ["1", "2"], "b": [1, 2], "c": ["1 000"] * 2})) is None


def test_reading_is_plain_data() -> None:
    _, reading, _ = read_columns(X.assign(p=written(X["a"])), table="t", target="answer")
    assert reading.to_json() == {
        "columns": ["a", "b", "p"],
        "numbers": {"p": {"decimal": ",", "thousands": "", "units": [""]}},
        "dates": {},
        "dropped": {},
        "target": "answer",
    }


def test_sentences_quote_cells_and_are_not_shared() -> None:
    found = table(strange=[*map(str, RNG.normal(size=N - 1)), "a secret"], i=range(N))
    assert "a secret" in " ".join(found.notes)
    assert "a secret" not in str(found.provenance)


def test_a_long_column_is_told_by_a_part_of_it_and_read_as_a_whole() -> None:
    n = 12_000
    texts = [f"{v:.1f}".replace(".", ",") for v in np.arange(n) / 7]
    texts[17], texts[n - 3] = "?", "odd"
    long = Table(name="t", X=pd.DataFrame({"x": texts}), y=pd.Series(np.arange(n) % 2))
    assert long.X["x"].isna().sum() == 2
    assert "'odd'" in long.info["warnings"][0]


def test_letters_for_thousands_are_read_in_rows_to_predict_too_and_said() -> None:
    """Also in rows that happen to have one letter only, or other decimal marks beside them."""
    words = ["1.2K", "335", "3.4M", "12K", "7"] * 8
    rows = pd.DataFrame({"views": words, "z": np.sin(np.arange(40))})
    read, reading, notes = read_columns(rows, table="t")
    assert read["views"].max() == 3.4e6
    assert any("'views'" in note and "K and M for thousands" in note for note in notes.told)
    again = Reading(**reading.to_json()).apply(rows[:1])
    assert again["views"].tolist() == [1200.0]
    comma = pd.DataFrame({"views": ["1,2K", "3,5K"], "z": ["0,5", "0,25"]})
    found, _ = written_otherwise(comma, reading.apply(comma), ["views", "z"], reading.numbers)
    assert found["views"].tolist() == [1200.0, 3500.0]
