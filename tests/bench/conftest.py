from __future__ import annotations

import pytest
from optuna.samplers import RandomSampler

from autometa.bench.method import Method, cold
from autometa.bench.suites.synthetic import Synthetic


@pytest.fixture
def suite() -> Synthetic:
    return Synthetic()


@pytest.fixture
def random() -> Method:
    return Method(
        name="random",
        about="random",
        prepare=cold(lambda seed: RandomSampler(seed=seed)),
        uses_prior=False,
    )
