from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from scipy import stats
from sklearn.tree import DecisionTreeClassifier

from autometa.errors import SpaceError
from autometa.sklearn.distributions import Asked
from autometa.space import SearchSpace


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (IntDistribution(1, 9), IntDistribution(1, 9)),
        (stats.uniform(2, 3), FloatDistribution(2, 5)),
        (stats.loguniform(1e-3, 1.0), FloatDistribution(1e-3, 1.0, log=True)),
        (stats.loguniform(1.0, 5.0), FloatDistribution(1.0, 5.0, log=True)),
        (stats.uniform(0.001, 10), FloatDistribution(0.001, 10.001, log=True)),
        (stats.randint(3, 8), IntDistribution(3, 7)),
        ([1, None, "x"], CategoricalDistribution([1, None, "x"])),
        (np.array([0.5, 2.0]), CategoricalDistribution([0.5, 2.0])),
        (range(2), CategoricalDistribution([0, 1])),
    ],
)
def test_what_is_taken(given: Any, expected: BaseDistribution) -> None:
    assert Asked.of({"x": given}).space.distributions == {"x": expected}


def test_an_infinite_support_ends_at_its_quantiles() -> None:
    low, high = stats.norm(0, 2).ppf([0.001, 0.999]).tolist()
    normal = Asked.of({"x": stats.norm(0, 2)}).space.distributions["x"]
    assert normal == FloatDistribution(low, high)
    counts = Asked.of({"x": stats.poisson(5)}).space.distributions["x"]
    assert counts == IntDistribution(0, 13)


def test_objects_stand_as_text_and_come_back() -> None:
    shapes, tree = [(5,), (5, 5)], DecisionTreeClassifier(max_depth=2)
    asked = Asked.of({"shape": shapes, "model": [tree, "passthrough", np.tanh]})
    assert asked.space.distributions["shape"] == CategoricalDistribution(["(5,)", "(5, 5)"])
    assert asked.space.distributions["model"] == CategoricalDistribution(
        ["DecisionTreeClassifier(max_depth=2)", "passthrough", "tanh"]
    )
    back = asked.params({"shape": "(5, 5)", "model": str(tree), "foreign": 1})
    assert back == {"shape": (5, 5), "model": tree}


def test_a_space_keeps_its_conditions() -> None:
    space = SearchSpace(
        {"kernel": CategoricalDistribution(["a", "b"]), "gamma": FloatDistribution(0, 1)},
        conditions={"gamma": ("kernel", ["b"])},
    )
    assert Asked.of(space).space is space


@pytest.mark.parametrize(
    "given", [None, [], {}, {"x": 3}, {"x": []}, {"x": "abc"}, {"x": [1, 1]}, {"x": stats.beta}]
)
def test_what_is_refused(given: Any) -> None:
    with pytest.raises(SpaceError):
        Asked.of(given)
