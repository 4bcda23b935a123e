from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from autometa.collect import Collection, Protocol
from autometa.collect.plan import design
from autometa.errors import InputError
from autometa.limits import YEAR, seconds, whole
from autometa.tuning.tune import tune

NOT_WHOLE = [True, np.True_, 1.5, 2.0, "3", None, math.nan, math.inf, [3], np.float64(3)]
NO_TIME = [0, -1, -math.inf, math.nan, True, np.True_, "5", 10 * YEAR, [1], 1j]


@pytest.mark.parametrize("given", [3, np.int64(3), np.uint8(3)])
def test_whole_numbers_of_any_make_are_pythons_own(given: Any) -> None:
    found = whole(given, "n", low=3, high=3)
    assert found == 3
    assert type(found) is int


@pytest.mark.parametrize("given", NOT_WHOLE)
def test_what_is_no_whole_number(given: Any) -> None:
    with pytest.raises(InputError, match=r"folds = .*allowed: an integer from 2 to 9 \(the rows"):
        whole(given, "folds", low=2, high=9, of="the rows")


def test_limits_are_allowed_themselves() -> None:
    assert whole(2, "n", low=2) == 2
    for outside in (1, 10):
        with pytest.raises(InputError, match=f"n = {outside}"):
            whole(outside, "n", low=2, high=9)


@pytest.mark.parametrize("given", [0.5, 1, np.float32(2), np.int64(3), Fraction(1, 2), YEAR])
def test_seconds(given: Any) -> None:
    found = seconds(given, "timeout")
    assert type(found) is float
    assert found == given


@pytest.mark.parametrize("given", [None, math.inf, np.inf, np.float32("inf")])
def test_no_limit(given: Any) -> None:
    assert seconds(given, "timeout") is None


@pytest.mark.parametrize("given", NO_TIME)
def test_what_is_no_time(given: Any) -> None:
    with pytest.raises(InputError, match=r"timeout = .* s"):
        seconds(given, "timeout")


# Doors --------------------------------------------------------------------------------------------

X, Y = np.random.default_rng(0).normal(size=(30, 2)), [0, 1] * 15


@pytest.mark.parametrize("name", ["n_trials", "seed", "folds", "workers"])
@pytest.mark.parametrize("given", [-1, True, math.nan, math.inf, "3"])
def test_tune_refuses_by_name(name: str, given: Any) -> None:
    with pytest.raises(InputError, match=f"{name} = "):
        tune(X, Y, **{name: given})


@pytest.mark.parametrize("name", ["time", "trial_timeout"])
@pytest.mark.parametrize("given", [-1, 0, True, math.nan, 1e12])
def test_tune_refuses_times_by_name(name: str, given: Any) -> None:
    with pytest.raises(InputError, match=f"{name} = "):
        tune(X, Y, **{name: given})


@pytest.mark.parametrize("name", ["folds", "rows", "seed"])
@pytest.mark.parametrize("given", [-1, True, 2.5, math.nan])
def test_a_protocol_refuses_by_name(name: str, given: Any) -> None:
    with pytest.raises(InputError, match=f"{name} = "):
        Protocol(**{name: given})
    taken = Protocol(folds=np.int64(4))  # type: ignore[arg-type]
    assert type(taken.folds) is int


def test_a_collection_refuses_by_name(tmp_path: Any) -> None:
    from autometa.tables import load_table

    def collection(**changed: Any) -> Collection:
        tables = (load_table("sklearn:iris"),)
        return Collection(tables=tables, folder=tmp_path, children=("linear",), **changed)

    for configs in (-1, True, 2.5):
        with pytest.raises(InputError, match="configs = "):
            collection(configs=configs)
        with pytest.raises(InputError, match="configs = "):
            design(load_space(), configs, 0)  # type: ignore[arg-type]
    for wrong in (-1, 0, True, 1.5):
        with pytest.raises(InputError, match="workers = "):
            collection().run(processes=wrong)  # type: ignore[arg-type]
    for wrong in (-1, 0, math.nan, True):
        with pytest.raises(InputError, match="timeout = "):
            collection().run(timeout=wrong)
    assert list(tmp_path.iterdir()) == []


def load_space() -> Any:
    from autometa import children

    return children.get("linear").space
