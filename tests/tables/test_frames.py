from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from autometa.errors import InputError
from autometa.tables import frames
from autometa.tables.frames import frame_of, target_of

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
    ],
)
def test_features_become_a_frame(given: Any) -> None:
    frame = frame_of(given)
    assert list(frame.columns) == ["x0", "x1"]
    assert np.array_equal(frame.to_numpy(), MATRIX)


def test_names_are_by_place_only_where_there_are_none() -> None:
    swapped = pd.DataFrame(MATRIX)
    assert list(frame_of(swapped, names=["1", "0"]).columns) == ["0", "1"]
    assert list(frame_of(swapped, names=["a", "b"]).columns) == ["a", "b"]
    assert list(frame_of(swapped.rename(columns=str), names=["a", "b"]).columns) == ["0", "1"]


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
    ],
)
def test_what_is_no_matrix_is_refused(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        frame_of(given)


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
    ],
)
def test_a_target_is_one_column(given: Any) -> None:
    assert target_of(given).tolist() == [1, 2, 2]


def test_a_list_keeps_its_types() -> None:
    assert target_of([1, "1"]).tolist() == [1, "1"]


@pytest.mark.parametrize(
    "given", [np.ones((3, 2)), pd.DataFrame(np.ones((3, 2))), np.ones((2, 2, 2))]
)
def test_several_targets_are_refused(given: Any) -> None:
    with pytest.raises(InputError, match="a target of shape"):
        target_of(given)
