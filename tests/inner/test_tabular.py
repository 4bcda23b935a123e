"""Tables of any width become episodes of one shape, without leaks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from autometa.errors import InputError
from autometa.inner import MAML, Outer, RateRule, accuracy, learn_start
from autometa.inner.tabular import INPUTS, Embedding, Rows, Tables, network


def blobs(columns: int, seed: int, rows: int = 60) -> Rows:
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=rows)
    return Rows(rng.normal(size=(rows, columns)) + 3 * y[:, None], y, f"blobs{columns}")


@pytest.mark.parametrize("columns", [1, 5, 32, 50])
def test_the_embedding_keeps_distances(columns: int) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, columns))
    embed = Embedding.fit(X, rng)
    Z = embed(X)
    assert Z.shape == (20, INPUTS)
    before = np.linalg.norm(X[:1] - X[1:], axis=1)
    after = np.linalg.norm(Z[:1] - Z[1:], axis=1)
    assert np.allclose(after, before * embed.scale, rtol=1e-4)  # 20 rows span 19 axes at most


def test_constant_columns_and_outliers_stay_finite() -> None:
    embed = Embedding.fit(np.ones((5, 3)), np.random.default_rng(0))
    assert not embed(np.ones((2, 3))).any()
    wild = Embedding.fit(np.random.default_rng(0).normal(size=(9, 2)), np.random.default_rng(0))
    assert np.abs(wild(np.full((1, 2), 1e9))).max() <= 10


def test_support_and_query_are_different_rows() -> None:
    X = np.arange(40.0)[:, None]
    parts = Rows(X, np.arange(40) % 2, "t").episode(np.random.default_rng(0), 20, 20)
    assert not set(np.round(parts[0][:, 0], 5)) & set(np.round(parts[2][:, 0], 5))
    with pytest.raises(InputError, match="40 rows"):
        Rows(X, np.arange(40) % 2, "t").episode(np.random.default_rng(0), 30, 20)
    with pytest.raises(InputError, match="shape"):
        Embedding.fit(np.ones((0, 3)), np.random.default_rng(0))


def test_a_start_learned_on_some_tables_helps_on_others() -> None:
    source = Tables((blobs(2, 0), blobs(7, 1), blobs(40, 2)), 2, shots=20, queries=20)
    rule = RateRule(kind="layer_step", initial=0.1, highest=1.0)
    recipe = MAML(
        network(2, 0), "cross_entropy", rates=rule, steps=2, outer=Outer(tasks=4, rate=3e-3)
    )
    fitted = recipe.fit(source, iterations=40)
    rng = np.random.default_rng(5)
    new = source.stack(rng, [blobs(4, 3), blobs(11, 4)] * 10)
    score = fitted.curve(new, 5, accuracy)
    assert torch.isfinite(score).all()
    assert score[:, 2].mean() > 0.85
    assert score[:, 2].mean() > score[:, 0].mean()


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.zeros((4, 2)), np.arange(3), "rows of shape"),
        (np.zeros(4), np.arange(4), "rows of shape"),
        (np.full((4, 2), np.nan), np.arange(4), "no finite numbers"),
        (np.array([["a"], ["b"]]), np.arange(2), "no finite numbers"),
        (np.zeros((4, 2)), np.arange(4) / 2, "no indices"),
        (np.zeros((4, 2)), np.arange(4) > 1, "no indices"),
        (np.zeros((4, 2)), np.array(list("abab")), "no indices"),
        (np.zeros((4, 2)), np.arange(4) - 1, "no indices"),
        (np.zeros((4, 2)), np.arange(4) + 1, "no indices .*below the number of rows"),
        (np.zeros((4, 2)), np.array([0, 1, 0, 10**9]), "no indices"),  # one output each
    ],
)
def test_rows_that_no_network_reads_are_refused(X: Any, y: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Rows(X, y)


def test_rows_may_be_frames_and_lists() -> None:
    rows = Rows(pd.DataFrame({"a": [1.0, 2.0]}), [0, 1])  # type: ignore[arg-type]
    assert isinstance(rows.X, np.ndarray)
    assert rows.y.tolist() == [0, 1]
    assert repr(rows) == "Rows('': 2 x 1, 2 classes)"


def test_a_table_that_is_no_rows_is_refused() -> None:
    with pytest.raises(InputError, match=r"type tuple. allowed: Rows\(X, y\)"):
        learn_start([(np.zeros((4, 2)), np.arange(4))], iterations=1)  # type: ignore[list-item]
