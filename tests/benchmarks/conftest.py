from __future__ import annotations

import os
from pathlib import Path

import pytest

from autometa.bench.method import Method
from autometa.bench.methods.cold import RANDOM


@pytest.fixture
def data() -> Path:
    """The public data, where AUTOMETA_DATA names them."""
    if "AUTOMETA_DATA" not in os.environ:
        pytest.skip("AUTOMETA_DATA names no folder with public data")
    return Path(os.environ["AUTOMETA_DATA"])


@pytest.fixture
def random() -> Method:
    return RANDOM
