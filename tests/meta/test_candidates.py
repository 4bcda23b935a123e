from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.meta.spaces.candidates import Candidates, Part
from autometa.space import SearchSpace
from autometa.testing.families import bowl_space
from tests.strategies import seeds, spaces


def _hair(distribution: BaseDistribution) -> bool:
    """Whether a range is so narrow that rounding decides the unit value."""
    if not isinstance(distribution, FloatDistribution) or distribution.single():
        return False
    width = distribution.high - distribution.low
    return width < 1e-9 * max(abs(distribution.low), abs(distribution.high), 1e-290)


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


def _branches() -> SearchSpace:
    return SearchSpace(
        {
            "kind": CategoricalDistribution(["a", "b"]),
            "choice": CategoricalDistribution(["p", "q", "r", "s"]),
            "deeper": CategoricalDistribution(["u", "v"]),
            "number": FloatDistribution(0.0, 1.0),
            "whole": IntDistribution(1, 4),
        },
        conditions={
            "choice": ("kind", ["b"]),
            "deeper": ("choice", ["q", "r"]),
            "number": ("kind", ["b"]),
            "whole": ("kind", ["b"]),
        },
    )


def test_what_is_switched_on_begins_anywhere() -> None:
    space = _branches()
    start = np.repeat(space.encode({"kind": "a"})[None], 4000, axis=0)
    moved = Candidates(space).perturb(start, np.random.default_rng(0), scale=0.15, bounds=0.06)
    raw = space.decode_raw(moved)
    on = raw[raw[:, 0] == 1]
    assert len(on) > 300
    choices = np.bincount(on[:, 1].astype(int), minlength=4) / len(on)
    assert choices.min() > 0.15
    deeper = on[~np.isnan(on[:, 2]), 2]
    assert 0.35 < deeper.mean() < 0.65
    assert np.quantile(on[:, 3], 0.2) < 0.3 < 0.7 < np.quantile(on[:, 3], 0.8)
    assert (np.bincount(on[:, 4].astype(int), minlength=5)[1:] > 0.1 * len(on)).all()


@given(seeds)
def test_candidates_of_a_part_stay_in_it(seed: int) -> None:
    space = SearchSpace(
        {
            "rate": FloatDistribution(1e-4, 1.0, log=True),
            "depth": IntDistribution(1, 20),
            "step": FloatDistribution(0.0, 2.0, step=0.25),
            "fixed": FloatDistribution(-1.0, 1.0),
            "kind": CategoricalDistribution(["a", "b", "c"]),
            "child": IntDistribution(1, 8, log=True),
        },
        conditions={"child": ("kind", ["b"])},
    )
    part = Part(
        numbers={
            "rate": FloatDistribution(1e-3, 1e-2, log=True),
            "depth": IntDistribution(3, 9, step=3),
            "step": FloatDistribution(0.25, 1.25, step=0.5),
            "fixed": FloatDistribution(0.3, 0.3),
            "child": IntDistribution(2, 4, log=True),
        },
        choices={"kind": 1},
    )
    rng = np.random.default_rng(seed)
    make = Candidates(space, part)
    outside = Candidates(space).random(40, rng)
    for unit in (
        make.random(40, rng),
        make.repair(outside),
        make.touch_bounds(outside, rng, 0.5),
        make.perturb(outside, rng, scale=0.3, bounds=0.2),
    ):
        rate, depth, step, fixed, kind, child = space.decode_raw(unit).T
        assert (rate >= 1e-3 * (1 - 1e-9)).all()
        assert (rate <= 1e-2 * (1 + 1e-9)).all()
        assert np.isin(depth, (3, 6, 9)).all()
        assert np.isin(step, (0.25, 0.75, 1.25)).all()
        assert np.allclose(fixed, 0.3)
        assert (kind == 1).all()
        assert np.isin(child, (2, 3, 4)).all()
    assert not make.free(make.random(5, rng))[:, space.slices["fixed"]].any()
