from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from autometa.meta.candidates import Candidates
from autometa.space import SearchSpace
from autometa.testing.families import bowl_space
from tests.strategies import seeds, spaces


def _hair(distribution: BaseDistribution) -> bool:
    """Whether a range is so narrow that rounding decides the unit value."""
    if not isinstance(distribution, FloatDistribution) or distribution.single():
        return False
    width = distribution.high - distribution.low
    return width < 1e-9 * max(abs(distribution.low), abs(distribution.high))


@given(spaces(), seeds)
def test_every_candidate_is_a_valid_encoding(space: SearchSpace, seed: int) -> None:
    assume(not any(_hair(d) for d in space.distributions.values()))
    rng = np.random.default_rng(seed)
    make = Candidates(space)
    random = make.random(8, rng)
    for unit in (
        random,
        make.touch_bounds(random, rng, 0.5),
        make.perturb(random, rng, scale=0.2, bounds=0.1),
    ):
        raw = space.check_raw(space.decode_raw(unit))
        assert np.allclose(space.encode_raw(raw), unit, atol=1e-5)


def test_bounds_are_really_touched() -> None:
    space = bowl_space()
    rng = np.random.default_rng(0)
    make = Candidates(space)
    touched = make.touch_bounds(make.random(200, rng), rng, 0.5)
    rates = touched[:, space.slices["learning_rate"]]
    assert (rates == 0.0).any()
    assert (rates == 1.0).any()


def test_only_active_numbers_may_move_on_their_own() -> None:
    make = Candidates(bowl_space())
    unit = make.random(200, np.random.default_rng(0))
    free = make.free(unit)
    space = make.space
    assert free[:, space.slices["learning_rate"]].all()
    assert not free[:, space.slices["optimiser"]].any()
    sgd = unit[:, space.flags["momentum"]] > 0.5
    assert np.array_equal(free[:, space.slices["momentum"].start], sgd)
    assert 0 < sgd.sum() < 200


def test_false_and_zero_are_different_choices() -> None:
    space = SearchSpace(
        {
            "kind": CategoricalDistribution([False, 0, 1]),
            "x": FloatDistribution(0.0, 1.0),
        },
        conditions={"x": ("kind", [0])},
    )
    unit = Candidates(space).random(50, np.random.default_rng(0))
    repaired = Candidates(space).repair(unit)
    kinds = [c["kind"] for c in space.from_raw(space.decode_raw(repaired))]
    assert np.array_equal(repaired[:, space.flags["x"]], [k is not False and k == 0 for k in kinds])
