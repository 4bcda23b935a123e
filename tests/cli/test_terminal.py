"""What all commands share: switches, formats, progress, streams, exit codes, completion."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
import typer

from autometa.cli import app, main, progress
from autometa.cli.loudness import Loudness, loudness
from autometa.meta import MetaLearner
from autometa.samplers.asking import suggest
from autometa.testing.families import Bowls
from autometa.tuning.reading import read_study

RESULTS = Path(__file__).parent.parent.parent / "benchmarks" / "results"
PORTFOLIO = ["portfolio", "list", "embedded"]


def commands(group: typer.Typer, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every command's name and function, in all groups."""
    for command in group.registered_commands:
        assert command.callback is not None
        yield f"{prefix}{command.name or command.callback.__name__}", command.callback
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, f"{prefix}{inner.name} ")


EVERY = dict(commands(app))


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return int(stop.value.code or 0)


def test_there_are_commands() -> None:
    assert {"tune", "learn", "report", "portfolio merge", "bench run", "bench inner show"} <= set(
        EVERY
    )


@pytest.mark.parametrize("name", EVERY)
def test_every_command_has_the_same_switches(name: str) -> None:
    declared = [
        text
        for parameter in inspect.signature(EVERY[name], eval_str=True).parameters.values()
        for option in getattr(parameter.annotation, "__metadata__", ())
        for text in (getattr(option, "default", ""), *(getattr(option, "param_decls", None) or ()))
        if str(text).startswith("-")
    ]
    for letter, word in (("-f", "--format"), ("-q", "--quiet"), ("-v", "--verbose")):
        assert {letter, word} <= set(declared)
    assert len(declared) == len(set(declared))


def test_switches_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*PORTFOLIO, "-q") == 0
    assert loudness() is Loudness.QUIET
    assert run(*PORTFOLIO, "-v") == 0
    assert loudness() is Loudness.VERBOSE
    assert "reading the portfolio" in capsys.readouterr().err
    assert run(*PORTFOLIO) == 0
    assert loudness() is Loudness.NORMAL
    assert capsys.readouterr().err == ""
    assert run(*PORTFOLIO, "-q", "-v") == 2
    assert "one of them" in capsys.readouterr().err


def test_a_pipe_gets_results_only() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "autometa.cli", *PORTFOLIO, "-f", "json", "-v"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["tasks"]
    assert "reading the portfolio" in done.stderr


def test_bench_speaks_json(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    assert run("bench", "list", "-f", "json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"lcbench", "tables"} <= {suite["name"] for suite in listed["suites"]}
    assert "autometa" in {method["name"] for method in listed["methods"]}
    results = str(RESULTS / "lcbench.json")
    assert run("bench", "table", results, "--measures", "mean_rank", "-f", "json") == 0
    (table,) = json.loads(capsys.readouterr().out).values()
    assert len(table["mean_rank"]["autometa"]) == len(table["checkpoints"])
    figure = tmp_path / "regret.svg"
    assert run("bench", "plot", results, "--into", str(figure), "-f", "json") == 0
    assert json.loads(capsys.readouterr().out) == {"figure": str(figure)}


# Exit codes; 130 and 1 are those of test_start and test_tune -------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["tune"],
        ["tune", "nothing.csv"],
        ["portfolio", "list", "nowhere"],
        ["learn", "nothing.db", "--into", "here"],
        ["report", "nothing.json"],
        ["explain", "s", "--storage", "nonsense://x"],
        ["report", "s", "--storage", "sqlite:///absent.db"],
        ["bench", "run", "nothing"],
        ["portfolio", "list", "embedded", "-f", "xml"],
    ],
    ids=" ".join,
)
def test_unusable_input_ends_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: Any, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    assert not list(tmp_path.iterdir())


def test_exit_codes_are_documented(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    told = " ".join(capsys.readouterr().out.split())
    for code in ("0 done", "1 no trial", "2 unusable", "130 stopped"):
        assert code in told


# Progress -----------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_now_and_then(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.progress("cells") as show:
        for done in range(81):
            show("lcbench", done, 80, "x")
            clock[0] += 0.5
    # Every thirty seconds, and at the end.
    assert capsys.readouterr().err.splitlines() == [
        "lcbench: 60 of 80 cells, 2.0/s, 10 s left, x",
        "lcbench: 80 of 80 cells, 2.0/s, x",
    ]


def test_what_was_done_before_counts_for_no_rate(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.progress("cells") as show:
        show("lcbench", 70, 80)
        clock[0] += 40.0
        show("lcbench", 74, 80)
    assert capsys.readouterr().err == "lcbench: 74 of 80 cells, 10 s each, 1 min left\n"


def test_a_terminal_gets_bars_with_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with progress.progress("cells") as show:
        for done in range(4):
            show("[a]", done, 4, "now [b]")
    shown = capsys.readouterr()
    assert shown.out == ""
    for text in ("[a]", "3/4", "/s", "left", "now [b]"):
        assert text in shown.err


# Optuna and shells --------------------------------------------------------------------------------


def test_the_library_leaves_optunas_logging_alone() -> None:
    family, before = Bowls(), optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    try:
        model = MetaLearner(seed=0, steps=10).fit(family.portfolio(3, 8))
        study = optuna.create_study(sampler=model.sampler(seed=0))
        study.optimize(lambda t: float(len(suggest(t, family.space))), n_trials=4)
        read_study(study, model=model)
        assert optuna.logging.get_verbosity() == optuna.logging.CRITICAL
    finally:
        optuna.logging.set_verbosity(before)


def test_the_command_line_asks_optuna_for_what_the_user_asked(tmp_path: Any) -> None:
    url, before = f"sqlite:///{tmp_path / 's.db'}", optuna.logging.get_verbosity()
    optuna.create_study(storage=url, study_name="s").optimize(lambda t: 1.0, n_trials=1)
    try:
        for switch, level in (("-q", "ERROR"), ("-v", "INFO")):
            assert run("explain", "s", "--storage", url, switch) == 0
            assert optuna.logging.get_verbosity() == getattr(optuna.logging, level)
    finally:
        optuna.logging.set_verbosity(before)


def test_a_shell_completes_commands() -> None:
    asked = {
        "_AUTOMETA_COMPLETE": "complete_bash",
        "COMP_WORDS": "autometa po",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "autometa.cli"],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["portfolio"]
