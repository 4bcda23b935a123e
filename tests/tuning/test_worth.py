"""What the prior was worth, and what the page of a fitted model shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autometa import plots, report
from autometa.errors import InputError
from autometa.tuning.arms import Arm
from autometa.tuning.shown import Shown
from autometa.tuning.thresholds import Threshold
from autometa.tuning.worth import worth
from tests.results import arm, result


def ruled(values: list[float | None], rules: list[str]) -> Arm:
    trials = arm("warm", values).trials
    return Arm(
        name="warm",
        trials=tuple(replace(t, rule=r) for t, r in zip(trials, rules, strict=True)),
    )


def test_the_start_is_compared_with_the_best_default() -> None:
    rules = ["portfolio", "portfolio", "default", "default", "transfer", "transfer"]
    found = worth(ruled([0.7, None, 0.8, 0.6, 0.65, 0.9], rules))
    assert found is not None
    assert (found.start.value, found.default.value, found.defaults) == (0.7, 0.8, 2)
    assert found.trials == 4  # of those by what was learned, failed ones counted
    assert found.to_json()["trials_to_default"] == 4
    never = worth(ruled([0.7, 0.8], ["portfolio", "default"]))
    assert never is not None
    assert never.trials is None
    assert worth(ruled([0.7, 0.8], ["portfolio", "transfer"])) is None
    assert worth(ruled([None, 0.8], ["portfolio", "default"])) is None


@pytest.mark.parametrize("kind", ["reliability", "residuals"])
def test_the_page_of_a_model(kind: str) -> None:
    warm = ruled([0.7, 0.8, 0.9], ["portfolio", "default", "transfer"])
    points = ((0.1, 0.2, 30.0), (0.7, 0.6, 30.0))
    found = replace(
        result(cold=None),
        warm=warm,
        members=((warm.trials[2], 0.6), (warm.trials[0], 0.4)),
        ensemble_score=0.92,
        test_score=0.91,
        default_test_score=0.87,
        threshold=Threshold(np.array([0.25, 0.75]), 0.9, 0.93),
        held_out=Shown(kind=kind, points=points if kind == "reliability" else ((1.0, 0.5),)),
    )
    page = report.render(found)
    for said in (
        "What the prior was worth",
        "On held-out rows",
        "labels cut apart",
        "Leaderboard",
        "default there",
    ):
        assert said in page
    assert "On held-out rows" in page
    axes = plots.plot_held_out(found)
    assert (
        axes.get_xlabel()
        == {
            "reliability": "probability that the model gave",
            "residuals": "predicted",
        }[kind]
    )
    assert found.to_json()["prior_worth"]["defaults"] == 1
    with pytest.raises(InputError, match="without held-out"):
        plots.plot_held_out(result())
