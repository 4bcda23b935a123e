"""The law is found again in runs that follow it; what it recommends lies below the mode."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.inner.rate_curve import RateCurve, Runs, fit_curve, margin


def made(n: int = 400, seed: int = 0, slopes: Floats | None = None) -> Runs:
    """Runs whose best log10 rate is -3 at the mean of the sizes, with a cliff above it."""
    rng = np.random.default_rng(seed)
    slopes = np.array([-0.5, 0.2, 0.1]) if slopes is None else slopes
    sizes = rng.normal([7.0, 6.0, 2.0], [0.7, 0.6, 0.4], size=(n, 3))
    rate = rng.uniform(-5, -1.5, size=n)
    u = rate + 3 - (sizes - [7.0, 6.0, 2.0]) @ slopes
    low, high = np.maximum(-u, 0), np.maximum(u, 0)
    loss = 1 - 0.2 * (sizes[:, 0] - 7) + 0.3 * low**2 / (1 + low) + 1 - np.exp(-3 * high**2)
    loss[rng.random(n) < 0.05] += 30.0  # diverged for reasons of their own
    other = rng.normal(size=(n, 1))
    return Runs(
        log_rate=rate,
        sizes=sizes,
        others=other,
        loss=loss + 0.02 * rng.normal(size=n) + 0.1 * other[:, 0],
        group=np.round(sizes[:, 0], 1),
    )


def test_the_law_is_found_again() -> None:
    runs = made()
    curve = fit_curve(runs)
    assert np.allclose(curve.slopes, [-0.5, 0.2, 0.1], atol=0.12)
    assert abs(curve.mode(np.array([7.0, 6.0, 2.0]))[0] + 3) < 0.1
    again = fit_curve(runs.part(np.arange(300)), start=curve)
    assert np.allclose(again.slopes, curve.slopes, atol=0.15)


def test_a_size_that_never_varies_has_no_slope() -> None:
    runs = made()
    fixed = Runs(
        log_rate=runs.log_rate,
        sizes=np.column_stack([runs.sizes[:, :2], np.full(len(runs), 1.1)]),
        others=runs.others,
        loss=runs.loss,
        group=runs.group,
    )
    assert fit_curve(fixed).slopes[2] == pytest.approx(0.0, abs=1e-6)


@given(st.floats(0.05, 2), st.floats(0.1, 5), st.floats(0.02, 0.8))
def test_less_certainty_means_lower_rates_where_above_is_worse(
    low: float, high: float, spread: float
) -> None:
    assert margin(low, 4 * low + high, 2 * spread) >= margin(low, 4 * low + high, spread) - 0.011
    assert margin(low, 4 * low + high, spread) > 0


def test_no_cliff_no_margin() -> None:
    assert margin(1.0, 0.001, 0.3) == 0.0


def test_steepness_is_positive_and_belongs_to_the_sizes() -> None:
    curve = RateCurve(
        centre=(7.0, 6.0, 2.0),
        scale=(1.0, 1.0, 1.0),
        best=(-3.0, -0.5, 0.0, 0.0),
        low=(0.2, -0.5, 0.0),
        high=(0.5, 0.1, 0.0),
    )
    low, high = curve.steepness(np.array([[7.0, 6, 2], [9.0, 6, 2]]))
    assert low[0] == pytest.approx(0.2)
    assert 0 < low[1] < 0.01
    assert high[1] == pytest.approx(0.7)
    assert curve.mode(np.array([[9.0, 6, 2]]))[0] == pytest.approx(-4.0)


def test_runs_that_cannot_be() -> None:
    runs = made(30)
    with pytest.raises(InputError, match="lengths"):
        runs.part(np.arange(19))
    with pytest.raises(InputError, match="not finite"):
        Runs(
            log_rate=runs.log_rate,
            sizes=runs.sizes,
            others=runs.others,
            loss=np.full(30, np.nan),
            group=runs.group,
        )
