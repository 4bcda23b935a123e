from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autometa.bench.reliability import BIN_NAMES, bins, calibration_error


def test_the_calibration_error_by_hand() -> None:
    # Ten rows at 0.85 of which six happen, ten at 0.25 of which two do.
    chance = np.repeat([0.85, 0.25], 10)
    happened = np.r_[np.ones(6), np.zeros(4), np.ones(2), np.zeros(8)]
    binned = dict(zip(BIN_NAMES, bins(happened, chance), strict=True))
    assert calibration_error(binned) == pytest.approx((10 * 0.25 + 10 * 0.05) / 20)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_every_row_lies_in_one_bin(rows: list[tuple[float, bool]]) -> None:
    chance, happened = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
    counted, predicted, observed = bins(happened, chance)
    assert sum(counted) == len(rows)
    assert sum(predicted) == pytest.approx(chance.sum(), abs=1e-3)
    assert sum(observed) == happened.sum()
