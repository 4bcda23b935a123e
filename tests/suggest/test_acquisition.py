"""Acquisitions: two plain functions, pluggable, searched for their best config."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from autometa.encoding import Floats
from autometa.meta.inference.posterior import Posterior
from autometa.suggest import Observations, Policy, Setup, suggest
from autometa.suggest.acquisition import Acquisition, numeric_slope
from autometa.suggest.acquisitions.expected_improvement import EXPECTED_IMPROVEMENT
from autometa.suggest.configs import informed_config, posterior_of
from tests.suggest.conftest import BOWLS, drawn, encoded, observed, situation


def _least_depth(
    posterior: Posterior, seen: Observations, unit: Floats, features: Floats
) -> Floats:
    """Nothing but a small second column counts."""
    return -100.0 * unit[:, 1]


LEAST_DEPTH = Acquisition(name="the least depth", value=_least_depth)


def _deep(posterior: Posterior, seen: Observations, unit: Floats) -> tuple[Floats, Floats]:
    raise AssertionError("a pool needs no slope")


@pytest.mark.parametrize(("number", "rule"), [(5, "transfer"), (8, "cold")])
def test_an_acquisition_of_ones_own_decides(setup: Setup, number: int, rule: str) -> None:
    """Without a slope of its own it is climbed numerically."""
    own = Setup.of(setup.model, policy=Policy(acquisition=LEAST_DEPTH))
    now = situation(number, observed(drawn(number)))
    found = suggest(own, now)
    assert (found.rule, found.config["depth"]) == (rule, 1)
    assert suggest(setup, now).config != found.config


def test_a_pool_is_ranked_by_it(setup: Setup) -> None:
    pool = drawn(30, 4)
    policy = Policy(acquisition=replace(LEAST_DEPTH, slope=_deep))
    own = Setup.of(setup.model, policy=policy, pool=pool)
    found = suggest(own, situation(5, observed(pool[:5])))
    assert found.config["depth"] == min(c["depth"] for c in pool[5:])  # type: ignore[type-var]


def test_failures_still_count(setup: Setup) -> None:
    """All shallow trials failed, so the least depth alone is not the most that is promised."""
    shallow = [{**c, "depth": 1} for c in drawn(20, 6)]
    seen = observed([{**c, "depth": 8} for c in drawn(5)], failed=encoded(shallow))
    weak = replace(LEAST_DEPTH, value=_weakly)
    own = Setup.of(setup.model, policy=Policy(acquisition=weak))
    assert int(suggest(own, situation(25, seen)).config["depth"]) > 1  # type: ignore[arg-type]


def _weakly(posterior: Posterior, seen: Observations, unit: Floats, features: Floats) -> Floats:
    return -0.01 * unit[:, 1]


def test_numeric_slopes_are_those_of_the_default(setup: Setup) -> None:
    now = situation(6, observed(drawn(6)))
    knowledge = setup.knowledge(now.space)
    hypotheses = Policy().competing(cold=False)
    posterior, seen = posterior_of(knowledge, now.observed, hypotheses)
    unit = encoded(drawn(4, 8))
    assert EXPECTED_IMPROVEMENT.slope is not None
    value, slope = EXPECTED_IMPROVEMENT.slope(posterior, seen, unit)
    same, numeric = numeric_slope(posterior.log_ei, unit)
    assert np.allclose(value, same)
    assert np.allclose(slope, numeric, rtol=1e-3, atol=1e-4)


def test_the_best_is_found_whoever_computes_the_slope(setup: Setup) -> None:
    now = situation(6, observed(drawn(6)))
    knowledge = setup.knowledge(now.space)
    posterior, seen = posterior_of(knowledge, now.observed, Policy().competing(cold=False))
    best = [
        informed_config(
            knowledge,
            now.space,
            posterior,
            seen,
            np.random.default_rng(0),
            acquisition=replace(EXPECTED_IMPROVEMENT, slope=slope),
        )
        for slope in (EXPECTED_IMPROVEMENT.slope, None)
    ]
    values = posterior.log_ei(np.array(best))
    random = posterior.log_ei(encoded(drawn(500, 9)))
    assert values[1] == pytest.approx(values[0], abs=0.1)
    assert values.min() > random.max()


def test_policies_with_acquisitions_survive_a_pickle() -> None:
    for policy in (Policy(), Policy(acquisition=LEAST_DEPTH)):
        assert pickle.loads(pickle.dumps(policy)) == policy
    assert BOWLS.space.names[1] == "depth"
