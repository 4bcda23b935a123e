from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autometa.meta_features import compute
from autometa.tables import Table, load_table


def table(X: Any, y: Any, kind: Any = None, name: str = "t") -> Table:
    return Table(name=name, X=pd.DataFrame(X), y=pd.Series(y), kind=kind)


def blobs(n: int = 300, gap: float = 4.0, seed: int = 0) -> Table:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    return table(rng.normal(size=(n, 4)) + gap * y[:, None], y)


def checkerboard(n: int = 400) -> Table:
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 2, (n, 2))
    return table(X, (np.floor(X).sum(axis=1) % 2).astype(int))


def test_same_keys_and_finite_for_both_kinds() -> None:
    found = [compute(load_table(f"sklearn:{n}")) for n in ("iris", "diabetes")]
    assert list(found[0]) == list(found[1])
    assert 40 <= len(found[0]) <= 60
    assert all(math.isfinite(v) for f in found for v in f.values())
    assert (found[0]["is_regression"], found[1]["is_regression"]) == (0.0, 1.0)


def test_deterministic_even_where_rows_are_drawn() -> None:
    big = blobs(5000)
    assert compute(big) == compute(big)


def test_iris_has_the_sizes_and_balance_everyone_knows() -> None:
    found = compute(load_table("sklearn:iris"))
    assert found["log_rows"] == pytest.approx(math.log(150), rel=1e-5)
    assert found["log_columns"] == pytest.approx(math.log(4), rel=1e-5)
    assert found["log_classes"] == pytest.approx(math.log(3), rel=1e-5)
    assert found["class_entropy"] == pytest.approx(1.0)
    assert found["class_share_min"] == pytest.approx(1 / 3, rel=1e-5)
    assert found["missing_share"] == found["categorical_share"] == 0.0
    assert found["landmark_nearest"] > 0.85


def test_landmarks_tell_an_easy_table_from_noise_and_a_curved_from_a_straight_border() -> None:
    rng = np.random.default_rng(1)
    easy, noise = compute(blobs()), compute(table(rng.normal(size=(300, 4)), np.arange(300) % 2))
    for name in ("nearest", "stump", "bayes", "linear"):
        assert easy[f"landmark_{name}"] > 0.8
        assert abs(noise[f"landmark_{name}"]) < 0.25
    curved = compute(checkerboard())
    assert curved["landmark_nearest"] > curved["landmark_linear"] + 0.5
    assert noise["information_max"] < 0.05 < easy["information_max"]


def test_geometry_knows_rank_one_from_independent_columns() -> None:
    rng = np.random.default_rng(2)
    one = rng.normal(size=(300, 1))
    flat = compute(table(one @ np.ones((1, 6)), np.arange(300) % 2))
    full = compute(table(rng.normal(size=(300, 6)), np.arange(300) % 2))
    assert flat["effective_rank_share"] == pytest.approx(1 / 6, abs=0.01)
    assert full["effective_rank_share"] > 0.9
    assert flat["correlation_mean"] == pytest.approx(1.0)
    assert full["correlation_mean"] < 0.1
    assert flat["log_intrinsic_dimension"] < full["log_intrinsic_dimension"]


def test_missing_cells_categories_and_binary_columns_are_counted() -> None:
    X = pd.DataFrame(
        {
            "a": [1.0, None, 3.0, 4.0] * 25,
            "b": list("xyxz") * 25,
            "c": [0, 1] * 50,
            "d": np.sqrt(np.arange(100.0)),
        }
    )
    found = compute(table(X, [0, 0, 1, 1] * 25))
    assert found["missing_share"] == pytest.approx(25 / 400)
    assert found["missing_columns_share"] == 0.25
    assert found["missing_rows_share"] == 0.25
    assert found["categorical_share"] == 0.25
    assert found["binary_share"] == 0.25
    assert found["log_levels_max"] == pytest.approx(math.log(3), rel=1e-5)


def test_a_monotone_scaling_of_the_columns_changes_next_to_nothing() -> None:
    plain = blobs()
    scaled = table(plain.X * 1000.0 + 7.0, plain.y)
    a, b = compute(plain), compute(scaled)
    assert b == pytest.approx(a, abs=1e-4)


def test_imbalance_shows() -> None:
    rng = np.random.default_rng(0)
    found = compute(table(rng.normal(size=(200, 3)), np.array([1] * 10 + [0] * 190)))
    assert found["class_share_min"] == pytest.approx(0.05)
    assert found["class_entropy"] < 0.35


def test_skewed_heavy_tailed_target_shows_in_a_regression_only() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    tailed = compute(table(X, np.exp(2 * rng.normal(size=400)), "regression"))
    normal = compute(table(X, rng.normal(size=400), "regression"))
    assert tailed["target_skew"] > normal["target_skew"] + 0.5
    assert tailed["target_outliers"] > normal["target_outliers"]


@pytest.mark.parametrize(
    ("X", "y", "kind"),
    [
        ({"a": [1.0] * 30}, [0, 1] * 15, "classification"),  # nothing varies
        ({"a": [1.0, 2.0, 3.0]}, [0, 1, 1], "classification"),  # hardly any rows
        ({"a": [1.0, 2.0]}, [1.0, 2.0], "regression"),
        ({"a": [None, 1.0] * 20, "b": [None] * 39 + [2.0]}, [0, 1] * 20, "classification"),
        ({"a": [1e300, -1e300] * 20}, [0, 1] * 20, "classification"),  # squares overflow
        ({"a": np.arange(40.0)}, np.arange(40) * 1e140, "regression"),
        ({"a": [1e-310, 2e-310] * 20}, [0, 1] * 20, "classification"),
        ({"a": [str(i) for i in range(40)]}, [0, 1] * 20, "classification"),  # an identifier
        ({"a": list("pq") * 20}, np.arange(40.0), "regression"),  # no numbers
        ({"a": np.arange(41.0)}, [0] * 20 + [1] * 20 + [2], "classification"),  # a class of one
    ],
)
def test_degenerate_tables_give_finite_numbers(X: Any, y: Any, kind: str) -> None:
    found = compute(table(X, y, kind))
    assert all(math.isfinite(v) for v in found.values())


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_any_table_gives_finite_numbers_under_the_same_names(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, c = int(rng.integers(4, 60)), int(rng.integers(1, 8))
    scale = 10.0 ** rng.integers(-200, 200, c)
    X = pd.DataFrame(rng.standard_cauchy((n, c)) * scale).mask(rng.random((n, c)) < 0.2)
    X[0] = np.arange(n)  # one column without gaps, so that the table is valid
    if rng.random() < 0.5:
        X["k"] = rng.choice(list("abcdef"), n)
    if rng.random() < 0.5:
        found = compute(table(X, rng.standard_cauchy(n), "regression"))
    else:
        found = compute(table(X, np.arange(n) % 3, "classification"))
    assert all(math.isfinite(v) for v in found.values())
    assert len(found) == 48


def test_a_wide_and_long_table_is_looked_at_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    from autometa.meta_features import columns

    seen: list[tuple[int, ...]] = []
    whole = columns.standardised

    def spy(matrix: Any) -> Any:
        seen.append(matrix.shape)
        return whole(matrix)

    monkeypatch.setattr(columns, "standardised", spy)
    rng = np.random.default_rng(0)
    found = compute(table(rng.normal(size=(3000, 300)), np.arange(3000) % 2))
    assert seen[0] == (columns.ROWS, columns.COLUMNS)
    assert found["log_rows"] == pytest.approx(math.log(3000), rel=1e-5)
