"""Hypothesis strategies for spaces, configs, tasks, histories and portfolios."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.portfolio import Portfolio
from autometa.space import SearchSpace, same
from autometa.task import State, Task, TaskHistory

# The machine's load decides how long an example takes, so no example has a deadline.
# In CI the examples are the same each time: a change is judged by what it changes. By hand they are
# new each time, and find more.
settings.register_profile(
    "autometa",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("autometa")

seeds = st.integers(0, 2**32 - 1)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**31), 2**31),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)


@st.composite
def floats(draw: st.DrawFn) -> FloatDistribution:
    kind = draw(st.sampled_from(["linear", "log", "step"]))
    if kind == "log":
        low = draw(st.floats(1e-9, 1e6))
        return FloatDistribution(low, low * draw(st.floats(1.0, 1e9)), log=True)
    low = draw(st.floats(-1e6, 1e6))
    if kind == "linear":
        return FloatDistribution(low, low + draw(st.floats(0.0, 1e6)))
    step = draw(st.sampled_from([0.1, 0.25, 1e-3, 3.0, 7e-4, 1 / 3]))
    low = draw(st.integers(-1000, 1000)) * step
    with warnings.catch_warnings():
        # Optuna says so where the last step ends a rounding error below `high`.
        warnings.simplefilter("ignore")
        return FloatDistribution(low, low + draw(st.integers(0, 500)) * step, step=step)


@st.composite
def integers(draw: st.DrawFn) -> IntDistribution:
    if draw(st.booleans()):
        low = draw(st.integers(1, 100))
        return IntDistribution(low, low + draw(st.integers(0, 2**39)), log=True)
    low, step = draw(st.integers(-1000, 1000)), draw(st.integers(1, 7))
    return IntDistribution(low, low + step * draw(st.integers(0, 2**36)), step=step)


@st.composite
def categories(draw: st.DrawFn) -> CategoricalDistribution:
    choices: list[Any] = []
    for choice in draw(st.lists(plain, min_size=1, max_size=6)):
        if not any(same(choice, c) for c in choices):
            choices.append(choice)
    return CategoricalDistribution(choices)


distributions: st.SearchStrategy[BaseDistribution] = st.one_of(floats(), integers(), categories())


@st.composite
def spaces(draw: st.DrawFn, name: str = "") -> SearchSpace:
    """Random spaces with conditions up to several levels deep."""
    table = draw(st.dictionaries(names, distributions, min_size=1, max_size=6))
    parents = list(table)
    conditions = {}
    for i, child in enumerate(parents[1:], start=1):
        parent = draw(st.sampled_from(parents[:i]))
        distribution = table[parent]
        if draw(st.booleans()):
            continue
        if isinstance(distribution, CategoricalDistribution):
            on = draw(st.lists(st.sampled_from(distribution.choices), min_size=1))
        elif isinstance(distribution, IntDistribution) or distribution.step is not None:  # type: ignore[attr-defined]
            on = [distribution.low]  # type: ignore[attr-defined]
        else:
            continue
        conditions[child] = (parent, on)
    order = draw(st.permutations(parents))
    return SearchSpace({n: table[n] for n in order}, conditions=conditions, name=name)


@st.composite
def histories(draw: st.DrawFn, space: SearchSpace, name: str) -> TaskHistory:
    """Random histories with all kinds of trials."""
    n = draw(st.integers(0, 8))
    rng = np.random.default_rng(draw(seeds))
    states = rng.choice([s.value for s in State], n)
    values = np.where(
        (states == State.COMPLETE) | (rng.random(n) < 0.5), rng.normal(size=n), np.nan
    )
    return TaskHistory(
        task=Task(
            name=name,
            space=space,
            direction="minimize",
            family=draw(st.sampled_from(["", "relatives"])),
            meta_features=draw(st.dictionaries(names, st.floats(-1e9, 1e9), max_size=3)),
            info=draw(st.dictionaries(names, plain, max_size=3)),
        ),
        raw=space.sample_raw(n, rng),
        values=values,
        states=states,
        fidelity=rng.uniform(0.01, 1.0, n),
        seconds=np.where(rng.random(n) < 0.5, rng.random(n), np.nan),
        fold_scores=_holes(rng, n, draw(st.integers(0, 3))),
        curves=_holes(rng, n, draw(st.integers(0, 5))),
    )


def _holes(rng: np.random.Generator, n: int, width: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.where(rng.random((n, width)) < 0.4, np.nan, rng.random((n, width)))


@st.composite
def portfolios(draw: st.DrawFn) -> Portfolio:
    """Up to two spaces with up to three tasks each."""
    result: list[TaskHistory] = []
    for name in draw(st.lists(names, max_size=2, unique=True)):
        space = draw(spaces(name=name))
        tasks = draw(st.lists(names, max_size=3, unique=True))
        result += [draw(histories(space, t)) for t in tasks]
    return Portfolio(result, licence=draw(st.text(max_size=5)), provenance={"seed": 1})
