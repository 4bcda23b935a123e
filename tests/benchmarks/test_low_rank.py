"""The suite inner-low-rank: its child, its tasks, its record."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from autometa_benchmarks.inner import low_rank
from autometa_benchmarks.inner.low_rank import LowRank, World


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PRETRAINING": 40, "TEST_TASKS": 6, "LONG": 12, "COLUMNS": (0, 10)}.items():
        monkeypatch.setattr(low_rank, name, value)


def test_a_child_starts_as_its_backbone_and_only_updates_train() -> None:
    backbone = World(0).backbone(0)
    child = LowRank(backbone)
    x = torch.randn(5, low_rank.INPUTS)
    with torch.no_grad():
        assert torch.allclose(child(x), child.head(backbone[:4](x)), atol=1e-5)
    assert {n for n, _ in child.named_parameters()} == {
        *(f"{kind}{k}" for kind in ("down", "up") for k in range(2)),
        "head.weight",
        "head.bias",
    }


def test_tasks_are_drawn_by_the_generator_alone() -> None:
    source = World(0).source(1)
    first, again, other = (source(np.random.default_rng(s), 3) for s in (0, 0, 1))
    assert torch.equal(first.query_y, again.query_y)
    assert not torch.equal(first.query_y, other.query_y)
    assert first.support_y.max() < low_rank.CLASSES


def test_records() -> None:
    records = low_rank.run(0, iterations=3)
    assert [record["variant"] for record in records] == ["near", "far"]
    for record in records:
        assert record["cross_entropy"].keys() == {
            f"{who} @{k}" for who in ("learned", "adam", "sgd") for k in (0, 10)
        }
        assert all(1 <= found["mean"] + 1 <= 14 for found in record["steps_to_match"].values())
    again = low_rank.run(0, iterations=3)
    assert [r["cross_entropy"] for r in again] == [r["cross_entropy"] for r in records]
