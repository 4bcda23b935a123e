from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tests.hostile.fuzz import outcome
from tests.hostile.readers import Reader, readers
from tests.strategies import seeds

NAMES = (
    "portfolio manifest",
    "portfolio Parquet",
    "portfolio Parquet, late",
    "model file",
    "model header",
    "model tensors",
    "inner model index",
    "inner model tensors",
    "trials CSV",
    "trials Parquet",
    "table CSV",
    "table CSV, packed",
    "table Parquet",
    "search space",
    "MLflow JSON",
    "W&B CSV",
    "W&B JSON",
    "study journal",
    "study sqlite",
    "study attributes",
    "bench journal",
    "bench results",
    "inner results",
    "collection journal",
)


@functools.cache
def _all() -> dict[str, Reader]:
    return {reader.name: reader for reader in readers()}


def test_every_reader_is_named() -> None:
    assert tuple(_all()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_what_is_valid_loads(name: str) -> None:
    assert outcome(_all()[name], _all()[name].valid) == "loads"


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(seed=seeds)
def test_hostile_input_is_read_or_refused(name: str, seed: int) -> None:
    reader = _all()[name]
    assert outcome(reader, reader.hostile(np.random.default_rng(seed))) in ("loads", "error")
