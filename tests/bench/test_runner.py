from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autometa.bench import run
from autometa.bench.method import Method
from autometa.bench.suites.synthetic import Synthetic
from autometa.errors import InputError
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace


def first_two(suite: Synthetic) -> list[str]:
    return [t.name for t in suite.chosen("test")][:2]


def test_a_run_is_continued_where_it_ended(
    suite: Synthetic, random: Method, tmp_path: Path
) -> None:
    seen: list[str] = []
    options = {"tasks": first_two(suite), "trials": 4, "cells": tmp_path / "cells.jsonl"}
    run(suite, [random], seeds=(0,), **options)  # type: ignore[arg-type]
    both = run(
        suite,
        [random],
        seeds=(0, 1),
        progress=lambda done, total, cell: seen.append(f"{cell.seed} {done}/{total}"),
        **options,  # type: ignore[arg-type]
    )
    assert seen == ["1 3/4", "1 4/4"]
    fresh = run(suite, [random], tasks=first_two(suite), seeds=(0, 1), trials=4)
    assert both["methods"]["random"]["curve"] == pytest.approx(
        fresh["methods"]["random"]["curve"], abs=1e-5
    )


def test_more_trials_run_a_cell_again_and_fewer_do_not(
    suite: Synthetic, random: Method, tmp_path: Path
) -> None:
    ran: list[int] = []
    for trials in (4, 6, 5):
        found = run(
            suite,
            [random],
            tasks=first_two(suite)[:1],
            seeds=(0,),
            trials=trials,
            cells=tmp_path / "c.jsonl",
            progress=lambda done, total, cell: ran.append(len(cell.values)),
        )
        assert len(found["methods"]["random"]["curve"]) == trials
    assert ran == [4, 6]


def test_a_method_never_sees_the_task_in_its_prior(suite: Synthetic, random: Method) -> None:
    priors: list[Portfolio] = []

    def prepare(portfolio: Portfolio, space: SearchSpace, seed: int):  # type: ignore[no-untyped-def]
        priors.append(portfolio)
        return random.prepare(portfolio, space, seed)

    spy = replace(random, name="spy", prepare=prepare, uses_prior=True)
    run(suite, [spy], seeds=(0,), trials=1, evaluations=7)
    tested = {t.name for t in suite.chosen("test")}
    assert len(priors) == 1
    assert tested.isdisjoint(t.name for t in priors[0].tasks)
    assert {len(h) for h in priors[0].histories} == {7}


def test_a_method_that_fails_is_reported_and_the_others_run(
    suite: Synthetic, random: Method
) -> None:
    def prepare(portfolio: Portfolio, space: SearchSpace, seed: int):  # type: ignore[no-untyped-def]
        raise RuntimeError("no luck")

    said: list[str] = []
    found = run(
        suite,
        [replace(random, name="broken", prepare=prepare), random],
        tasks=first_two(suite),
        seeds=(0,),
        trials=2,
        message=said.append,
    )
    assert list(found["methods"]) == ["random"]
    assert "no luck" in said[0]


def test_a_method_without_its_package_is_skipped_with_a_message(
    suite: Synthetic, random: Method
) -> None:
    said: list[str] = []
    absent = replace(random, name="peer", needs=("no_such_package",))
    found = run(
        suite,
        [absent, random],
        tasks=first_two(suite)[:1],
        seeds=(0,),
        trials=1,
        message=said.append,
    )
    assert said == ["peer skipped: no_such_package cannot be imported"]
    assert list(found["methods"]) == ["random"]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="lcbench"):
        run("no-such-suite", ["random"])
    with pytest.raises(InputError, match="cold-gp"):
        run("synthetic", ["no-such-method"])
    with pytest.raises(InputError, match="f01"):
        run("synthetic", ["random"], tasks=["absent"])


@pytest.mark.slow
def test_two_workers_find_what_one_does(tmp_path: Path) -> None:
    curves = [
        run("synthetic", ["random", "cold-tpe"], seeds=(0,), trials=12, workers=workers)["methods"]
        for workers in (1, 2)
    ]
    assert curves[0]["cold-tpe"]["curve"] == pytest.approx(curves[1]["cold-tpe"]["curve"])
