"""Simple, statistical and information-theoretic meta-features of a table.

Notation: n rows, c columns, e encoded columns; see `columns.View`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.meta_features.columns import View
from autometa.meta_features.landmarks import distances

if TYPE_CHECKING:
    from autometa.tables import Table

NEIGHBOURS = 400  # rows for the intrinsic dimension


def sizes(table: Table) -> dict[str, float]:
    """Sizes and shares of the whole table, cheap at any size."""
    X = table.X
    n, c = max(len(X), 1), max(X.shape[1], 1)
    missing = X.isna().to_numpy()
    numeric = np.isin(X.columns, table.schema.numeric)
    levels = np.array([X.iloc[:, j].nunique() for j in range(X.shape[1])], dtype=np.float64)
    categories = levels[~numeric] if len(levels) else levels
    return {
        "log_rows": np.log(n),
        "log_columns": np.log(c),
        "log_rows_per_column": np.log(n / c),
        "is_regression": table.kind == "regression",
        "log_classes": np.log(max(table.schema.classes, 1)),
        "categorical_share": 1.0 - numeric.mean() if len(numeric) else 0.0,
        "binary_share": (levels == 2).mean() if len(levels) else 0.0,
        "constant_share": (levels <= 1).mean() if len(levels) else 0.0,
        "log_levels_mean": np.log(np.maximum(categories, 1)).mean() if len(categories) else 0.0,
        "log_levels_max": np.log(max(categories.max(initial=1), 1)),
        "distinct_share_mean": (levels / n).mean() if len(levels) else 0.0,
        "missing_share": missing.mean() if missing.size else 0.0,
        "missing_columns_share": missing.any(axis=0).mean() if missing.size else 0.0,
        "missing_rows_share": missing.any(axis=1).mean() if missing.size else 0.0,
    }


def target(view: View) -> dict[str, float]:
    """Class balance, or the shape of a numeric target."""
    balance = {"class_entropy": 1.0, "class_share_min": 0.5, "class_share_max": 0.5}
    shape = {
        "target_skew": 0.0,
        "target_kurtosis": 0.0,
        "target_outliers": 0.0,
        "target_distinct_share": 0.0,
    }
    if not view.regression:
        shares = np.bincount(view.labels[view.labels >= 0]) / max(len(view.labels), 1)
        shares = shares[shares > 0]
        if len(shares) > 1:
            balance = {
                "class_entropy": _entropy(shares) / np.log(len(shares)),
                "class_share_min": shares.min(),
                "class_share_max": shares.max(),
            }
    elif len(view.target):
        column = view.target[:, None]
        shape = {
            "target_skew": _skew(column)[0],
            "target_kurtosis": _kurtosis(column)[0],
            "target_outliers": _outliers(column)[0],
            "target_distinct_share": len(np.unique(view.target)) / len(view.target),
        }
    return {**balance, **shape}


def numbers(view: View) -> dict[str, float]:
    """Shapes of the numeric columns: mean, spread and extremes over columns."""
    columns = view.numbers
    skews, tails = np.abs(_skew(columns)), _kurtosis(columns)
    outliers = _outliers(columns)
    known = ~np.isnan(columns)
    zeros = ((columns == 0) & known).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return {
        "skew_mean": _mean(skews),
        "skew_sd": _sd(skews),
        "skew_max": skews.max(initial=0.0),
        "kurtosis_mean": _mean(tails),
        "kurtosis_sd": _sd(tails),
        "kurtosis_max": tails.max(initial=0.0),
        "outliers_mean": _mean(outliers),
        "outliers_max": outliers.max(initial=0.0),
        "zeros_mean": _mean(zeros),
    }


def geometry(view: View, rng: np.random.Generator) -> dict[str, float]:
    """How the encoded columns hang together: correlations, ranks, intrinsic dimension."""
    varying = view.encoded[:, view.encoded.std(axis=0) > 0] if len(view.encoded) else view.encoded
    n, e = varying.shape
    if n < 3 or e < 2:
        one = float(e > 0)
        return {
            "correlation_mean": 0.0,
            "correlation_max": 0.0,
            "correlation_high_share": 0.0,
            "effective_rank_share": one,
            "first_component_share": one,
            "components_95_share": one,
            "log_intrinsic_dimension": 0.0,
        }
    correlation = varying.T @ varying / n
    above = np.abs(correlation[np.triu_indices(e, 1)])
    spectrum = np.clip(np.linalg.eigvalsh(correlation)[::-1], 0.0, None)
    shares = spectrum / spectrum.sum()
    return {
        "correlation_mean": above.mean(),
        "correlation_max": above.max(),
        "correlation_high_share": (above > 0.7).mean(),
        "effective_rank_share": np.exp(_entropy(shares[shares > 0])) / e,
        "first_component_share": shares[0],
        "components_95_share": (np.searchsorted(shares.cumsum(), 0.95) + 1) / e,
        "log_intrinsic_dimension": np.log(_intrinsic_dimension(varying, rng)),
    }


def signals(view: View) -> dict[str, float]:
    """What single columns tell about the target: mutual information and linear signal."""
    shares = [_information(column, view.labels) for column in view.bins.T]
    information = np.array(shares, dtype=np.float64)
    linear = _linear(view)
    best = information.max(initial=0.0)
    return {
        "information_mean": _mean(information),
        "information_max": best,
        "information_sd": _sd(information),
        "informative_share": (information > 0.5 * best).mean() if best > 0 else 0.0,
        "noise_share": (information < 0.01).mean() if len(information) else 0.0,
        "linear_mean": _mean(linear),
        "linear_max": linear.max(initial=0.0),
    }


def _information(column: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """Mutual information of two codings as a share of the labels' entropy, bias removed."""
    a, b = np.unique(column, return_inverse=True)[1], np.unique(labels, return_inverse=True)[1]
    if not len(a) or a.max() == 0 or b.max() == 0:
        return 0.0
    joint = np.bincount(a * (b.max() + 1) + b, minlength=(a.max() + 1) * (b.max() + 1))
    table = joint.reshape(a.max() + 1, b.max() + 1) / len(a)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    mutual = _entropy(rows) + _entropy(columns) - _entropy(table[table > 0])
    bias = a.max() * b.max() / (2.0 * len(a))  # Miller (1955)
    return float(np.clip((mutual - bias) / _entropy(columns), 0.0, 1.0))


def _linear(view: View) -> Floats:
    """Share of each encoded column's variance that classes (or the target) explain, (e,)."""
    X = view.encoded
    if not len(X):
        return np.zeros(0)
    if view.regression:
        return np.asarray((X.T @ view.target / len(X)) ** 2)
    explained = np.zeros(X.shape[1])
    for label in np.unique(view.labels):
        rows = X[view.labels == label]
        explained += len(rows) / len(X) * rows.mean(axis=0) ** 2
    return np.clip(explained, 0.0, 1.0)


def _intrinsic_dimension(X: Floats, rng: np.random.Generator) -> float:
    """Dimension from the ratio of the second to the first neighbour's distance (TwoNN)."""
    rows = np.unique(X[rng.permutation(len(X))[:NEIGHBOURS]], axis=0)
    if len(rows) < 5:
        return 1.0
    near = np.sort(np.sqrt(distances(rows, rows) + np.diag(np.full(len(rows), np.inf))), axis=1)
    ratios = near[:, 1] / np.maximum(near[:, 0], 1e-9)
    ratios = np.sort(ratios)[: int(0.9 * len(ratios))]  # the largest ratios are mostly noise
    total = float(np.log(np.maximum(ratios, 1.0)).sum())
    return float(np.clip(len(ratios) / max(total, 1e-9), 1.0, X.shape[1]))


def _moments(columns: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Standardised columns, NaN left in, and which columns vary."""
    scaled = columns / np.maximum(np.nanmax(np.abs(columns), axis=0, initial=1e-300), 1e-300)
    known = ~np.isnan(scaled)
    count = np.maximum(known.sum(axis=0), 1)
    centred = scaled - np.where(known, scaled, 0.0).sum(axis=0) / count
    deviation = np.sqrt(np.where(known, centred**2, 0.0).sum(axis=0) / count)
    varies = deviation > 1e-12
    return centred / np.where(varies, deviation, 1.0), varies


def _power(columns: Floats, power: int) -> Floats:
    standard, varies = _moments(columns)
    known = ~np.isnan(standard)
    count = np.maximum(known.sum(axis=0), 1)
    return np.asarray((np.where(known, standard, 0.0) ** power).sum(axis=0) / count * varies)


def _skew(columns: Floats) -> Floats:
    """Skewness of columns (n, a) -> (a,), compressed to sign(s) log(1 + |s|)."""
    skew = _power(columns, 3)
    return np.asarray(np.sign(skew) * np.log1p(np.abs(skew)))


def _kurtosis(columns: Floats) -> Floats:
    """Kurtosis of columns (n, a) -> (a,), log(1 + k): 1.39 for a normal one."""
    return np.log1p(np.maximum(_power(columns, 4), 0.0))


def _outliers(columns: Floats) -> Floats:
    """Share of cells beyond 1.5 quartile ranges of the quartiles, (n, a) -> (a,)."""
    result = np.zeros(columns.shape[1])
    for j, column in enumerate(columns.T):
        known = column[~np.isnan(column)]
        if len(known):
            low, high = np.quantile(known, [0.25, 0.75])
            reach = 1.5 * (high - low)
            result[j] = ((known < low - reach) | (known > high + reach)).mean()
    return result


def _entropy(shares: Floats) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log(positive)).sum())


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0


def _sd(values: Floats) -> float:
    return float(values.std()) if len(values) else 0.0
