"""A model that was fitted once, and situations written down: these tests make no study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from autometa.encoding import Floats
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.spaces.study_space import StudySpace
from autometa.portfolio import Portfolio
from autometa.space import Config
from autometa.suggest import Observations, Setup, Situation
from autometa.testing.families import Bowls

BOWLS = Bowls()

At = Callable[..., Situation]


@pytest.fixture(scope="session")
def model() -> MetaModel:
    """Of eight prior tasks."""
    return MetaLearner(seed=0, steps=100).fit(BOWLS.portfolio(8, 30))


@pytest.fixture(scope="session")
def empty() -> MetaModel:
    """Of none."""
    return MetaLearner(seed=0).fit(Portfolio(), space=BOWLS.space)


@pytest.fixture
def setup(model: MetaModel) -> Setup:
    """What a sampler of the model has by default."""
    return Setup.of(model, seed=0)


def encoded(configs: Sequence[Config]) -> Floats:
    """Configs of the bowls in unit columns, (n, d)."""
    space = BOWLS.space
    return space.encode_raw(space.to_raw(configs)) if configs else np.zeros((0, space.dim))


def drawn(n: int, seed: int = 1) -> list[Config]:
    """Random configs of the bowls."""
    space = BOWLS.space
    return space.from_raw(space.sample_raw(n, np.random.default_rng(seed)))


def observed(configs: Sequence[Config], **others: Any) -> Observations:
    """Trials of the 101st bowl."""
    return Observations.of(encoded(configs), [*map(BOWLS.objective(101), configs)], **others)


def situation(number: int, seen: Observations | None = None, **more: Any) -> Situation:
    """In the prior's own space, where the first three trials had the start, unless said."""
    known: dict[str, Any] = {"space": StudySpace(BOWLS.space), "places": frozenset({0, 1, 2})}
    seen = Observations.none(BOWLS.space.dim) if seen is None else seen
    return Situation(number=number, observed=seen, **{**known, **more})
