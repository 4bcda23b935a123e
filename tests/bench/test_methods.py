from __future__ import annotations

import numpy as np
import pytest

from autometa.bench import methods, run
from autometa.bench.methods.greedy import greedy_configs
from autometa.bench.methods.rgpe import ranking_loss
from autometa.bench.suites.adversarial import KINDS, AdversarialSynthetic
from autometa.bench.suites.synthetic import SPACE, Synthetic

QUICK = [n for n in methods.names() if n not in ("cold-gp", "enqueue3-gp") and "autometa" not in n]


@pytest.mark.parametrize("name", [n for n in QUICK if n != "rgpe"])
def test_every_method_runs_a_mixed_conditional_space_and_repeats_itself(name: str) -> None:
    if methods.get(name).missing():
        pytest.skip(f"{name} needs {methods.get(name).missing()}")
    options = {"tasks": ["f01"], "seeds": (0,), "trials": 12, "evaluations": 12}
    said: list[str] = []
    first, second = (
        run("synthetic", [name], message=said.append, **options)  # type: ignore[arg-type]
        for _ in range(2)
    )
    assert said == []
    curves = [r["methods"][name]["curve"] for r in (first, second)]
    assert len(curves[0]) == 12
    assert curves[0] == curves[1]


@pytest.mark.parametrize("name", [n for n in methods.names() if n.startswith("autometa")])
def test_ours_and_its_ablations_start_alike_and_then_differ(name: str) -> None:
    options = {"tasks": ["f01"], "seeds": (0,), "trials": 9, "evaluations": 20}
    ours, other = (
        run("synthetic", [n], **options)["methods"][n]["curve"]  # type: ignore[arg-type]
        for n in ("autometa", name)
    )
    assert ours[:3] == other[:3]
    assert len(other) == 9


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


def test_the_greedy_portfolio_begins_better_than_random_configs(suite: Synthetic) -> None:
    prior = suite.prior("test", 60, 0)
    config = greedy_configs(prior, SPACE, 0)[0]
    reached = []
    for task in suite.chosen("test"):
        objective = suite.objective(task)
        assert callable(objective)
        reached.append((objective(config) or 0.0) > suite.reference(task).middle)
    assert sum(reached) >= 5


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
