"""Switches: what decides whether a parameter is asked for, seen in trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.meta.spaces.switches import Switches

PARENTS: dict[str, BaseDistribution] = {
    "count": IntDistribution(1, 4),
    "kind": CategoricalDistribution(["a", "b", "c"]),
    "flag": CategoricalDistribution([True, False, 1, None]),
    "large": IntDistribution(1, 1000),
    "share": FloatDistribution(0.0, 1.0),
}


def seen(trials: Sequence[dict[str, Any]]) -> Switches:
    switches = Switches()
    for params in trials:
        switches.add(params, {n: d for n, d in PARENTS.items() if n in params})
    return switches


@pytest.mark.parametrize(
    ("trials", "switch"),
    [
        ([{"kind": "a"}], ("kind", ("b", "c"))),
        ([{"kind": "a"}, {"kind": "b", "x": 1}], ("kind", ("b", "c"))),
        ([{"kind": "a"}, {"kind": "b", "x": 1}, {"kind": "a", "x": 1}], None),
        ([{"kind": k} for k in "abc"], None),  # never asked for, whatever it is
        ([{"flag": True}, {"flag": 1, "x": 1}], ("flag", (False, 1, None))),
        ([{"flag": None}, {"flag": False, "x": 1}], ("flag", (True, False, 1))),
        ([{"count": 2}, {"count": 4, "x": 1}], ("count", (3, 4))),
        ([{"count": 2}, {"count": 1, "x": 1}], None),
        ([{"count": 4}], None),
        ([{"count": 1, "kind": "a"}, {"count": 2, "kind": "a", "x": 1}], ("count", (2, 3, 4))),
        ([{"count": 1, "kind": "a"}], ("kind", ("b", "c"))),  # a category first
        ([{"kind": "a"}, {"x": 1}], None),  # there without the other
        ([{"large": 3}, {"large": 9, "x": 1}], None),
        ([{"share": 0.1}, {"share": 0.9, "x": 1}], None),
        ([{"kind": "a", "x": 1}], None),  # never lacked
    ],
)
def test_what_explains_a_parameter(trials: list[dict[str, Any]], switch: Any) -> None:
    assert seen(trials).of("x", PARENTS) == switch


@given(
    st.sets(st.sampled_from("abc"), max_size=3),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), max_size=12),
)
def test_a_switch_is_found_and_never_contradicts_a_trial(
    on: set[str], drawn: list[tuple[str, int]]
) -> None:
    trials = [{"kind": k, "count": n} | ({"x": 1} if k in on else {}) for k, n in drawn]
    found = seen(trials).of("x", PARENTS)
    cases = {"x" in t for t in trials}
    if cases == {True, False}:
        assert found is not None
    if found is not None:
        assert all(("x" in t) == (t[found[0]] in found[1]) for t in trials)
