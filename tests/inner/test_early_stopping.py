"""Early stopping keeps what is best on tasks kept aside, and survives a kill."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from autometa.errors import InputError, ModelError, StoreError
from autometa.inner import MAML, Episodes, FittedMAML, Outer, Validation
from autometa.inner.early import Watch
from tests.inner.test_maml import network, same, waves

OUTER = Outer(tasks=4, rate=1e-2)
KEPT = waves(np.random.default_rng(5), 6)


def recipe(**arguments: Any) -> MAML:
    return MAML(network(), **{"outer": OUTER, "steps": 2, **arguments})


def getting_worse() -> Episodes:
    """Tasks that the untrained network solves already: training on others only spoils it."""
    x = torch.linspace(-2, 2, 10).reshape(1, 10, 1).repeat(3, 1, 1)
    with torch.no_grad():
        y = network()(x)
    return Episodes(support_x=x[:, :5], support_y=y[:, :5], query_x=x[:, 5:], query_y=y[:, 5:])


def test_it_stops_and_returns_the_best_look() -> None:
    kept = Validation(episodes=getting_worse(), every=5, patience=2)
    fitted = recipe().fit(waves, iterations=1000, validation=kept)
    found = fitted.info["validation"]
    assert found["stopped"]
    best = found["best_iteration"]
    assert fitted.info["iterations"] == best + 10 < 1000
    assert min(found["losses"]) == found["losses"][best // 5 - 1]
    assert same(fitted, recipe().fit(waves, iterations=best))
    assert json.loads(json.dumps(dict(fitted.info))) == fitted.info


@pytest.mark.parametrize("patience", [None, 99])
def test_patience_that_does_not_end_changes_no_update(patience: int | None) -> None:
    kept = Validation(episodes=KEPT, every=4, patience=patience)
    watched = recipe().fit(waves, iterations=10, validation=kept)
    plain = recipe().fit(waves, iterations=10)
    assert watched.info["losses"] == plain.info["losses"]
    assert "validation" not in plain.info
    assert len(watched.info["validation"]["losses"]) == 2
    assert same(
        watched, recipe().fit(waves, iterations=watched.info["validation"]["best_iteration"])
    )


@pytest.mark.parametrize("vectorised", [True, False])
def test_a_resumed_run_equals_an_unbroken_one(tmp_path: Path, vectorised: bool) -> None:
    child = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.2), nn.Tanh(), nn.Linear(8, 1))
    made = MAML(child, outer=OUTER, vectorised=vectorised)
    kept = Validation(episodes=getting_worse(), every=3, patience=2)
    unbroken = made.fit(waves, iterations=40, validation=kept)
    steps = [5, 7, 40]
    for iterations in steps:  # as killed after each
        resumed = made.fit(
            waves, iterations=iterations, validation=kept, checkpoint=tmp_path, every=1
        )
    assert same(unbroken, resumed)
    assert resumed.info == unbroken.info
    again = made.fit(waves, iterations=40, validation=kept, checkpoint=tmp_path)
    assert again.info["iterations"] == unbroken.info["iterations"]
    assert same(again, unbroken)


def test_a_checkpoint_of_other_looks_is_refused(tmp_path: Path) -> None:
    kept = Validation(episodes=KEPT, every=2)
    recipe().fit(waves, iterations=2, validation=kept, checkpoint=tmp_path)
    for other in (
        None,
        Validation(episodes=KEPT, every=1),
        Validation(episodes=getting_worse(), every=2),
    ):
        with pytest.raises(ModelError, match="validation"):
            recipe().fit(waves, iterations=4, validation=other, checkpoint=tmp_path)
    with pytest.raises(StoreError, match="without looks"):
        Watch(rule=kept, judge=lambda *_: 0.0).restore({}, "cpu")


def test_episodes_alone_stand_for_a_validation(tmp_path: Path) -> None:
    fitted = recipe().fit(waves, iterations=100, validation=KEPT)
    assert fitted.info["validation"]["every"] == 100
    loaded = FittedMAML.load(fitted.save(tmp_path), network(3))
    assert same(loaded, fitted)
    assert loaded.info["validation"] == fitted.info["validation"]


@pytest.mark.parametrize(
    ("losses", "place", "stopped"),
    [
        ([], None, False),
        ([3.0, 2.0], 1, False),
        ([2.0, 3.0, 2.0], 0, True),  # as good is not better
        ([math.nan, math.inf], None, True),
        ([math.nan, 1.0, math.nan], 1, False),
        ([1.0, math.nan, -1.0], 2, False),
    ],
)
def test_the_rule(losses: list[float], place: int | None, stopped: bool) -> None:
    coming = iter(losses)
    rule = Validation(episodes=KEPT, every=5, patience=2)
    watch = Watch(rule=rule, judge=lambda *_: next(coming))
    for k in range(len(losses)):
        watch.look({"w": torch.tensor(float(k))}, {})
    assert (watch.place, watch.stopped) == (place, stopped)
    start = watch.part("params", {"w": torch.tensor(-1.0)})["w"].item()
    assert start == (-1.0 if place is None else place)
    again = Watch(rule=rule, judge=watch.judge)
    again.restore(watch.tensors(), "cpu")
    assert (again.losses, again.place, again.stopped) == (watch.losses, place, stopped)
    assert again.report() == watch.report()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every": 0}, "every = 0"),
        ({"patience": 0}, "patience = 0"),
        ({"every": 2.5}, "every = 2.5"),
        ({"episodes": waves}, "type function"),
        (
            {"episodes": Episodes(**KEPT.named() | {"query_y": KEPT.query_y * math.nan})},
            "NaN in query_y",
        ),
    ],
)
def test_bad_validations(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Validation(**{"episodes": KEPT, **arguments})


def test_other_bad_input() -> None:
    with pytest.raises(InputError, match="every 100 of 99"):
        recipe().fit(waves, iterations=99, validation=KEPT)
    with pytest.raises(InputError, match="type str"):
        recipe().fit(waves, iterations=9, validation="tasks")  # type: ignore[arg-type]
