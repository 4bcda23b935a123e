"""What a model is given of a table: shapes and values after preparation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from autometa.children.preparation import MAX_CATEGORIES, Preparation, numbers_of, preparer
from autometa.tables import Table

ROWS = 60


def table(X: pd.DataFrame) -> Table:
    return Table(name="t", X=X, y=pd.Series(np.arange(len(X), dtype=float)))


@pytest.mark.parametrize("preparation", ["scaled", "robust"])
def test_a_column_says_where_a_number_was_missing(preparation: Preparation) -> None:
    values = np.arange(ROWS, dtype=float)
    values[::7] = np.nan
    given = table(pd.DataFrame({"gap": values, "whole": np.sin(np.arange(ROWS))}))
    X = preparer(preparation, given.schema).fit_transform(given.X)
    assert X.shape == (ROWS, 3)  # two numbers and where the first was missing
    missing = X[:, 2]
    assert len(np.unique(missing)) == 2
    assert (missing == missing.max()).nonzero()[0].tolist() == list(range(0, ROWS, 7))


def test_a_table_that_lacks_nothing_has_no_such_column() -> None:
    given = table(pd.DataFrame({"whole": np.sin(np.arange(ROWS))}))
    assert preparer("scaled", given.schema).fit_transform(given.X).shape == (ROWS, 1)


@pytest.mark.parametrize("preparation", ["scaled", "robust"])
def test_rare_categories_share_a_column(preparation: Preparation) -> None:
    """One column a category would make thousands of an address."""
    many = 3 * MAX_CATEGORIES
    given = table(pd.DataFrame({"street": [f"s{i % many}" for i in range(4 * many)]}))
    X = preparer(preparation, given.schema).fit_transform(given.X)
    assert X.shape == (4 * many, MAX_CATEGORIES)
    assert (np.asarray(X).sum(axis=1) == 1).all()


def test_categories_of_a_forest_are_codes() -> None:
    given = table(pd.DataFrame({"colour": ["red", "green"] * 20}))
    X = preparer("encoded", given.schema).fit_transform(given.X)
    assert X.shape == (40, 1)
    assert set(X[:, 0]) == {0.0, 1.0}


@pytest.mark.parametrize("kind", ["plain", "nullable", "objects", "none"])
def test_numbers_are_the_same_whatever_type_their_columns_have(kind: str) -> None:
    plain = pd.DataFrame({"a": [1.5, np.nan, 1e300], "b": [1, 2, 3]})
    given = {
        "plain": plain,
        "nullable": plain.convert_dtypes(),
        "objects": plain.astype(object),
        "none": plain[[]],
    }[kind]
    found = numbers_of(given)
    wanted = np.array([[1.5, 1], [np.nan, 2], [1e30, 3]])[:, : given.shape[1]]
    assert np.array_equal(found, wanted, equal_nan=True)
    assert found.flags.c_contiguous
    assert found.dtype == np.float64
