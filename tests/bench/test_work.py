"""What a cell is run for, and what it is not run for twice."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from optuna.distributions import FloatDistribution

from autometa.bench import run
from autometa.bench.method import Method
from autometa.bench.suite import BenchTask, Objective, Reference
from autometa.bench.suites.synthetic import Synthetic
from autometa.space import Config, SearchSpace

LOW = SearchSpace({"x": FloatDistribution(0.0, 1.0)}, name="low")
HIGH = SearchSpace({"x": FloatDistribution(2.0, 3.0)}, name="high")


class Variants(Synthetic):
    """One target by two priors, and in another space; the value is the parameter."""

    name = "variants-of-a-target"

    def __init__(self) -> None:
        self.asked = 0

    @cached_property
    def tasks(self) -> tuple[BenchTask, ...]:
        one = super().tasks[0]
        return tuple(
            replace(
                one, task=replace(one.task, name=name, space=space), target="same", split="test"
            )
            for name, space in (("a", LOW), ("b", LOW), ("c", HIGH))
        )

    def reference(self, task: BenchTask) -> Reference:
        return Reference(best=0.0, middle=1.0)

    def objective(self, task: BenchTask) -> Objective:
        def value(config: Config) -> float:
            self.asked += 1
            x = config["x"]
            assert isinstance(x, float)
            return x

        return value


def test_a_cold_search_is_shared_by_tasks_of_one_target_in_one_space_only(random: Method) -> None:
    suite = Variants()
    found = run(suite, [random], tasks=["a", "b", "c"], seeds=(0,), trials=4)
    curves = found["methods"]["random"]["per_task"]
    assert suite.asked == 8  # a and b are one search
    assert curves["a"] != curves["c"]
