from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autometa import children
from autometa.portfolio import Portfolio
from autometa.task import Task, TaskHistory
from autometa.tuning.race import rank, rounds


@given(st.integers(1, 12), st.integers(1, 200))
def test_rounds_spend_the_budget_and_end_with_one(count: int, trials: int) -> None:
    plan = rounds(count, trials)
    assert sum(r.survivors * r.trials for r in plan) == trials
    sizes = [r.survivors for r in plan]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == min(count, trials)
    if trials > 3 * count:
        assert sizes[-1] == 1


def prior(child: str, best: dict[str, float], where: dict[str, float]) -> Portfolio:
    space = children.get(child).space
    raw = space.sample_raw(3, np.random.default_rng(0))
    return Portfolio(
        TaskHistory(
            task=Task(
                name=name,
                space=space,
                direction="maximize",
                metric="r2",
                meta_features={"size": where[name], "same": 1.0},
            ),
            raw=raw,
            values=np.array([0.0, value, 0.1]),
        )
        for name, value in best.items()
    )


def test_the_child_that_did_best_on_similar_tasks_comes_first() -> None:
    where = {f"t{i}": float(i) for i in range(40)}
    low = {n: 0.9 if at < 20 else 0.2 for n, at in where.items()}
    high = {n: 0.2 if at < 20 else 0.9 for n, at in where.items()}
    known = {"svm": prior("svm", low, where), "linear": prior("linear", high, where)}
    assert rank(known, {"size": 2.0, "same": 1.0}, "r2") == ("svm", "linear")
    assert rank(known, {"size": 38.0, "same": 1.0}, "r2") == ("linear", "svm")


@pytest.mark.parametrize("metric", ["r2", "balanced_accuracy"])
def test_without_knowledge_the_order_is_kept(metric: str) -> None:
    some = prior("svm", {"t": 0.5}, {"t": 0.0})
    assert rank({"linear": Portfolio(), "svm": some}, {}, metric) == ("linear", "svm")
    assert rank({"linear": Portfolio()}, {}, metric) == ("linear",)
