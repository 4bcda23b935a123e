from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autometa.bench.compare import pair, trials_to_match
from autometa.bench.journal import Cell
from autometa.bench.show import markdown
from autometa.bench.suite import BenchTask
from autometa.bench.suites.synthetic import Synthetic
from autometa.bench.summary import summarise

CELL = Cell(
    method="ours",
    task="f01",
    seed=0,
    evaluations=100,
    direction="maximize",
    values=(0.5, 0.9, 0.8),
    milliseconds=(1.0, 2.0, 3.0),
    best=1.0,
    middle=0.5,
)
OTHER = replace(CELL, method="theirs", values=(0.4, 0.5, 1.1), milliseconds=(5.0, 5.0, 5.0))


def results(suite: Synthetic, *cells: Cell) -> dict:  # type: ignore[type-arg]
    return summarise(
        cells,
        suite=suite,
        split="test",
        methods=["ours", "theirs"],
        reference="ours",
        checkpoints=[1, 2, 3],
        evaluations=100,
        seeds=[0],
    )


def test_regret_is_scaled_and_never_rises(suite: Synthetic) -> None:
    found = results(suite, CELL, OTHER)["methods"]
    assert found["ours"]["mean_regret"] == [1.0, 0.2, 0.2]
    assert found["theirs"]["mean_regret"] == [1.2, 1.0, -0.2]  # better than the best known
    assert found["ours"]["mean_rank"] == [1.0, 1.0, 2.0]
    assert found["theirs"]["ms_per_suggestion"]["median"] == 5.0


def test_a_minimised_metric_has_the_same_regret(suite: Synthetic) -> None:
    flipped = replace(
        CELL,
        direction="minimize",
        values=tuple(-v for v in CELL.values if v is not None),
        best=-1.0,
        middle=-0.5,
    )
    one, other = results(suite, CELL), results(suite, flipped)
    assert one["methods"]["ours"]["curve"] == other["methods"]["ours"]["curve"]


def test_failures_before_the_first_success_count_as_the_worst_seen(suite: Synthetic) -> None:
    failing = replace(CELL, values=(None, None, 0.75))
    found = results(suite, failing, OTHER)["methods"]["ours"]
    assert found["mean_regret"] == [1.2, 1.2, 0.5]


def test_a_method_that_misses_cells_has_no_rank_and_is_paired_on_shared_ones(
    suite: Synthetic,
) -> None:
    found = results(suite, CELL, replace(CELL, task="f04"), OTHER)
    assert found["methods"]["theirs"]["complete"] is False
    assert found["methods"]["theirs"]["mean_rank"] is None
    against = found["paired"]["against"]["theirs"]
    decided = np.array([against["win"], against["tie"], against["loss"]]).sum(axis=0)
    assert decided.tolist() == [1, 1, 1]


def test_pairs_count_wins_and_bound_the_difference() -> None:
    ours, theirs = np.array([[0.0], [0.1], [0.5]]), np.array([[0.2], [0.1], [0.4]])
    found = pair(ours, theirs, tie=0.01)
    assert (found["win"], found["tie"], found["loss"]) == ([1], [1], [1])
    assert found["low"][0] <= found["difference"][0] <= found["high"][0]


def test_trials_to_match_counts_what_is_never_matched() -> None:
    theirs = [np.array([0.9, 0.5, 0.3]), np.array([0.9, 0.5, 0.1])]
    ours = [np.array([0.4, 0.3, 0.3]), np.array([0.4, 0.3, 0.3])]
    found = trials_to_match(ours, theirs, 2)
    assert (found["median"], found["ratio"], found["unmatched"]) == (1.0, 2.0, 0.0)
    assert trials_to_match(ours, theirs, 3)["unmatched"] == pytest.approx(0.5)
    assert trials_to_match(ours, theirs, 3)["median"] is None


class TwoSpaces(Synthetic):
    """The same tasks, said to be of two spaces."""

    @property
    def by_name(self) -> dict[str, BenchTask]:
        first, second = (replace(self.tasks[0].task.space, name=n) for n in ("one", "two"))
        task = self.tasks[0]
        return {
            "f01": replace(task, task=replace(task.task, space=first)),
            "f04": replace(task, task=replace(task.task, space=second)),
        }


def test_several_spaces_are_reported_in_the_metrics_own_units(suite: Synthetic) -> None:
    assert results(suite, CELL, OTHER)["by_space"] == {}
    later = replace(CELL, task="f04", seed=1, values=(0.2, None, 0.3))
    found = results(TwoSpaces(), CELL, OTHER, replace(later, seed=0), later)
    assert found["by_space"]["one"] == {"ours": [0.5, 0.9, 0.9], "theirs": [0.4, 0.5, 1.1]}
    assert found["by_space"]["two"] == {"ours": [0.2, 0.2, 0.3]}
    text = markdown(found)
    assert "| one | theirs | 0.4000 | 0.5000 | 1.1000 |" in text
    assert "| two | ours | 0.2000 | 0.2000 | 0.3000 |" in text
