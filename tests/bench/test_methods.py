from __future__ import annotations

import pytest

from autometa.bench import methods, run
from autometa.bench.methods.greedy import greedy_configs
from autometa.bench.suites.synthetic import SPACE, Synthetic

SLOW = ("cold-gp", "enqueue3-gp", "rgpe")


@pytest.mark.parametrize(
    "name", [n for n in methods.names() if n not in SLOW and not n.startswith("autometa")]
)
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


def test_the_greedy_portfolio_begins_better_than_random_configs(suite: Synthetic) -> None:
    prior = suite.prior("test", 60, 0)
    config = greedy_configs(prior, SPACE, 0)[0]
    reached = []
    for task in suite.chosen("test"):
        objective = suite.objective(task)
        assert callable(objective)
        reached.append((objective(config) or 0.0) > suite.reference(task).middle)
    assert sum(reached) >= 5
