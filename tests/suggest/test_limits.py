"""What constraint values say of where limits are kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autometa.errors import InputError
from autometa.meta import MetaModel
from autometa.suggest import Setup, suggest
from autometa.suggest.limits import Limits
from autometa.suggest.suggestion import INFEASIBLE
from tests.suggest.conftest import drawn, encoded, observed, situation

RNG = np.random.default_rng(0)
UNIT = RNG.uniform(size=(24, 4))
ASKED = np.array([[0.1, 0.5, 0.5, 0.5], [0.3, 0.5, 0.5, 0.5], [0.9, 0.5, 0.5, 0.5]])


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_the_chance_follows_the_values_whatever_their_scale(scale: float) -> None:
    limits = Limits(unit=UNIT, values=scale * (0.5 - UNIT[:, :1]))
    far, broken, kept = limits.fit().log_chance(ASKED)
    assert far < broken < np.log(0.1)
    assert np.exp(kept) > 0.8


def test_all_of_several_limits_must_be_kept_and_those_never_broken_say_nothing() -> None:
    left, low, never = 0.5 - UNIT[:, 0], 0.5 - UNIT[:, 1], -1.0 - UNIT[:, 2]
    both = Limits(unit=UNIT, values=np.stack([left, low, never], axis=1)).fit()
    assert len(both.processes) == 2
    corners = np.array([[0.9, 0.1, 0.5, 0.5], [0.1, 0.9, 0.5, 0.5], [0.9, 0.9, 0.5, 0.5]])
    one, other, inside = np.exp(both.log_chance(corners))
    assert max(one, other) < 0.1 < 0.8 < inside


def test_a_draw_is_near_the_trials_where_they_are_and_differs_elsewhere() -> None:
    values = 0.5 - UNIT[:, 0]
    fitted = Limits(unit=UNIT, values=values[:, None]).fit()
    draws = np.stack([fitted.drawn_excess(UNIT, np.random.default_rng(s)) for s in range(8)])
    assert (np.sign(draws) == np.sign(values)).mean() > 0.9
    far = np.stack([fitted.drawn_excess(ASKED, np.random.default_rng(s)) for s in range(8)])
    assert far.std(axis=0).min() > 0.0


def test_little_or_nothing_said_is_not_heard() -> None:
    values = 0.5 - UNIT[:, :1]
    assert Limits(unit=UNIT, values=values).speaks
    assert not Limits(unit=UNIT[:2], values=np.array([[1.0], [2.0]])).speaks  # too few
    assert not Limits(unit=UNIT, values=-np.abs(values)).speaks  # never broken
    assert not Limits(unit=UNIT, values=np.ones((24, 1))).speaks  # broken alike everywhere
    with pytest.raises(InputError):
        Limits(unit=UNIT, values=values[:3])


def test_of_many_the_nearest_to_a_limit_and_the_latest_stay() -> None:
    limits = Limits(unit=UNIT, values=np.linspace(-1.0, 2.0, 24)[:, None])
    few = limits.at_most(8)
    assert len(few.values) <= 8
    assert {20, 21, 22, 23} <= {int(np.flatnonzero((u == UNIT).all(axis=1))[0]) for u in few.unit}
    assert np.abs(few.values).min() == np.abs(limits.values).min()
    assert limits.at_most(24) is limits


@pytest.mark.parametrize("cold", [False, True])
def test_while_no_trial_is_feasible_the_next_goes_where_limits_may_be_kept(
    model: MetaModel, cold: bool
) -> None:
    configs = drawn(10)
    unit = encoded(configs)
    limits = Limits(unit=unit, values=unit[:, :1] + 0.01)  # kept towards the left, so far nowhere
    setup = Setup.of(model, seed=0)
    number = setup.policy.cold_from if cold else 7
    seen = replace(observed([]), failed=unit, limits=limits)
    found = suggest(setup, situation(number, seen))
    assert (found.rule, found.reason) == ("cold" if cold else "transfer", INFEASIBLE)
    assert encoded([found.config])[0, 0] < np.median(unit[:, 0])


def test_a_search_keeps_away_from_what_broke_a_limit(model: MetaModel) -> None:
    configs = drawn(20)
    unit = encoded(configs)
    broken = unit[:, 1] > 0.4
    kept = [c for c, b in zip(configs, broken, strict=True) if not b]
    seen = observed(kept, failed=unit[broken])
    told = replace(seen, limits=Limits(unit=unit, values=unit[:, 1:2] - 0.4))
    setup = Setup.of(model, seed=0)
    for number in (4, 8):  # informed and cold
        found = suggest(setup, situation(number, told))
        assert encoded([found.config])[0, 1] < 0.5
