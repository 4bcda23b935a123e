"""Children that do what no child should: each costs its own trial and nothing more."""

from __future__ import annotations

import pytest

from autometa.children.evaluation.isolated import Evaluator
from autometa.tables import load_table
from autometa.task import State
from tests.children import hostile
from tests.faults.counter import Faults


@pytest.mark.slow
def test_every_hostile_deed_is_one_failed_trial(faults: Faults) -> None:
    iris = load_table("sklearn:iris")
    with Evaluator(memory=2**28) as evaluator:
        for deed in hostile.DEEDS:
            with faults.tried(f"a child that goes wrong: {deed}", deed != "behave"):
                timeout = 0.5 if deed == "sleep" else 200.0
                trial = evaluator.run(
                    hostile.CHILD, {"deed": deed}, iris, folds=2, seed=0, timeout=timeout
                ).trial
                fine = deed in ("behave", "print")
                assert trial.state is (State.COMPLETE if fine else State.FAILED)
                after = evaluator.run(
                    hostile.CHILD, {"deed": "behave"}, iris, folds=2, seed=0, timeout=200.0
                ).trial
                assert after.state is State.COMPLETE
