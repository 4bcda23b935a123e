from __future__ import annotations

import sys

import numpy as np
import pytest

from autometa import plots
from autometa.errors import InputError
from tests.results import HOSTILE, result


def test_best_so_far_draws_a_line_for_each_arm() -> None:
    ax = plots.plot_warm_vs_cold(result())
    lines = {line.get_label(): line for line in ax.lines}
    assert np.asarray(lines["warm"].get_ydata()).tolist() == [0.8, 0.8, 0.9, 0.9, 0.95]
    assert np.asarray(lines["cold"].get_xdata()).tolist() == [1, 2, 3, 4, 5]
    assert ax.get_xlabel() == "trials"
    assert ax.get_ylabel() == "balanced accuracy"


def test_several_runs_draw_their_mean() -> None:
    runs = [result(warm=[0.2, 0.4], cold=None), result(warm=[0.4, 0.8], cold=None)]
    ax = plots.plot_warm_vs_cold(runs, target_name="score")
    assert np.allclose(ax.lines[0].get_ydata(), [0.3, 0.6])
    assert ax.get_ylabel() == "score"


def test_error_bar_switches_the_band() -> None:
    assert len(plots.plot_warm_vs_cold(result()).collections) == 2
    assert len(plots.plot_warm_vs_cold(result(), error_bar=False).collections) == 0


def test_calibration_shows_expected_against_observed() -> None:
    ax = plots.plot_calibration(result())
    points = np.asarray(ax.collections[0].get_offsets())
    assert np.allclose(points, [[0.0, 0.8], [0.2, 0.9], [0.3, 0.85], [0.4, 0.95]])
    assert "rank correlation 0.80" in ax.get_title()


def test_weights_show_the_tasks_that_mattered_most() -> None:
    ax = plots.plot_weights(result(weights=["a", "b", "c"]), n_tasks=2)
    assert [line.get_label() for line in ax.lines] == ["a", "b"]
    assert np.asarray(ax.lines[1].get_ydata()).tolist() == [0.5] * 5


@pytest.mark.parametrize("values", [[], [None], [None, None], [0.5], [0.5, 0.5]])
def test_sparse_results_can_be_drawn(values: list[float | None]) -> None:
    sparse = result(warm=values, cold=values, weights=[HOSTILE])
    for plot in (plots.plot_warm_vs_cold, plots.plot_calibration, plots.plot_weights):
        figure = plot(sparse).figure
        figure.draw_without_rendering()  # type: ignore[union-attr]


def test_nothing_to_plot_is_said() -> None:
    with pytest.raises(InputError, match="no results"):
        plots.plot_warm_vs_cold([])


def test_an_axes_of_the_user_is_drawn_on() -> None:
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    assert plots.plot_warm_vs_cold(result(), ax=ax) is ax
    assert plots.plot_weights(result(), ax=ax) is ax


def test_pyplot_stays_out() -> None:
    before = "matplotlib.pyplot" in sys.modules
    plots.plot_warm_vs_cold(result())
    assert ("matplotlib.pyplot" in sys.modules) == before
