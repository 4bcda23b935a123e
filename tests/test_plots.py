from __future__ import annotations

import sys
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autometa import plots
from autometa.bench import show
from autometa.errors import InputError, ModelError
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.inspect.importance import param_importances
from autometa.meta.inspect.task_map import task_map
from autometa.meta.parts.inner_rate import InnerRate
from autometa.portfolio import Portfolio
from autometa.testing.families import Bowls
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


# Benchmarks ---------------------------------------------------------------------------------------

LCBENCH = Path(__file__).parent.parent / "benchmarks" / "results" / "lcbench-100.json"


@pytest.fixture(scope="module")
def bench() -> dict[str, Any]:
    return show.load(LCBENCH)


def test_regret_draws_each_curve_and_its_standard_error(bench: dict[str, Any]) -> None:
    ax = plots.plot_regret(bench, methods=["cold-gp", "autometa"])
    lines = {line.get_label(): np.asarray(line.get_ydata()) for line in ax.lines[:2]}
    assert list(lines) == ["cold-gp", "autometa"]
    assert lines["autometa"].tolist() == bench["methods"]["autometa"]["curve"]
    corners = np.asarray(ax.collections[1].get_paths()[0].vertices)
    table = np.array(list(bench["methods"]["autometa"]["per_task"].values()))
    error = table[:, 3].std(ddof=1) / np.sqrt(len(table))
    at_ten = corners[corners[:, 0] == 10.0, 1]
    assert np.ptp(at_ten) == pytest.approx(2 * error)
    assert at_ten.mean() == pytest.approx(table[:, 3].mean())
    assert not plots.plot_regret(bench, error_bar=False).collections


def test_trials_to_target_of_a_benchmark(bench: dict[str, Any]) -> None:
    ax = plots.plot_trials_to_target(bench, methods=["random", "cold-gp"])
    rows = bench["trials_to_match"]["against"]["cold-gp"]
    assert [line.get_label() for line in ax.lines] == ["random", "cold-gp", "equal speed"]
    assert np.asarray(ax.lines[1].get_xdata()).tolist() == [row["after"] for row in rows]
    medians = np.array([row["median"] for row in rows], dtype=float)  # none: never matched
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), medians)


def test_trials_to_target_of_searches() -> None:
    # warm 0.8, 0.8, 0.9, 0.9, 0.95; cold 0.5, 0.6, 0.7, 0.9, 0.96: the last is never reached.
    ax = plots.plot_trials_to_target(result(cold=[0.5, 0.6, 0.7, 0.9, 0.96]))
    y = np.asarray(ax.lines[0].get_ydata())
    assert y[:4].tolist() == [1, 1, 1, 3]
    assert np.isnan(y[4])
    two = [result(), result(warm=[0.1, 0.9], cold=[0.5, 0.9])]
    assert np.asarray(plots.plot_trials_to_target(two).lines[0].get_ydata()).tolist() == [1.5, 1.5]
    assert not plots.plot_trials_to_target(result(cold=None)).lines


@pytest.mark.parametrize("after", [10, 100])
def test_wins_and_losses_are_those_of_the_table(bench: dict[str, Any], after: int) -> None:
    ax = plots.plot_win_tie_loss(bench, against="cold-gp", after=after)
    pair, at = bench["paired"]["against"]["cold-gp"], bench["checkpoints"].index(after)
    counts = [pair[name][at] for name in ("win", "tie", "loss")]
    assert [len(bars) for bars in ax.containers] == counts
    heights = [bar.get_height() for bars in ax.containers for bar in bars]
    assert np.mean(heights) == pytest.approx(-pair["difference"][at], abs=1e-4)
    assert heights == sorted(heights, reverse=True)
    assert len(ax.get_xticklabels()) == len(bench["tasks"])


def test_wins_are_against_a_cold_method_by_default(bench: dict[str, Any]) -> None:
    assert plots.plot_win_tie_loss(bench).get_title() == "against cold-tpe, after 100 trials"


def test_unknown_methods_and_checkpoints_are_refused(bench: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="cold-gp"):
        plots.plot_regret(bench, methods=["cold"])
    with pytest.raises(InputError, match="cold-gp"):
        plots.plot_win_tie_loss(bench, against="cold")
    with pytest.raises(InputError, match="1, 3, 5"):
        plots.plot_win_tie_loss(bench, after=2)
    with pytest.raises(InputError, match="one method"):
        plots.plot_win_tie_loss({**bench, "paired": {}})


def test_a_diverged_method_does_not_flatten_the_rest() -> None:
    diverged = show.load(LCBENCH.with_name("tables.json"))
    assert plots.plot_regret(diverged).get_ylim()[1] < 2
    assert plots.plot_win_tie_loss(diverged, after=1).get_ylim()[1] < 2


# The mother ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> MetaModel:
    return MetaLearner(seed=0, steps=60).fit(Bowls().portfolio(6, 20))


def test_importances_are_bars_of_the_mean_share(model: MetaModel) -> None:
    shares = param_importances(model)
    ax: Any = plots.plot_param_importances(model)
    assert [text.get_text() for text in ax.get_yticklabels()] == list(shares)
    assert [bar.get_width() for bar in ax.patches] == [s.mean() for s in shares.values()]
    middle = ax.collections[0].get_segments()[0][:, 0].tolist()
    assert middle == np.quantile(shares[next(iter(shares))], [0.25, 0.75]).tolist()
    one = plots.plot_param_importances(model, params=["depth"], error_bar=False)
    assert len(one.patches) == 1
    assert not one.collections
    with pytest.raises(InputError, match="depth"):
        plots.plot_param_importances(model, params=["deep"])


def test_the_task_map_shows_places_and_relevance(model: MetaModel) -> None:
    found = task_map(model)
    ax = plots.plot_task_map(model, n_labels=2)
    points: Any = ax.collections[0]
    assert np.allclose(points.get_offsets(), found.places)
    assert np.allclose(points.get_sizes(), 30.0)  # no meta-features: all count the same
    assert len(ax.texts) == 2
    assert {text.get_text() for text in ax.texts} <= set(model.tasks)


def test_inner_rates_are_drawn_with_their_intervals() -> None:
    rates = {"a": InnerRate(mean=-2.0, low=-3.0, high=-1.0), "b": InnerRate(mean=0, low=-1, high=2)}
    ax = plots.plot_inner_lr(rates, observed={"b": 0.5})
    drawn = ax.containers[0]
    assert np.allclose(drawn[0].get_xdata(), [0.01, 1.0])
    ends = np.array([s[:, 0] for s in drawn[2][0].get_segments()])
    assert np.allclose(ends, [[1e-3, 0.1], [0.1, 100.0]])
    cross = ax.lines[-1]
    assert (np.asarray(cross.get_xdata()).tolist(), np.asarray(cross.get_ydata()).tolist()) == (
        [0.5],
        [1],
    )
    assert ax.get_xscale() == "log"
    with pytest.raises(InputError, match="'c'"):
        plots.plot_inner_lr(rates, observed={"c": 0.5})


def test_nothing_learned_is_said() -> None:
    empty = MetaLearner(seed=0).fit(Portfolio(), space=Bowls().space)
    for plot in (plots.plot_task_map, plots.plot_param_importances):
        with pytest.raises(ModelError, match="at least one task"):
            plot(empty)
    assert "no inner learning rate" in plots.plot_inner_lr({}).texts[0].get_text()


@pytest.mark.parametrize("name", [n for n in plots.__all__ if n.startswith("plot_")])
def test_every_plot_takes_an_axes_by_keyword(name: str) -> None:
    parameter = signature(getattr(plots, name)).parameters["ax"]
    assert parameter.kind is parameter.KEYWORD_ONLY
    assert parameter.default is None
