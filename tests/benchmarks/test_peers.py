"""Methods on bad priors, and rgpe; that every listed method runs is in tests/bench."""

from __future__ import annotations

import numpy as np
import pytest

from autometa.bench import run
from autometa_benchmarks.methods.rgpe import ranking_loss
from autometa_benchmarks.suites.adversarial import KINDS, AdversarialSynthetic


def test_rgpe_runs_on_one_prior_task_and_repeats_itself() -> None:
    curves = [
        run(
            AdversarialSynthetic(),
            ["rgpe"],
            tasks=["one-task/f01"],
            seeds=(0,),
            trials=7,
            evaluations=12,
        )["methods"]["rgpe"]["curve"]
        for _ in range(2)
    ]
    assert len(curves[0]) == 7
    assert curves[0] == curves[1]


@pytest.mark.parametrize("kind", KINDS)
def test_no_bad_prior_stops_a_warm_method(kind: str) -> None:
    said: list[str] = []
    run(
        AdversarialSynthetic(),
        ["enqueue3-tpe", "ws-cma-es"],
        tasks=[f"{kind}/f01"],
        seeds=(0,),
        trials=5,
        evaluations=8,
        message=said.append,
    )
    assert said == []


def test_a_cold_method_runs_once_for_all_priors_of_a_target() -> None:
    found = run(
        AdversarialSynthetic(),
        ["random"],
        tasks=["flipped/f01", "empty/f01"],
        seeds=(0,),
        trials=4,
    )["methods"]["random"]["per_task"]
    assert found["flipped/f01"] == found["empty/f01"]


def test_ranking_loss_counts_misordered_pairs() -> None:
    values = np.array([0.0, 1.0, 2.0])
    samples = np.array([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0], [0.0, 2.0, 1.0]])
    assert ranking_loss(samples, values, crossed=False).tolist() == [0.0, 6.0, 2.0]
