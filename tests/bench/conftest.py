from __future__ import annotations

from pathlib import Path

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


@pytest.fixture
def data() -> Path:
    """The public data, where AUTOMETA_DATA names them."""
    import os

    if "AUTOMETA_DATA" not in os.environ:
        pytest.skip("AUTOMETA_DATA names no folder with public data")
    return Path(os.environ["AUTOMETA_DATA"])
