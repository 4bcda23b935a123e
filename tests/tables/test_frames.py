from __future__ import annotations

import datetime as dt
import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

from autometa.errors import InputError
from autometa.tables import frames
from autometa.tables.frames import frame_of, in_other_order, target_of
from autometa.tables.values import as_number, is_text

MATRIX = np.array([[1.0, 0.0], [0.0, 3.0], [4.0, 5.0]])


@pytest.mark.parametrize(
    "given",
    [
        MATRIX,
        MATRIX.tolist(),
        sparse.csc_matrix(MATRIX),
        sparse.coo_array(MATRIX),
        {"x0": MATRIX[:, 0], "x1": MATRIX[:, 1]},
        pd.DataFrame(MATRIX, columns=["x0", "x1"]),
        pa.table({"x0": MATRIX[:, 0], "x1": MATRIX[:, 1]}),
        np.array([tuple(row) for row in MATRIX], dtype=[("x0", float), ("x1", float)]),
        [{"x0": a, "x1": b} for a, b in MATRIX],
    ],
)
def test_features_become_a_frame(given: Any) -> None:
    frame = frame_of(given)
    assert list(frame.columns) == ["x0", "x1"]
    assert np.array_equal(frame.to_numpy(), MATRIX)


@pytest.mark.parametrize("read", [frame_of, target_of])
@pytest.mark.parametrize(
    ("methods", "remedy"),
    [
        (["collect"], "collect()"),
        (["collect", "toPandas"], "toPandas()"),
        (["compute"], "compute()"),
        (["fetchdf"], "df()"),
    ],
)
def test_a_frame_that_is_not_worked_out_yet_is_refused_with_what_does(
    methods: list[str], remedy: str, read: Any
) -> None:
    lazy = type("LazyFrame", (), {"columns": ["a"], **{m: lambda self: None for m in methods}})
    with pytest.raises(InputError, match=f"LazyFrame.*{re.escape(remedy)} returns"):
        read(lazy())


def test_names_are_by_place_only_where_there_are_none() -> None:
    swapped = pd.DataFrame(MATRIX)
    assert list(frame_of(swapped, names=lambda m: ["1", "0"]).columns) == ["0", "1"]
    assert list(frame_of(swapped, names=lambda m: ["a", "b"]).columns) == ["a", "b"]
    assert list(frame_of(swapped.rename(columns=str), names=lambda m: ["a", "b"]).columns) == [
        "0",
        "1",
    ]


def test_the_caller_keeps_their_own() -> None:
    mine = pd.DataFrame(MATRIX)
    theirs = frame_of(mine)
    theirs["new"] = 1
    assert mine.columns.equals(pd.RangeIndex(2))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (MATRIX[0], r"shape \(2,\)"),
        (MATRIX[None], r"shape \(1, 3, 2\)"),
        (pd.Series([1.0]), "one dimension"),
        (pd.DataFrame(MATRIX, columns=["a", "a"]), "several columns are named 'a'"),
        (pd.DataFrame(MATRIX, columns=[1, "1"]), "several columns are named '1'"),
        ([[1, 2], [3]], "rows of 1 to 2 cells"),
        ([(1,), [2, 3, 4]], "rows of 1 to 3 cells"),
        ({"a": [1, 2], "b": [1]}, "type dict that are no matrix"),
        (None, "type NoneType"),
        (iter([[1, 2]]), "type list_iterator"),
        (np.array([np.ones(2), np.ones(3)], dtype=object), r"shape \(2,\)"),
    ],
)
def test_what_is_no_matrix_is_refused(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        frame_of(given)


def test_masked_cells_are_missing() -> None:
    masked = np.ma.array(MATRIX, mask=MATRIX > 3)
    assert frame_of(masked)["x0"].isna().tolist() == [False, False, True]
    assert target_of(masked[:, 0]).isna().tolist() == [False, False, True]
    whole = np.ma.array([1, 2, 3], mask=[True, False, False])
    assert target_of(whole).isna().tolist() == [True, False, False]


@pytest.mark.parametrize(
    "cells",
    [
        pd.Series([pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-02"), None], dtype=object),
        pd.Series([pd.Timedelta("1h"), pd.Timedelta("2h"), None], dtype=object),
        pd.Series([1.5, 2.5, None], dtype=object),
        pd.Series([1, 2, None], dtype=pd.ArrowDtype(pa.int8())),
        *(
            pd.Series([dt.timedelta(1), dt.timedelta(999), None], dtype=pd.ArrowDtype(kind))
            for kind in (pa.duration("s"), pa.duration("ns"))
        ),
        *(
            pd.Series(
                [dt.datetime(2020, 1, 1), dt.datetime(2021, 1, 1), None], dtype=pd.ArrowDtype(kind)
            )
            for kind in (pa.timestamp("us"), pa.timestamp("ns"))
        ),
        pd.Series(
            [dt.date(2020, 1, 1), dt.date(2020, 1, 2), None], dtype=pd.ArrowDtype(pa.date32())
        ),
        pd.Series(pd.period_range("2020-01", periods=3, freq="M")).where(np.arange(3) < 2),
    ],
)
def test_cells_are_what_they_are_in_a_column_of_objects_or_of_arrow(cells: Any) -> None:
    column = as_number(frame_of({"a": cells})["a"])
    assert column[1] > column[0]
    assert np.isnan(column[2])


def test_arrows_text_is_text() -> None:
    kinds = [pa.string(), pa.dictionary(pa.int32(), pa.string()), pa.large_string()]
    for kind in kinds:
        column = frame_of({"a": pd.Series(["1,5", None], dtype=pd.ArrowDtype(kind))})["a"]
        assert is_text(column)


def test_a_sparse_matrix_too_large_to_fill_up_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_DENSE", 40)
    with pytest.raises(InputError, match="3 x 2 cells"):
        frame_of(sparse.csr_matrix(MATRIX))


@pytest.mark.parametrize(
    "given",
    [
        [1, 2, 2],
        (1, 2, 2),
        np.array([[1], [2], [2]]),
        [[1], [2], [2]],
        pd.DataFrame({"y": [1, 2, 2]}),
        pd.Categorical([1, 2, 2]),
        pd.array([1, 2, 2], dtype="Int64"),
        sparse.csr_matrix([[1], [2], [2]]),
        pa.array([1, 2, 2]),
        pa.chunked_array([[1], [2, 2]]),
    ],
)
def test_a_target_is_one_column(given: Any) -> None:
    assert target_of(given).tolist() == [1, 2, 2]


def test_a_list_keeps_its_types() -> None:
    assert target_of([1, "1"]).tolist() == [1, "1"]


@pytest.mark.parametrize(
    "given",
    [np.ones((3, 2)), pd.DataFrame(np.ones((3, 2))), np.ones((2, 2, 2)), {1, 2}, [[1], [2, 3]]],
)
def test_several_targets_are_refused(given: Any) -> None:
    with pytest.raises(InputError, match=r"a target of (shape|type)"):
        target_of(given)


def test_labels_in_another_order_are_noticed() -> None:
    X = pd.DataFrame({"a": range(3)}, index=[5, 7, 9])
    y = pd.Series(range(3), index=[7, 5, 9])
    assert in_other_order(X, y)
    assert in_other_order(X, y.to_frame())
    for other in (
        y.sort_index(),
        y.reset_index(drop=True),
        y.set_axis([5, 5, 9]),
        y[:2],
        [1, 2, 3],
    ):
        assert not in_other_order(X, other)
    counted = pd.DataFrame({"a": range(3)})  # as of a transformer, which loses the labels
    assert not in_other_order(counted, pd.Series(range(3), index=[2, 0, 1]))
    assert not in_other_order(counted.to_numpy(), y)
    assert not in_other_order(X.set_axis([5, 5, 9]), y)


@pytest.mark.parametrize(
    "labels",
    [
        pd.MultiIndex.from_tuples([("p", 1), ("p", 2), ("q", 1)]),
        pd.MultiIndex.from_tuples([("p", 1, 0), ("p", 2, 0), ("q", 1, 0)]),
        pd.Index(["p", "q", "r"], dtype="string[pyarrow]"),
        pd.period_range("2026-01", periods=3, freq="M"),
        pd.interval_range(0, 3),
        pd.date_range("2026-01-01", periods=3, tz="UTC"),
        pd.CategoricalIndex(["p", "q", "r"]),
    ],
)
def test_labels_of_any_kind_are_compared(labels: pd.Index[Any]) -> None:
    X = pd.DataFrame({"a": range(3)}, index=labels)
    assert in_other_order(X, pd.Series(range(3), index=labels[[1, 0, 2]]))
    for other in (
        pd.RangeIndex(3),
        pd.Index(["x", "y", "z"]),
        pd.MultiIndex.from_tuples([(1, 2), (1, 3), (2, 2)]),
        pd.period_range("2020-01", periods=3, freq="D"),
    ):
        assert not in_other_order(X, pd.Series(range(3), index=other))
