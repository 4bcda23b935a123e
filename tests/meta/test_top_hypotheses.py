"""Which hypotheses are heard: a matter of the mass of an arm, not of the number of its readings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from autometa.meta.inference.hypotheses import Arm, Hypothesis
from autometa.meta.inference.posterior import Posterior, _top_hypotheses
from autometa.meta.learner import MetaLearner
from autometa.meta.parts.kernel import Kernel
from autometa.testing.families import Bowls


@dataclass
class Fitted:
    hypothesis: Hypothesis
    log_evidence: float


def fitted(arm: Arm, *evidence: float) -> list[Fitted]:
    return [Fitted(Hypothesis(arm=arm), e) for e in evidence]


def heard(every: list[Fitted]) -> tuple[list[str], np.ndarray, float]:
    fits, weights, share = _top_hypotheses(every, np.zeros(len(every)))  # type: ignore[arg-type]
    return [f.hypothesis.arm for f in fits], weights, share


def test_many_small_readings_outweigh_three_large_ones() -> None:
    every = [*fitted("cold", 0.0, 0.0, 0.0), *fitted("transfer", *[-0.05] * 6)]
    arms, weights, share = heard(every)
    assert share == pytest.approx(0.655, abs=1e-3)
    assert len(arms) == 3
    assert weights.sum() == pytest.approx(1.0)
    assert weights[np.array(arms) == "transfer"].sum() == pytest.approx(share)


@pytest.mark.parametrize(("evidence", "arms"), [(-2.0, {"transfer", "cold"}), (-2.4, {"cold"})])
def test_an_arm_is_heard_from_a_tenth_of_the_mass_on(evidence: float, arms: set[str]) -> None:
    found, weights, share = heard([*fitted("cold", 0.0), *fitted("transfer", evidence)])
    assert set(found) == arms
    assert share == pytest.approx(1.0 / (1.0 + np.exp(-evidence)))
    assert weights.sum() == pytest.approx(1.0)


def test_one_arm_alone_is_heard_whole() -> None:
    assert heard(fitted("cold", 0.0, -1.0))[2] == 0.0
    arms, weights, share = heard(fitted("transfer", 0.0, -1.0, -2.0, -30.0))
    assert arms == ["transfer"] * 3
    assert share == 1.0
    assert weights.tolist() == sorted(weights, reverse=True)


def test_the_weights_of_prior_tasks_sum_to_the_share_that_is_heard() -> None:
    family = Bowls()
    model = MetaLearner(seed=0, steps=60).fit(family.portfolio(6, 25))
    assert model.transfer is not None
    rng = np.random.default_rng(0)
    for sign, n in ((1.0, 4), (1.0, 14), (-1.0, 6), (-1.0, 20), (0.0, 9)):
        unit = family.space.encode_raw(family.space.sample_raw(n, rng))
        scores = sign * family.score(103)(unit) + (sign == 0.0) * rng.standard_normal(n)
        posterior = Posterior(model.transfer, unit, scores)
        share = posterior.transfer_share
        expected = 0.0 if share < 0.1 else 1.0 if share > 0.9 else share
        assert posterior.task_weights.sum() == pytest.approx(expected)
        assert posterior.uses_transfer == (share >= 0.1)


@pytest.mark.parametrize(
    ("learned", "reading", "believed"),
    [
        (1e-6, {}, 1e-3),
        (0.05, {}, 0.05),
        (0.05, {"residual": 4.0}, 0.05),
        (0.7, {}, 0.1),
        (0.7, {"noisy": True}, 0.2),
        (0.7, {"adapted": True}, 0.7),
    ],
)
def test_noise_that_prior_tasks_taught_is_believed_in_bounds(
    learned: float, reading: dict[str, Any], believed: float
) -> None:
    kernel = Kernel(scales=np.ones(2), variance=1.0, noise=learned)
    assert Hypothesis(arm="transfer", **reading).noise(kernel) == pytest.approx(believed)
