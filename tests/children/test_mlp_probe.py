"""A learning rate from one batch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from autometa.children.families.mlp import SPACE
from autometa.children.starts.probe import probe
from autometa.errors import SpaceError
from autometa.inner.probe import one_step_rate
from autometa.tables import Table

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(90, 4)), columns=list("abcd"))
CLASSES = Table(name="c", X=X, y=pd.Series(np.where(X["a"] > 0, "yes", "no")))
NUMBERS = Table(name="n", X=X, y=2e6 * X["a"] + 1.0)


def test_a_step_of_that_rate_is_the_best_one_of_a_parabola() -> None:
    """Against a scan over rates, where gradient and curvature differ by coordinate."""
    bend = torch.tensor([1.0, 10.0, 0.1])

    def loss(p: dict[str, torch.Tensor], batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return (bend * (p["w"] - batch[0]).square()).sum()

    start, batch = {"w": torch.zeros(3)}, (torch.ones(3), torch.ones(3))
    rates = np.logspace(-3, 1, 401)
    for direction in ("gradient", "sign"):
        slope = torch.func.grad(loss)(start, batch)["w"]
        u = slope.sign() if direction == "sign" else slope
        losses = [float(loss({"w": -float(r) * u}, batch)) for r in rates]
        found = one_step_rate(loss, start, batch, direction)  # type: ignore[arg-type]
        assert found == pytest.approx(np.log10(rates[int(np.argmin(losses))]), abs=0.02)


@pytest.mark.parametrize("table", [CLASSES, NUMBERS], ids=["classification", "regression"])
def test_it_is_a_rate_that_repeats_and_follows_the_config(table: Table) -> None:
    config = {**SPACE.defaults, "optimizer": "sgd", "momentum": 0.0}
    first = probe(table, config)
    assert -3.0 < first < 1.0
    assert probe(table, {**config, "learning_rate": 0.5}) == first
    adam = {k: v for k, v in config.items() if k != "momentum"} | {"optimizer": "adam"}
    assert probe(table, adam) < first - 0.5  # the sign of a gradient is a long step
    assert probe(table, {**config, "width": 128, "depth": 3}) < first
    with pytest.raises(SpaceError):
        probe(table, {**config, "width": 1})
