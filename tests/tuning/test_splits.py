"""Splits and groups that callers give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, KFold, LeaveOneOut, ShuffleSplit, TimeSeriesSplit

from autometa.children.folds import Splits
from autometa.errors import InputError
from autometa.tables import Table
from autometa.tuning.splits import folds_of, not_held_out, on_both_sides

ROWS = 20
X = pd.DataFrame({"a": np.arange(ROWS) % 7})
SORTED = Table(name="s", X=X, y=pd.Series(np.arange(ROWS) // 10))
NUMBERS = Table(name="n", X=X, y=pd.Series(np.arange(ROWS) / 7))
EVEN = np.arange(0, ROWS, 2), np.arange(1, ROWS, 2)


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA])
def test_a_row_without_a_group_is_refused(missing: Any) -> None:
    groups = np.array([missing, *range(ROWS - 1)], dtype=object)
    for table in (SORTED, NUMBERS):
        with pytest.raises(InputError, match="1 rows without a group"):
            folds_of(None, None, groups, table)


@pytest.mark.parametrize(
    ("cv", "groups"),
    [
        (TimeSeriesSplit(3), None),
        ([(np.arange(10), np.arange(10, ROWS))], None),
        ([EVEN, (np.arange(12, ROWS), np.arange(12))], None),
        (None, np.arange(ROWS) // 10),
    ],
)
def test_splits_that_learn_from_one_class_are_refused_by_number(cv: Any, groups: Any) -> None:
    with pytest.raises(InputError, match=r"split \d has training rows of one class only"):
        folds_of(None, cv, groups, SORTED)
    assert isinstance(folds_of(None, cv, groups, NUMBERS), Splits)


def test_rows_on_both_sides_are_told() -> None:
    both = [EVEN, (np.arange(ROWS), np.arange(ROWS)), (EVEN[0], EVEN[0][:1])]
    assert "split 2, 3:" in on_both_sides(folds_of(None, both, None, SORTED))
    many = folds_of(None, both[1:2] * 7, None, SORTED)
    assert "1, 2, 3, 4, 5, ...:" in on_both_sides(many)
    twice = [(np.r_[EVEN[0], EVEN[0]], EVEN[1])]  # a row that counts twice is not on both sides
    for cv in ([EVEN], twice, LeaveOneOut(), ShuffleSplit(3, random_state=0)):
        assert not on_both_sides(folds_of(None, cv, None, SORTED))
    assert not on_both_sides(5)


def of_labels(*labels: str) -> Table:
    return Table(name="l", X=pd.DataFrame({"a": np.arange(len(labels)) % 7}), y=pd.Series(labels))


@pytest.mark.parametrize(("folds", "cv"), [(None, None), (5, None), (None, 3)])
def test_a_class_of_one_row_beside_one_other_is_refused(folds: Any, cv: Any) -> None:
    with pytest.raises(InputError, match="one row only of the class 'b'"):
        folds_of(folds, cv, None, of_labels(*"a" * 19, "b"))
    for labels in (("a",) * 18 + ("b",) * 2, ("a",) * 10 + ("b",) * 9 + ("c",)):
        folds_of(folds, cv, None, of_labels(*labels))
    folds_of(folds, cv, None, NUMBERS)


@pytest.mark.parametrize(("other", "said"), [(1.0, "'1.0'"), (True, "'True'"), (7, "'7'")])
def test_a_class_is_called_as_it_is_written(other: Any, said: str) -> None:
    X = pd.DataFrame({"a": np.arange(20)})
    y = pd.Series([type(other)(0)] * 19 + [other])
    with pytest.raises(InputError, match=f"of the class {said} in"):
        folds_of(None, None, None, Table(name="l", X=X, y=y, kind="classification"))


def test_classes_that_some_folds_do_not_judge_are_told() -> None:
    table = of_labels(*"a" * 10, *"b" * 6, *"c" * 2, "d")
    assert "of the classes 'c', 'd' out" in not_held_out(5, table)
    assert "of the class 'd' out" in not_held_out(2, table)
    by_hand = Splits(((np.arange(0, 19, 2), np.arange(1, 19, 2)),))
    assert "of the class 'd' out" in not_held_out(by_hand, table)
    assert not not_held_out(5, SORTED)
    assert not not_held_out(5, NUMBERS)


@pytest.mark.parametrize(("rows", "folds"), [(2, 2), (3, 2), (5, 2), (8, 4), (9, 4), (10, 5)])
def test_each_fold_of_a_few_rows_holds_two_out(rows: int, folds: int) -> None:
    values = Table(name="n", X=X[:rows], y=pd.Series(np.arange(rows) / 7), kind="regression")
    assert folds_of(None, None, None, values) == folds


MIXED = Table(name="m", X=X, y=pd.Series(np.arange(ROWS) % 3))


@pytest.mark.filterwarnings("ignore:The groups parameter is ignored")
@pytest.mark.parametrize("table", [MIXED, NUMBERS], ids=lambda t: t.name)
@pytest.mark.parametrize(
    ("cv", "groups", "said"),
    [
        (KFold(2, shuffle=True, random_state=0), np.repeat(["p", "q"], 10), "split 1 .* '[pq]'"),
        (TimeSeriesSplit(3), np.arange(ROWS) // 6, "split 1 .* '0'"),
        ([(np.arange(10), np.arange(10, ROWS)), EVEN], np.arange(ROWS) // 2, "split 2 .* '0'"),
    ],
)
def test_splits_that_part_a_group_are_refused(
    cv: Any, groups: Any, said: str, table: Table
) -> None:
    with pytest.raises(InputError, match=f"{said} on both sides.*Take GroupKFold"):
        folds_of(None, cv, groups, table)
    assert isinstance(folds_of(None, cv, np.arange(ROWS), table), Splits)
    assert isinstance(folds_of(None, GroupKFold(2), groups, table), Splits)
