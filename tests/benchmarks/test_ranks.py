from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autometa.errors import InputError
from autometa_benchmarks import ranks


def results(regrets: dict[str, list[list[float]]], complete: bool = True) -> dict[str, Any]:
    """Of a suite with checkpoints 1 and 3; regrets of each method, a task a row."""
    return {
        "checkpoints": [1, 3],
        "methods": {
            name: {"complete": complete, "per_task": {f"t{i}": r for i, r in enumerate(rows)}}
            for name, rows in regrets.items()
        },
    }


A = results({"autometa": [[0.1, 0.0], [0.1, 0.3]], "random": [[0.2, 0.0], [0.2, 0.1]]})
B = results({"autometa": [[0.5, 0.5]], "random": [[0.1, 0.9]], "cold-gp": [[0.0, 0.0]]})


def average(*suites: dict[str, Any], checkpoints: tuple[int, ...] = (1, 3)) -> ranks.Ranks:
    return ranks.average_ranks(suites, checkpoints, rng=np.random.default_rng(0))


def test_ranks_are_means_of_suites_of_what_all_have() -> None:
    found = average(A, B)
    assert found.methods == ("autometa", "random")
    # A: first in both, then a tie and a loss (1.75); B: lost, then won.
    assert found.mean == pytest.approx(np.array([[1.5, 1.375], [1.5, 1.625]]))
    assert (found.low <= found.mean).all()
    assert (found.mean <= found.high).all()
    assert found.low[0, 1] < found.high[0, 1]
    assert found.low[0, 0] == found.high[0, 0]  # both tasks of A agree, and B has one


def test_a_checkpoint_that_a_suite_lacks_is_its_next_smaller_one() -> None:
    assert average(A, checkpoints=(2,)).mean == pytest.approx(np.array([[1.0], [2.0]]))


def test_what_is_not_complete_is_not_compared() -> None:
    part = results({"autometa": [[0.1, 0.1]], "random": [[0.1, 0.1]]}, complete=False)
    part["methods"]["autometa"]["complete"] = True
    assert average(A, part).methods == ("autometa",)


def test_the_title_says_where_it_is_not_first(tmp_path: Path) -> None:
    ranks.draw(average(A), tmp_path / "r.svg")
    assert (tmp_path / "r.svg").stat().st_size
    assert ranks.story(average(A)) == "autometa ranks first but at @3"
    assert (
        ranks.story(average(A, checkpoints=(1,)))
        == "autometa ranks first at every number of trials"
    )
    with pytest.raises(InputError):
        ranks.draw(average(A), tmp_path / "r.doc")
