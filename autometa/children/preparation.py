"""Mixed tables -> matrices of numbers: one scikit-learn ColumnTransformer for each preparation."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

from autometa.children.calendar import PARTS, cycles_of, parts_of
from autometa.children.category_means import CategoryMeans, width
from autometa.children.problem import Preparation
from autometa.encoding import Floats
from autometa.tables import Schema
from autometa.tables.table import MANY_CATEGORIES
from autometa.tables.values import LARGEST, are_plain, as_number, as_text

MAX_CATEGORIES = MANY_CATEGORIES
"""Rarer categories of a column share one column."""
MAX_CODES = 200
"""Rarer categories of a column share one code."""


def as_matrices() -> AbstractContextManager[None]:
    """Where transformers return matrices, whatever `sklearn.set_config` says that they return."""
    context: AbstractContextManager[None] = config_context(transform_output="default")
    return context


def preparer(preparation: Preparation, schema: Schema) -> ColumnTransformer:
    """An unfitted transformer from a table's features to a dense float matrix.

    "encoded", for trees: categories as whole numbers (-1 where new), missing cells left missing.
    "coded", for trees that know categories: the same with new ones missing, and rare ones as one,
    since no library takes more than MAX_CODES of a column.
    "scaled", for the others: categories one-hot (missing is one of its own), numbers standardised
    after the median took the place of missing ones, with a column that says where.
    "robust", for networks: as "scaled", with numbers scaled by their quartiles and squashed.

    All of them add, after these: what a date says of the day, the week and the year, and the mean
    of the target (the shares of up to ten classes) in each category of a column of many, unless
    rows weigh differently, which no preparation heeds.
    """
    trees = preparation in ("encoded", "coded")
    numbers: list[Any] = [FunctionTransformer(numbers_of)]
    if not trees:
        # Also where nothing is missing yet: a row to predict may lack what no training row did.
        numbers.append(
            SimpleImputer(strategy="median", add_indicator=schema.missing, keep_empty_features=True)
        )
        numbers += (
            [StandardScaler()]
            if preparation == "scaled"
            else [RobustScaler(unit_variance=True), FunctionTransformer(squashed)]
        )
    categories = FunctionTransformer(texts_of), _encoder(preparation)
    parts = [
        ("numbers", make_pipeline(*numbers), list(schema.numeric)),
        ("categories", make_pipeline(*categories), list(schema.categorical)),
    ]
    if schema.dates:
        dates = (FunctionTransformer(f) for f in (numbers_of, parts_of if trees else cycles_of))
        parts.append(("dates", make_pipeline(*dates), list(schema.dates)))
    if schema.many and width(schema.classes):
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        means: list[Any] = [FunctionTransformer(texts_of), codes, CategoryMeans(schema.classes)]
        means += [] if trees else [StandardScaler()]
        parts.append(("means", make_pipeline(*means), list(schema.many)))
    return ColumnTransformer(parts)


def _encoder(preparation: Preparation) -> OrdinalEncoder | OneHotEncoder:
    """Of categories."""
    if preparation == "encoded":
        return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    if preparation == "coded":
        return OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=MAX_CODES
        )
    return OneHotEncoder(
        drop="if_binary",
        handle_unknown="infrequent_if_exist",
        max_categories=MAX_CATEGORIES,
        sparse_output=False,
    )


def category_places(schema: Schema) -> list[int]:
    """Places of the categories among the prepared columns, "encoded" or "coded"."""
    first = len(schema.numeric)
    return list(range(first, first + len(schema.categorical)))


def columns_added(schema: Schema) -> int:
    """How many columns trees see after those of the table."""
    return PARTS * len(schema.dates) + width(schema.classes) * len(schema.many)


def numbers_of(X: pd.DataFrame) -> Floats:
    """Number columns of any pandas type as floats (n, m), as when the table was read."""
    if are_plain(X):  # a pandas column costs as much as thousands of cells
        values = np.ascontiguousarray(X.to_numpy(dtype=np.float64))
    else:
        values = np.stack([as_number(X[name]).to_numpy() for name in X.columns], axis=1)
    cut: Floats = np.clip(values, -LARGEST, LARGEST)
    return cut


def texts_of(X: pd.DataFrame) -> NDArray[Any]:
    """Category columns of any pandas type as strings and NaN (n, m), as when it was read."""
    columns = [as_text(X[name]).to_numpy(dtype=object) for name in X.columns]
    return np.stack(columns, axis=1) if columns else np.empty((len(X), 0), dtype=object)


def squashed(X: Floats) -> Floats:
    """X / sqrt(1 + (X / 3)^2), (n, m): within (-3, 3), and nearly X near 0."""
    wide = np.asarray(X, dtype=np.float64)
    return np.asarray(wide / np.sqrt(1 + (wide / 3) ** 2))


def with_standard_target(model: Any, schema: Schema) -> Any:
    """The model, seeing a standardised target where the target is a number."""
    if schema.kind == "classification":
        return model
    return TransformedTargetRegressor(regressor=model, transformer=StandardScaler())
