"""What `autometa tune` says of its result."""

from __future__ import annotations

from dataclasses import replace

import optuna
import pytest

from autometa.cli.show_tuned import show_result
from autometa.priors.beginning import START
from autometa.tuning.arms import Arm
from tests.results import arm, result


def test_the_command_line_sets_the_defaults_beside(capsys: pytest.CaptureFixture[str]) -> None:
    rules = ("portfolio", "default", "default")
    given = arm("warm", [0.9, 0.8, 0.85]).trials
    trials = tuple(replace(t, rule=rule) for t, rule in zip(given, rules, strict=True))
    show_result(replace(result(cold=None), warm=Arm(name="warm", trials=trials)))
    (said,) = [line for line in capsys.readouterr().out.splitlines() if "untuned" in line]
    assert said.startswith("the best of 2 untuned defaults, ")
    assert said.endswith(": 0.85")
    show_result(result(cold=None))
    assert "untuned" not in capsys.readouterr().out


def test_a_family_that_starts_cold_is_no_cold_search(capsys: pytest.CaptureFixture[str]) -> None:
    found = result(cold=None)
    study = optuna.create_study()
    study.set_user_attr(START, "starts cold, because it knows nothing yet")
    first, *others = (replace(t, rule="base") for t in found.warm.trials)
    cold = Arm(name="warm", trials=(first, *others))
    show_result(replace(found, study=study, warm=cold))
    assert "note: this search starts cold" in capsys.readouterr().err
    pairs = Arm(name="warm", trials=(replace(first, rule="portfolio"), *others))
    show_result(replace(found, study=study, warm=pairs))
    assert f"note: the own search of {found.child} starts cold" in capsys.readouterr().err
    study.set_user_attr(START, "starts from 3 prior tasks")
    show_result(replace(found, study=study, warm=pairs))
    assert "note: this search starts from 3 prior tasks" in capsys.readouterr().err
